import { type ErrorCode, SyncError } from '../errors.ts';
import { hasQuarantined } from '../store/asides.ts';
import { type Folder, loadFolders, wholeMailbox } from '../store/folders.ts';
import { upsertLabels } from '../store/labels.ts';
import { fenced } from '../store/lease.ts';
import { translated } from '../store/pool.ts';
import { loadState, saveCategoriesRead, type Scope, type SyncState } from '../store/state.ts';
import { bootstrap } from './bootstrap.ts';
import { Categories } from './categories.ts';
import { isStopping, type SyncContext } from './context.ts';
import { settleFolders } from './folderSet.ts';
import { settleHistory } from './restart.ts';
import { settleScope } from './scope.ts';
import { recheckDeferred, recheckUnconfirmed, sweepAdopted, sweepFolders, sweepLeftovers } from './sweep.ts';
import { Turnstile } from './turnstile.ts';
import { walkCursor, type WalkRooms } from './walk.ts';
import { PageWriter } from './writer.ts';

/**
 * One pass over a mailbox: scope, folders, the newest messages if there is nothing yet, then every cursor from where
 * it stands, then what is left to be swept. A pass holds nothing in memory that the next one needs, so it may end,
 * or be killed, anywhere.
 */

const walkers = 4;
/** Two being written, one for each of the others to fetch; a page of 1,000 messages takes some 10 MB. */
const pagesInMemory = 5;
const day = 24 * 3_600_000;

export async function syncPass(context: SyncContext): Promise<void> {
  const state = await settleHistory(context, await settleScope(context));
  const { historyFrom } = state;
  const { folders, index, excluded, restarted } = await settleFolders(context, state);
  const { pool, owner, client, urls } = context;
  const categories = await Categories.load(pool, owner.providerId, { client, urls });
  const quarantineInUse = await translated(() => hasQuarantined(pool, owner.providerId));
  const writer = new PageWriter(context, categories, quarantineInUse);
  const pages = new Turnstile(pagesInMemory);
  const rooms: WalkRooms = { context, writer, pages, folders: index, historyFrom };
  await refreshColors(context, categories, state);
  const cursors = cursorsOf(folders, state.scope, restarted ? null : state.primaryCursor);
  if (cursors.every(({ cursor, completed }) => cursor === null && !completed)) {
    await bootstrap(context, writer, { folders: index, historyFrom });
  }
  await recheckDeferred(rooms);
  await walkAll(rooms, cursors);
  await sweepLeftovers(rooms);
  if (categories.wasRead) {
    await fenced(pool, context.lease, (transaction) => saveCategoriesRead(transaction, owner.providerId));
  }
  if ((await cursorState(context)) !== 'Steady' || isStopping(context)) return;
  await recheckUnconfirmed(rooms);
  await sweepFolders(context, excluded);
  if (!state.adopted) await sweepAdopted(rooms);
}

/** The cursors of this scope, the Inbox first. */
function cursorsOf(folders: readonly Folder[], scope: Scope, primaryCursor: string | null): Folder[] {
  if (scope === 'Mailbox') {
    const whole = folders.filter(({ folderId }) => folderId === wholeMailbox);
    return whole.map((folder) => ({
      ...folder,
      cursor: primaryCursor,
      steady: folder.steady && primaryCursor !== null,
    }));
  }
  const tracked = folders.filter((folder) => folder.tracked && folder.folderId !== wholeMailbox);
  return tracked.toSorted(
    (a, b) => Number(b.wellKnownName === 'inbox') - Number(a.wellKnownName === 'inbox'),
  );
}

/** Failures of one cursor that say nothing about the others. */
const ofOneCursor: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'AccessDenied',
  'CursorExpired',
  'ForeignLink',
  'GraphRequestRefused',
  'GraphResponseInvalid',
  'PageLoop',
]);

const concernsAll = (error: unknown): boolean => !(error instanceof SyncError && ofOneCursor.has(error.code));

/**
 * Walks all cursors, a few at a time. A folder that fails by itself does not keep the others from being synced; any
 * other failure does. The first one is thrown at the end.
 */
async function walkAll(rooms: WalkRooms, cursors: readonly Folder[]): Promise<void> {
  const open = [...cursors];
  const failures: unknown[] = [];
  const walker = async (): Promise<void> => {
    for (let next = open.shift(); next && !failures.some(concernsAll); next = open.shift()) {
      try {
        await walkCursor(rooms, next);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(walkers, cursors.length) }, walker));
  if (failures.length > 0) throw failures[0];
}

async function refreshColors(context: SyncContext, categories: Categories, state: SyncState): Promise<void> {
  const due = state.categoriesAge === null || state.categoriesAge > day;
  if (!due || !categories.inUse) return;
  await categories.read();
  const { pool, lease, owner } = context;
  const labels = { names: categories.recolored(), colors: categories.colors };
  await fenced(pool, lease, (transaction) => upsertLabels(transaction, owner, labels));
}

/** Where a provider's cursors stand, as the status of the resource names it. */
export type CursorState = 'None' | 'Bootstrapping' | 'Paging' | 'Steady';

export async function cursorState({
  pool,
  owner,
}: Pick<SyncContext, 'pool' | 'owner'>): Promise<CursorState> {
  const state = await translated(() => loadState(pool, owner.providerId));
  if (state.scope === null) return 'None';
  const folders = await translated(() => loadFolders(pool, owner.providerId));
  const cursors = cursorsOf(folders, state.scope, state.primaryCursor);
  // Before it is settled which folders are synced there is no cursor, and nothing is steady for that.
  if (cursors.length === 0 && !folders.some(({ wellKnownName }) => wellKnownName !== null))
    return 'Bootstrapping';
  if (!state.list.steady && state.list.round <= 1 && cursors.every(({ completed }) => !completed))
    return 'Bootstrapping';
  if (cursors.some(({ completed }) => !completed)) return 'Bootstrapping';
  return state.list.steady && cursors.every(({ steady }) => steady) ? 'Steady' : 'Paging';
}
