import { type InnerAnswer, getEach } from '../graph/batch.ts';
import { isNotFound } from '../graph/answer.ts';
import { type Content, type Fields, mergeContent, readEntry } from '../plan/message.ts';
import type { Page, Seen } from '../plan/page.ts';
import type { Quarantined } from '../store/asides.ts';
import { ensureFolder, loadFolders } from '../store/folders.ts';
import { fenced } from '../store/lease.ts';
import { loadMessages, type MessageRow, type StoredMessage } from '../store/messages.ts';
import { translated } from '../store/pool.ts';
import type { FolderIndex, Place, SyncContext } from './context.ts';

/**
 * From a page of entries to what is to be written: reads the rows that sparse entries and removals are about, asks
 * Graph where only Graph can tell, and decides. It writes no message and holds no transaction while Graph answers.
 */
export interface Prepared {
  readonly rows: MessageRow[];
  /** External ids of messages whose row is to go. */
  readonly deletions: string[];
  /** Ids that Graph could not tell about for the moment. */
  readonly deferred: string[];
  /** Ids whose folder is known by asking alone. */
  readonly unconfirmed: string[];
  readonly quarantined: Quarantined[];
  /** Every id that the page showed as present. */
  readonly met: string[];
}

/** Where a page comes from. */
export interface PageSource {
  readonly folders: FolderIndex;
  /** Graph's id of the folder whose delta this is; null for the whole mailbox. */
  readonly folderId: string | null;
  /** ISO 8601; older messages are not kept. */
  readonly historyFrom: string | null;
  /** Whether to pass over messages of folders that are not known to be kept: the bootstrap list, which has no cursor. */
  readonly onlyKnown?: boolean;
}

const empty = (): Prepared => ({
  rows: [],
  deletions: [],
  deferred: [],
  unconfirmed: [],
  quarantined: [],
  met: [],
});

/**
 * What Graph has to be asked about: sparse news of unknown messages, and removals, which may only be moves. A removal
 * of a message that was never stored is asked about too: one that left and came back between two polls is shown as
 * removed and not shown again (microsoft-graph-docs#21752).
 */
function questions(page: Page, stored: ReadonlyMap<string, StoredMessage>, here: string | null): Set<string> {
  const asked = new Set(page.contradictory);
  for (const [id, { sufficient }] of page.messages) {
    if (!sufficient && !stored.has(id)) asked.add(id);
  }
  for (const id of page.removed) {
    const folder = stored.get(id)?.folder ?? null;
    if (here === null || folder === null || folder === here) asked.add(id);
  }
  return asked;
}

export async function preparePage(context: SyncContext, source: PageSource, page: Page): Promise<Prepared> {
  const sparse = [...page.messages].filter(([, { complete }]) => !complete).map(([id]) => id);
  const doubtful = [...sparse, ...page.removed, ...page.contradictory];
  const stored = await translated(() => loadMessages(context.pool, context.owner.providerId, doubtful));
  const here = source.folderId === null ? null : (source.folders.get(source.folderId)?.id ?? null);
  const asked = questions(page, stored, here);
  const isConfirmed = (id: string, folder: string): boolean =>
    page.messages.has(id) && (here === null || folder === here);
  const prepared = await ask(context, source, { ids: [...asked], stored, isConfirmed });
  prepared.quarantined.push(...page.unstorable);
  prepared.met.push(...page.messages.keys());
  for (const [id, seen] of page.messages) {
    if (!asked.has(id)) await place(context, source, { id, seen, stored: stored.get(id) ?? null, prepared });
  }
  return prepared;
}

/**
 * Asks Graph for messages and prepares what it says: present, gone, or not now.
 * @param settles whether a message that still is where its row says is settled by that: true where every cursor has
 * been drained since the row was written
 */
export async function prepareByAsking(
  context: SyncContext,
  source: PageSource,
  about: { ids: readonly string[]; settles: boolean },
): Promise<Prepared> {
  const { ids, settles } = about;
  const stored = await translated(() => loadMessages(context.pool, context.owner.providerId, ids));
  const isConfirmed = (id: string, folder: string): boolean => settles && folder === stored.get(id)?.folder;
  return ask(context, source, { ids, stored, isConfirmed });
}

interface Questions {
  readonly ids: readonly string[];
  readonly stored: ReadonlyMap<string, StoredMessage>;
  /** Whether the cursor of that folder has shown the message there. */
  readonly isConfirmed: (id: string, folder: string) => boolean;
}

