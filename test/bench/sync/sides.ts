// The two halves of a sync, each alone and by the job's own code: what fetches and reads pages, and what writes them.
import { assemble } from '../../../job/assemble.ts';
import { GraphClient } from '../../../job/graph/client.ts';
import { openAgent } from '../../../job/graph/http.ts';
import { expectSuccess, type GraphPage, MailboxUrls, readDeltaPage } from '../../../job/graph/page.ts';
import { createLog } from '../../../job/log.ts';
import { type Content, mergeContent } from '../../../job/plan/message.ts';
import { reducePage } from '../../../job/plan/page.ts';
import { type Folder, loadFolders, trackFolders, upsertFolders } from '../../../job/store/folders.ts';
import { acquireLease, fenced, type Lease } from '../../../job/store/lease.ts';
import { openPool } from '../../../job/store/pool.ts';
import { resolveProvider } from '../../../job/store/provider.ts';
import { Categories } from '../../../job/sync/categories.ts';
import { FolderIndex } from '../../../job/sync/context.ts';
import { PageWriter, type Turn } from '../../../job/sync/writer.ts';
import type { DatabasePool } from 'slonik';
import type { CannedGraph } from '../graph/canned.ts';
import { type BenchFolder, foldersOf } from '../graph/mailbox.ts';
import { environmentOf, owner, settingsOf, type SyncTarget } from './run.ts';

/** As many folders at a time as a sync walks. */
const walkers = 4;

/** Pages of entries by folder. */
export type Pages = ReadonlyMap<BenchFolder, readonly (readonly unknown[])[]>;

const clock = {
  now: Date.now,
  random: Math.random,
  signal: new AbortController().signal,
  deadline: Infinity,
};
const tokens = { current: () => Promise.resolve('a'), renew: () => Promise.resolve('a') };
const log = createLog('warn', 'bench');

interface Connection {
  readonly client: GraphClient;
  readonly close: () => Promise<void>;
}

function connect({ graphBaseUrl: baseUrl }: Pick<CannedGraph, 'graphBaseUrl'>, pageSize: number): Connection {
  const agent = openAgent(20_000);
  const client = new GraphClient({ baseUrl, agent, tokens, clock, log, backoffBase: 250, pageSize });
  return { client, close: () => agent.destroy() };
}

/** The folders whose messages a sync keeps, as it takes them: a few at a time, the Inbox first. */
async function eachFolder(messages: number, visit: (folder: BenchFolder) => Promise<void>): Promise<void> {
  const open = foldersOf(messages).filter((folder) => folder.messages > 0);
  const walker = async (): Promise<void> => {
    for (let next = open.shift(); next; next = open.shift()) await visit(next);
  };
  await Promise.all(Array.from({ length: walkers }, walker));
}

/** Fetches all pages of a folder, each while `take` has the one before it. */
async function fetchFolder(
  client: GraphClient,
  folder: BenchFolder,
  take: (page: GraphPage) => void,
): Promise<void> {
  const urls = new MailboxUrls(client.baseUrl, null);
  const fetchPage = async (url: string): Promise<GraphPage> =>
    readDeltaPage(expectSuccess(await client.send({ url })), url, client.baseUrl);
  let coming: Promise<GraphPage> | null = fetchPage(urls.folderDelta(folder.id, null));
  while (coming !== null) {
    const page: GraphPage = await coming;
    coming = page.nextLink === null ? null : fetchPage(page.nextLink);
    take(page);
  }
}

/** Fetch and parse only: every page is fetched, read and turned into the content of rows, which nobody writes. */
export async function fetchOnly(
  graph: CannedGraph,
  size: { messages: number; pageSize: number },
): Promise<void> {
  const { client, close } = connect(graph, size.pageSize);
  let rows = 0;
  await eachFolder(size.messages, (folder) =>
    fetchFolder(client, folder, ({ entries }) => {
      for (const { fields } of reducePage(entries).messages.values()) {
        rows += mergeContent(null, fields, null).to.length > 0 ? 1 : 0;
      }
    }),
  );
  await close();
  if (rows !== size.messages) throw new Error(`Read ${rows} messages of ${size.messages}`);
}

