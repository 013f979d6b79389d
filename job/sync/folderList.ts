import { SyncError } from '../errors.ts';
import { isNotFound, isReset, isUnsupported, type Refusal } from '../graph/answer.ts';
import { getEach, getSingly, type InnerAnswer } from '../graph/batch.ts';
import { type FolderEntry, readFolder } from '../graph/folderEntry.ts';
import { expectSuccess, type GraphPage, readDeltaPage, readPage, unexpectedRefusal } from '../graph/page.ts';
import { wellKnownNames } from '../plan/folders.ts';
import { rememberPage } from '../plan/page.ts';
import {
  type FoundFolder,
  loadFolders,
  nameFolders,
  unlistFolders,
  unlistUnmet,
  upsertFolders,
  wholeMailbox,
} from '../store/folders.ts';
import { fenced } from '../store/lease.ts';
import { translated } from '../store/pool.ts';
import type { ListPosition, Scope } from '../store/state.ts';
import { saveList } from '../store/state.ts';
import { isStopping, type SyncContext } from './context.ts';

/**
 * Which folders the mailbox has: `/mailFolders/delta`, whose cursor is the provider's `outlookSyncCursor` in Folders
 * scope. It tells of folders, never of the messages in them (microsoft-graph-docs#6576). A cloud that lacks it
 * (21Vianet) is listed anew in each run.
 */
export interface ListOutcome {
  /** Whether the list is known to its end. */
  readonly complete: boolean;
  /** Whether it brought anything that could change what the folders are. */
  readonly changed: boolean;
}

const budgetKey = '/mailFolders/delta';
const mostResets = 2;

export async function readFolderList(
  context: SyncContext,
  scope: Scope,
  start: ListPosition,
): Promise<ListOutcome> {
  if (start.withoutDelta) return listAnew(context, scope, start);
  let position = start;
  let changed = false;
  for (let resets = 0; ;) {
    if (isStopping(context) || !context.budget.take(budgetKey)) return { complete: position.steady, changed };
    const step = await oneStep(context, scope, position);
    if (step === 'unsupported') return listAnew(context, scope, position);
    if (step === 'reset') {
      resets += 1;
      if (resets > mostResets)
        throw new SyncError('CursorExpired', 'Graph resets the folder list again and again');
      context.log.warn('Graph dropped the cursor of the folder list; listing all folders anew');
      position = { ...position, link: null, steady: false, pages: [] };
      continue;
    }
    changed ||= step.changed;
    ({ position } = step);
    if (position.steady) return { complete: true, changed };
  }
}

type Step = { readonly position: ListPosition; readonly changed: boolean } | 'reset' | 'unsupported';

async function oneStep(context: SyncContext, scope: Scope, position: ListPosition): Promise<Step> {
  const { client, urls } = context;
  const url = position.link ?? urls.folderList();
  const answer = await client.send({ url });
  if (!answer.ok) {
    if (isReset(answer)) return 'reset';
    if (position.link === null && isUnsupported(answer)) return 'unsupported';
    throw unexpectedRefusal(answer);
  }
  const page = readDeltaPage(answer, url, client.baseUrl);
  const round = position.link === null ? position.round + 1 : position.round;
  const next: ListPosition = { ...advance(position, page), round };
  await store(context, { scope, page, next });
  return { position: next, changed: page.entries.length > 0 };
}

function advance(position: ListPosition, { entries, nextLink, deltaLink }: GraphPage): ListPosition {
  if (nextLink === null) return { ...position, link: deltaLink, steady: true, pages: [] };
  const pages = rememberPage(position.pages, { entries, nextLink });
  if (pages === null)
    throw new SyncError('PageLoop', 'Graph serves the same pages of the folder list again and again');
  return { ...position, link: nextLink, steady: false, pages };
}

async function store(
  context: SyncContext,
  { scope, page, next }: { scope: Scope; page: GraphPage; next: ListPosition },
): Promise<void> {
  const { pool, lease, owner } = context;
  const folders = page.entries.map(readFolder).filter((folder) => folder !== null);
  const gone = await confirmGone(
    context,
    folders.filter(({ removed }) => removed),
  );
  const present = lastOfEach(folders.filter(({ removed }) => !removed));
  await fenced(pool, lease, async (transaction) => {
    await upsertFolders(transaction, owner.providerId, {
      folders: [...present, ...gone.present],
      round: next.round,
    });
    await unlistFolders(transaction, owner.providerId, gone.ids);
    if (next.steady) await unlistUnmet(transaction, owner.providerId, next.round);
    await saveList(transaction, owner.providerId, { scope, list: next });
  });
}

function lastOfEach(folders: readonly FolderEntry[]): FolderEntry[] {
  const merged = new Map<string, FolderEntry>();
  for (const folder of folders) merged.set(folder.folderId, { ...merged.get(folder.folderId), ...folder });
  return [...merged.values()];
}

type FolderId = Pick<FolderEntry, 'folderId'>;

