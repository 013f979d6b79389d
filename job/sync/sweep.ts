import { deferred } from '../store/asides.ts';
import { fenced } from '../store/lease.ts';
import { translated } from '../store/pool.ts';
import { saveAdopted } from '../store/state.ts';
import { forgetFolders, leftovers, settle, sweepUntracked, unplaced } from '../store/walks.ts';
import { type FolderIndex, isStopping, type SyncContext } from './context.ts';
import { type PageSource, prepareByAsking } from './prepare.ts';
import type { PageWriter } from './writer.ts';

/**
 * What is deleted outside a page, and never on hearsay: messages whose state Graph could not tell before, rows that
 * a complete walk did not meet, and rows of folders that are no longer synced.
 */
interface Rooms {
  readonly context: SyncContext;
  readonly writer: PageWriter;
  readonly folders: FolderIndex;
  readonly historyFrom: string | null;
}

/** No folder's page: what is asked about may be in any. */
const anywhere = ({ folders, historyFrom }: Rooms): PageSource => ({ folders, folderId: null, historyFrom });

const chunk = 400;
const mostPerStatement = 5_000;

/** Asks again about what Graph could not tell an earlier run. */
export async function recheckDeferred(rooms: Rooms): Promise<void> {
  await recheck(rooms, false);
}

/**
 * Asks once more about messages that an earlier run placed by asking. To be called when all folders have been drained
 * since: what is still there is known to its folder's cursor by now, and what is gone may have gone unannounced.
 */
export async function recheckUnconfirmed(rooms: Rooms): Promise<void> {
  await recheck(rooms, true);
}

async function recheck(rooms: Rooms, unconfirmed: boolean): Promise<void> {
  const { context, writer } = rooms;
  const { pool, lease, owner } = context;
  const wanted = { unconfirmed, epoch: lease.epoch, limit: chunk };
  while (!isStopping(context)) {
    const ids = await translated(() => deferred(pool, owner.providerId, wanted));
    if (ids.length === 0) return;
    const prepared = await prepareByAsking(context, anywhere(rooms), { ids, settles: unconfirmed });
    await writer.apply(prepared, { asked: ids });
  }
}

/** Asks for what complete walks have left over, and deletes what is gone. */
export async function sweepLeftovers(rooms: Rooms): Promise<void> {
  const { context, writer } = rooms;
  const { pool, lease, owner } = context;
  while (!isStopping(context)) {
    const rows = await translated(() => leftovers(pool, owner.providerId, chunk));
    if (rows.length === 0) return;
    const settled = rows.map(({ messageId }) => messageId);
    const ids = [...new Set(rows.flatMap(({ externalMessageId }) => externalMessageId ?? []))];
    if (ids.length === 0) {
      await fenced(pool, lease, (transaction) => settle(transaction, owner.providerId, settled));
      continue;
    }
    const prepared = await prepareByAsking(context, anywhere(rooms), { ids, settles: false });
    await writer.apply(prepared, { settled });
  }
}

/** Deletes the rows of folders that are not synced (any more). Only when everything that is has been drained. */
export async function sweepFolders(context: SyncContext, excluded: readonly string[]): Promise<void> {
  const { pool, lease, owner, tally, log } = context;
  let removed = 0;
  for (let count = mostPerStatement; count === mostPerStatement; removed += count) {
    count = await fenced(pool, lease, async (transaction) => {
      const swept = await sweepUntracked(transaction, excluded, mostPerStatement);
      if (swept < mostPerStatement) await forgetFolders(transaction, owner.providerId);
      return swept;
    });
  }
  tally.removed += removed;
  if (removed > 0) log.info({ removed }, 'Removed the messages of folders that are not synced any more');
}

/**
 * Once in the life of a provider: rows that another sync module left in it are verified, for no walk of ours will
 * ever meet them. One that Graph cannot tell about now keeps the question open for the next run.
 */
export async function sweepAdopted(rooms: Rooms): Promise<void> {
  const { context, writer } = rooms;
  const { pool, lease, owner } = context;
  while (!isStopping(context)) {
    const ids = await translated(() => unplaced(pool, owner.providerId, chunk));
    if (ids.length === 0) {
      await fenced(pool, lease, (transaction) => saveAdopted(transaction, owner.providerId));
      return;
    }
    const prepared = await prepareByAsking(context, anywhere(rooms), { ids, settles: false });
    await writer.apply(prepared, {});
    if (prepared.deferred.length > 0) return;
  }
}