/** The content of messages, page after page of one folder after the other; each is fetched when it is asked for. */
export async function* readMessages(
  graph: CannedGraph,
  size: { messages: number; pageSize: number },
): AsyncGenerator<readonly (readonly [string, Content])[]> {
  const { client, close } = connect(graph, size.pageSize);
  const urls = new MailboxUrls(client.baseUrl, null);
  try {
    for (const folder of foldersOf(size.messages)) {
      for (let url: string | null = urls.folderDelta(folder.id, null); url !== null;) {
        const page: GraphPage = readDeltaPage(expectSuccess(await client.send({ url })), url, client.baseUrl);
        const { messages } = reducePage(page.entries);
        yield [...messages].map(([id, { fields }]) => [id, mergeContent(null, fields, null)] as const);
        url = page.nextLink;
      }
    }
  } finally {
    await close();
  }
}

/** All pages as parsed entries, for `writeOnly`. */
export async function fetchPages(
  graph: CannedGraph,
  size: { messages: number; pageSize: number },
): Promise<Pages> {
  const { client, close } = connect(graph, size.pageSize);
  const pages = new Map<BenchFolder, (readonly unknown[])[]>();
  await eachFolder(size.messages, async (folder) => {
    const entries: (readonly unknown[])[] = [];
    pages.set(folder, entries);
    await fetchFolder(client, folder, (page) => void entries.push(page.entries));
  });
  await close();
  return pages;
}

/** A mailbox that is ready to be written to: its row, the lease, its folders. */
export interface WritableMailbox {
  readonly write: (pages: Pages) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Everything that a sync does before it writes its first page. */
export async function openForWriting(target: SyncTarget, messages: number): Promise<WritableMailbox> {
  const pool = await openPool({ databaseUrl: target.databaseUrl });
  const { id: providerId } = await resolveProvider(pool, owner);
  const lease = await takeLease(pool, providerId);
  const folders = await makeFolders(pool, lease, foldersOf(messages));
  const agent = openAgent(20_000);
  const settings = settingsOf(environmentOf(target));
  const context = assemble({
    settings,
    pool,
    lease,
    userId: owner.userId,
    user: owner.email,
    clock,
    log,
    agent,
  });
  const categories = await Categories.load(pool, providerId, context);
  const writer = new PageWriter(context, categories, false);
  const index = new FolderIndex(folders, new Set());
  return {
    write: (pages) =>
      eachFolder(messages, async ({ id }) => {
        const [entries] = [...pages].filter(([folder]) => folder.id === id).map(([, value]) => value);
        const row = folders.find(({ folderId }) => folderId === id);
        if (entries && row) await writeFolder(writer, { index, row, pages: entries });
      }),
    close: async () => {
      await agent.destroy();
      await pool.end();
    },
  };
}

async function takeLease(pool: DatabasePool, providerId: string): Promise<Lease> {
  const taken = await acquireLease(pool, { providerId, holder: 'bench', seconds: 3600 });
  if (!taken.acquired) throw new Error('The lease is held');
  return taken.lease;
}

async function makeFolders(
  pool: DatabasePool,
  lease: Lease,
  folders: readonly BenchFolder[],
): Promise<Folder[]> {
  const { providerId } = lease;
  const listed = folders.map(({ id, name }) => ({ folderId: id, parentFolderId: null, displayName: name }));
  await fenced(pool, lease, (transaction) =>
    upsertFolders(transaction, providerId, { folders: listed, round: 1 }),
  );
  const rows = await loadFolders(pool, providerId);
  const tracked = new Map(rows.map(({ id }) => [id, 'tracked' as const]));
  await fenced(pool, lease, (transaction) => trackFolders(transaction, tracked));
  return loadFolders(pool, providerId);
}

/** Writes the pages of a folder one after the other as a walk does: two under way, the cursor moved with each. */
async function writeFolder(
  writer: PageWriter,
  { index, row, pages }: { index: FolderIndex; row: Folder; pages: readonly (readonly unknown[])[] },
): Promise<void> {
  const turns: Turn[] = [];
  const drain = async (open: number): Promise<void> => {
    for (; turns.length > open; turns.shift()) await turns[0]?.done;
  };
  for (const [number, entries] of pages.entries()) {
    const steady = number === pages.length - 1;
    const link = `https://graph.example/v1.0/me/mailFolders/${row.folderId}/messages/delta?$skiptoken=${number}`;
    const turn = writer.write({
      source: { folders: index, folderId: row.folderId, historyFrom: null },
      entries,
      walk: {
        update: { id: row.id, link, steady, pages: [], walked: 0, filteredFrom: null, unfiltered: false },
        folderId: row.folderId,
        begins: number === 0,
        meets: false,
      },
      after: turns.at(-1) ?? null,
    });
    turns.push(turn);
    await drain(number === 0 ? 0 : 1);
  }
  await drain(0);
}