async function ask(context: SyncContext, source: PageSource, about: Questions): Promise<Prepared> {
  const prepared = empty();
  if (about.ids.length === 0) return prepared;
  const urls = new Map(about.ids.map((id) => [id, context.urls.message(id)]));
  const answers = await getEach(context.client, urls);
  // The folder of the page says nothing here: the message may be in any.
  const anywhere = { ...source, folderId: null };
  for (const id of about.ids) {
    const seen = seenIn(answers.get(id) ?? 'later');
    if (seen === 'later') prepared.deferred.push(id);
    else if (seen === 'gone') prepared.deletions.push(id);
    else await placeAnswer(context, anywhere, { id, seen, stored: about.stored.get(id) ?? null, prepared });
  }
  // What is known to be in a folder by asking alone may leave it again before a cursor has told that it came, and
  // none would ever tell that it left.
  for (const { externalMessageId: id, folder } of prepared.rows) {
    if (!about.isConfirmed(id, folder)) prepared.unconfirmed.push(id);
  }
  if (prepared.deferred.length > 0) {
    context.log.warn(
      { messages: prepared.deferred.length },
      'Graph could not tell about some messages; asked again next time',
    );
  }
  return prepared;
}

/** A row under a mutable id, from before us, goes: Graph answers with the lasting id, which has a row of its own. */
async function placeAnswer(
  context: SyncContext,
  source: PageSource,
  placing: Placing & { readonly seen: { readonly id: string } },
): Promise<void> {
  const { id, seen, prepared } = placing;
  if (seen.id === id) return place(context, source, placing);
  prepared.deletions.push(id);
  return place(context, source, { id: seen.id, seen, stored: null, prepared });
}

/** Only a 404 means gone; any other refusal leaves the row as it is. */
function seenIn(answer: InnerAnswer): (Seen & { readonly id: string }) | 'gone' | 'later' {
  if (answer === 'later') return 'later';
  if (!answer.ok) return isNotFound(answer) ? 'gone' : 'later';
  const entry = readEntry(answer.body);
  return entry.kind === 'message' ? entry : 'later';
}

interface Placing {
  readonly id: string;
  readonly seen: Seen;
  readonly stored: StoredMessage | null;
  readonly prepared: Prepared;
}

/** Decides about one message that is present: into which folder's rows it belongs, or that it is not kept. */
async function place(context: SyncContext, source: PageSource, placing: Placing): Promise<void> {
  const { id, seen, stored, prepared } = placing;
  const where = await whereabouts(context, source, { fields: seen.fields, stored });
  if (where === null) return;
  if (!where.kept) {
    prepared.deletions.push(id);
    return;
  }
  const content = mergeContent(stored, seen.fields, where.label);
  if (isTooOld(content, source.historyFrom)) return;
  const raw = context.plan.storeRawPayload ? seen.raw : null;
  prepared.rows.push({ externalMessageId: id, folder: where.id, raw, ...content });
}

const isKept = (one: Place | undefined): one is Place => one?.known === true && one.kept;

function isTooOld({ internalDate }: Content, historyFrom: string | null): boolean {
  if (historyFrom === null || internalDate === null) return false;
  return Date.parse(`${internalDate}Z`) < Date.parse(historyFrom);
}

async function whereabouts(
  context: SyncContext,
  { folders, folderId, onlyKnown }: PageSource,
  { fields, stored }: { fields: Fields; stored: StoredMessage | null },
): Promise<Place | null> {
  const named = fields.parentFolderId ?? folderId;
  if (named === null) return folders.byRow(stored?.folder ?? '');
  const listed = folders.get(named);
  if (onlyKnown === true) return isKept(listed) ? listed : null;
  return listed ?? makePlace(context, folders, named);
}

/**
 * A folder that the list did not have when it was read: the message is kept under a row of its own until the next
 * list tells what the folder is.
 */
async function makePlace(
  context: SyncContext,
  folders: FolderIndex,
  folderId: string,
): Promise<Place | null> {
  const { providerId } = context.owner;
  await fenced(context.pool, context.lease, (transaction) => ensureFolder(transaction, providerId, folderId));
  const rows = await translated(() => loadFolders(context.pool, providerId));
  const row = rows.find((folder) => folder.folderId === folderId);
  if (row) folders.add(folderId, row.id);
  return folders.get(folderId) ?? null;
}
