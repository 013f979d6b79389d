import { deferred } from '../store/asides.ts';
import { fenced } from '../store/lease.ts';
import { translated } from '../store/pool.ts';
import { forgetFolders, leftovers, settle, sweepUntracked } from '../store/walks.ts';
import { type FolderIndex, isStopping, type SyncContext } from './context.ts';
import { prepareByAsking } from './prepare.ts';
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

const mostRechecks = 400;
const chunk = 400;
const mostPerStatement = 5_000;

/** Asks again for what an earlier run had to defer. */
export async function recheckDeferred({ context, writer, folders, historyFrom }: Rooms): Promise<void> {
  const ids = await translated(() => deferred(context.pool, context.owner.providerId, mostRechecks));
  if (ids.length === 0) return;
  const prepared = await prepareByAsking(context, { folders, folderId: null, historyFrom }, ids);
  const open = new Set(prepared.deferred);
  await writer.apply(prepared, { undeferred: ids.filter((id) => !open.has(id)) });
}

/** Asks for what complete walks have left over, and deletes what is gone. */
export async function sweepLeftovers({ context, writer, folders, historyFrom }: Rooms): Promise<void> {
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
    const prepared = await prepareByAsking(context, { folders, folderId: null, historyFrom }, ids);
    await writer.apply(prepared, { settled });
  }
}

/** Deletes the rows of folders that are not synced (any more). Only when everything that is has been drained. */
export async function sweepFolders({ pool, lease, owner, tally, log }: SyncContext): Promise<void> {
  let removed = 0;
  for (let count = mostPerStatement; count === mostPerStatement; removed += count) {
    count = await fenced(pool, lease, async (transaction) => {
      const swept = await sweepUntracked(transaction, owner.providerId, mostPerStatement);
      if (swept < mostPerStatement) await forgetFolders(transaction, owner.providerId);
      return swept;
    });
  }
  tally.removed += removed;
  if (removed > 0) log.info({ removed }, 'Removed the messages of folders that are not synced any more');
}