/** `@removed` of a folder is believed once the folder cannot be found. */
async function confirmGone(
  context: SyncContext,
  removed: readonly FolderId[],
): Promise<{ ids: string[]; present: FoundFolder[] }> {
  const urls = new Map(removed.map(({ folderId }) => [folderId, context.urls.folder(folderId)]));
  const answers = urls.size === 0 ? new Map<string, InnerAnswer>() : await getEach(context.client, urls);
  const ids: string[] = [];
  const present: FoundFolder[] = [];
  for (const [id, answer] of answers) {
    if (answer !== 'later' && !answer.ok && isNotFound(answer)) ids.push(id);
    else present.push(found(answer));
  }
  return { ids, present };
}

function found(answer: InnerAnswer): FoundFolder {
  if (answer === 'later') throw new SyncError('GraphUnavailable', 'Graph could not tell about a folder');
  const folder = readFolder(expectSuccess(answer).body);
  if (folder === null)
    throw new SyncError('GraphResponseInvalid', 'Graph answered with something that is no folder');
  const { folderId, parentFolderId = null, displayName = null } = folder;
  return { folderId, parentFolderId, displayName };
}

/** Walks the tree by `childFolders`; for clouds without a folder delta. */
async function listAnew(context: SyncContext, scope: Scope, { round }: ListPosition): Promise<ListOutcome> {
  const { pool, lease, owner } = context;
  const all: FolderEntry[] = [];
  const open: (string | null)[] = [null];
  for (let parent = open.shift(); parent !== undefined; parent = open.shift()) {
    const folders = await children(context, parent);
    all.push(...folders);
    open.push(
      ...folders.filter(({ childFolderCount }) => childFolderCount !== 0).map(({ folderId }) => folderId),
    );
  }
  const list: ListPosition = { link: null, steady: true, pages: [], round: round + 1, withoutDelta: true };
  const unmet = await confirmGone(context, await unmetIn(context, all));
  await fenced(pool, lease, async (transaction) => {
    const folders = [...all, ...unmet.present];
    await upsertFolders(transaction, owner.providerId, { folders, round: list.round });
    await unlistUnmet(transaction, owner.providerId, list.round);
    await saveList(transaction, owner.providerId, { scope, list });
  });
  return { complete: true, changed: true };
}

/** The tree is no snapshot: a folder that moves while it is walked may be met nowhere, and is asked for by itself. */
async function unmetIn({ pool, owner }: SyncContext, met: readonly FolderEntry[]): Promise<FolderId[]> {
  const known = await translated(() => loadFolders(pool, owner.providerId));
  const ids = new Set(met.map(({ folderId }) => folderId));
  return known.filter(({ listed, folderId }) => listed && folderId !== wholeMailbox && !ids.has(folderId));
}

const mostFolderPages = 100;

async function children({ client, urls }: SyncContext, parent: string | null): Promise<FolderEntry[]> {
  const folders: FolderEntry[] = [];
  let url: string | null = urls.childFolders(parent, 100);
  for (let pages = 0; url !== null; pages += 1) {
    if (pages >= mostFolderPages) throw new SyncError('PageLoop', 'Graph serves folder pages without end');
    const answer = await client.send({ url });
    // Deleted since its parent was listed, and all below it with it.
    if (!answer.ok && parent !== null && isNotFound(answer)) return [];
    const page: GraphPage = readPage(expectSuccess(answer), url, client.baseUrl);
    folders.push(...page.entries.map(readFolder).filter((folder) => folder !== null));
    url = page.nextLink;
  }
  return folders;
}

/**
 * Asks Graph which folders bear the well-known names. A mailbox may lack some and hide others, but each has an Inbox:
 * a batch that does not find it is not believed about the others either.
 */
export async function resolveWellKnown(context: SyncContext): Promise<void> {
  const { client, urls, pool, lease, owner } = context;
  const asked = new Map(wellKnownNames.map((name) => [name, urls.folder(name)]));
  let answers = await getEach(client, asked);
  if (isRefused(answers.get('inbox'))) answers = await getSingly(client, asked);
  const names = new Map<string, FoundFolder>();
  for (const [name, answer] of answers) {
    if (!isRefused(answer)) names.set(name, found(answer));
    else if (answer.status !== 404) refusedName(context, name, answer);
  }
  if (!names.has('inbox')) context.log.warn('Graph finds no Inbox in this mailbox');
  await fenced(pool, lease, (transaction) => nameFolders(transaction, owner.providerId, names));
}

const isRefused = (answer: InnerAnswer | undefined): answer is Refusal =>
  answer !== undefined && answer !== 'later' && !answer.ok;

/** Who may not see the Inbox may not see the mailbox; any other folder counts as one that it lacks. */
function refusedName({ log }: SyncContext, name: string, answer: Refusal): void {
  if (name === 'inbox' && answer.status === 403) throw unexpectedRefusal(answer);
  log.warn({ folder: name, status: answer.status, code: answer.code }, 'Graph refuses a well-known folder');
}
