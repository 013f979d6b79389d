import { type Disposition, selectFolders } from '../plan/folders.ts';
import { ensureFolder, type Folder, loadFolders, trackFolders, wholeMailbox } from '../store/folders.ts';
import { fenced } from '../store/lease.ts';
import { translated } from '../store/pool.ts';
import { savePrimaryCursor, type Scope, type SyncState } from '../store/state.ts';
import { FolderIndex, type SyncContext } from './context.ts';
import { readFolderList, resolveWellKnown } from './folderList.ts';

/**
 * Which folders there are and which of them are synced, settled before any message is read: the list, the well-known
 * names, the settings. A folder that is synced from now on is read from its beginning: by a walk of its own, or in
 * Mailbox scope, whose delta tells of messages and never that a folder has become visible, by the walk of everything.
 */
export interface FolderSet {
  readonly folders: readonly Folder[];
  readonly index: FolderIndex;
  /** `outlook_folder_cursors.id` of the folders whose rows are to be swept. */
  readonly excluded: readonly string[];
  /** Whether the walk of the whole mailbox begins anew. */
  readonly restarted: boolean;
}

export async function settleFolders(
  context: SyncContext,
  state: SyncState & { scope: Scope },
): Promise<FolderSet> {
  const load = (): Promise<Folder[]> => translated(() => loadFolders(context.pool, context.owner.providerId));
  const before = await load();
  const outcome = await readFolderList(context, state.scope, state.list);
  const named = before.some(({ wellKnownName }) => wellKnownName === 'inbox');
  if (outcome.changed || !named) await resolveWellKnown(context);
  const rows = await load();
  const dispositions = disposeOf(rows, { ...context.plan, complete: outcome.complete });
  const restarted = await track(context, state.scope, { before, rows, dispositions });
  const folders = await load();
  const idsOf = (wanted: Disposition): string[] =>
    [...dispositions].filter(([, disposition]) => disposition === wanted).map(([id]) => id);
  const real = folders.filter(({ folderId }) => folderId !== wholeMailbox);
  const index = new FolderIndex(real, new Set(idsOf('undecided')));
  return { folders, index, excluded: idsOf('excluded'), restarted };
}

/** Writes what has changed, which mostly is nothing. */
async function track(
  context: SyncContext,
  scope: Scope,
  set: { before: readonly Folder[]; rows: readonly Folder[]; dispositions: ReadonlyMap<string, Disposition> },
): Promise<boolean> {
  const { pool, lease, owner } = context;
  const is = (wanted: Disposition, { id }: Folder): boolean => set.dispositions.get(id) === wanted;
  const gained = set.rows.filter((row) => is('tracked', row) && !row.tracked);
  const lost = set.rows.filter((row) => is('excluded', row) && (row.tracked || row.cursor !== null));
  const whole = scope === 'Mailbox';
  const missing = whole && !set.rows.some(({ folderId }) => folderId === wholeMailbox);
  if (gained.length + lost.length === 0 && !missing) return false;
  const known = new Set(set.before.map(({ id }) => id));
  const restarts = whole && gained.some(({ id }) => known.has(id));
  await fenced(pool, lease, async (transaction) => {
    await trackFolders(transaction, set.dispositions);
    if (missing) await ensureFolder(transaction, owner.providerId, wholeMailbox);
    if (restarts) await savePrimaryCursor(transaction, owner.providerId, null);
  });
  return restarts;
}

/** By `outlook_folder_cursors.id`. A folder that the complete list does not have is none of ours any more. */
function disposeOf(
  rows: readonly Folder[],
  selection: { include: readonly string[]; exclude: readonly string[]; complete: boolean },
): Map<string, Disposition> {
  const real = rows.filter(({ folderId }) => folderId !== wholeMailbox);
  const present = real.filter(({ listed, wellKnownName }) => listed || wellKnownName !== null);
  const selected = selectFolders(present, selection);
  const absent: Disposition = selection.complete ? 'excluded' : 'undecided';
  return new Map(real.map(({ id, folderId }) => [id, selected.get(folderId) ?? absent]));
}
