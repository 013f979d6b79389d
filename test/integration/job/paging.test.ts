// Page limits, resuming in the middle, endless walks and legal oddities of pages.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaultReply, RequestInfo } from '../../harness/graph/faults.ts';
import { expectedRows } from '../../harness/mirror.ts';
import { openScene, type Scene, type User } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

interface Page {
  readonly value: Record<string, unknown>[];
  readonly '@odata.nextLink'?: string;
  readonly '@odata.deltaLink'?: string;
}

/** Delta pages of one folder's messages, or of any. */
const deltasOf = (user: User, folder = '') => {
  const id = folder === '' ? '' : (user.mailbox.wellKnown(folder)?.id ?? 'none');
  return ({ kind, path, mailbox }: RequestInfo): boolean =>
    kind === 'graph' &&
    mailbox === user.mailbox.email &&
    path.endsWith('/messages/delta') &&
    path.includes(`mailFolders/${id}`);
};

const folderLists =
  (user: User) =>
  ({ kind, path, mailbox }: RequestInfo): boolean =>
    kind === 'graph' && mailbox === user.mailbox.email && path.endsWith('/mailFolders/delta');

async function assertMirror(user: User): Promise<void> {
  const ids = (await user.messages()).map(({ externalMessageId }) => externalMessageId);
  expect(ids).toEqual(expectedRows(user.mailbox).map(({ externalMessageId }) => externalMessageId));
}

/** How many pages each delta cursor took since the log was cleared. */
function pagesPerCursor(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { path } of scene.graph.requests) {
    if (path.endsWith('/delta') && !path.endsWith('/me/messages/delta'))
      counts.set(path, (counts.get(path) ?? 0) + 1);
  }
  return counts;
}

describe('the page limit', () => {
  it('bounds the pages of each cursor in a run, the folder list’s too; the next runs go on to the end', async () => {
    const user = scene.addUser({ messages: 100, folders: 'rich' });
    const env = {
      OUTLOOK_SYNC_DELTA_PAGE_LIMIT: '2',
      OUTLOOK_SYNC_PAGE_SIZE: '8',
      OUTLOOK_SYNC_MAX_MESSAGES: '10',
    };
    const cursors: string[] = [];
    for (let runs = 0; runs < 40 && cursors.at(-1) !== 'Steady'; runs += 1) {
      scene.graph.clearRequests();
      const { summary, code } = await user.synced({ env });
      expect(code).toBe(0);
      expect(await user.provider()).toMatchObject({
        status: 'connected',
        syncLeaseExpiresAt: null,
        lastSyncError: null,
      });
      cursors.push(String(summary.cursor));
      expect(Math.max(...pagesPerCursor().values())).toBeLessThanOrEqual(2);
    }
    expect(cursors[0]).toBe('Bootstrapping');
    expect(cursors.at(-1)).toBe('Steady');
    expect(cursors.length).toBeGreaterThan(2);
    await assertMirror(user);
  });

  it('is no failure in the middle of changes: Paging, connected, and the next run goes on from there', async () => {
    const user = scene.addUser({ messages: 60 });
    await user.synced();
    for (const message of user.mailbox.messages()) user.mailbox.setRead(message.id, message.isRead === false);
    const env = { OUTLOOK_SYNC_DELTA_PAGE_LIMIT: '1', OUTLOOK_SYNC_PAGE_SIZE: '10' };
    const { summary } = await user.synced({ env });
    expect(summary).toMatchObject({ cursor: 'Paging', attempts: 1 });
    const { outlookSyncCursor } = await user.provider();
    expect(outlookSyncCursor).toMatch(/\/mailFolders\/delta\?.*deltatoken/);
    const links = await scene.database.query<{ cursor: string }>(
      `SELECT "cursor" FROM outlook_folder_cursors WHERE "providerId" = $1 AND "tracked"`,
      [(await user.provider()).id],
    );
    expect(links.some(({ cursor }) => cursor.includes('$skiptoken'))).toBe(true);
    expect((await user.synced()).summary.cursor).toBe('Steady');
    await assertMirror(user);
  });

  it('is one page at least for a folder list that is longer', async () => {
    const user = scene.addUser({ messages: 30 });
    for (let count = 0; count < 30; count += 1) {
      const { id } = user.mailbox.createFolder({ displayName: `Folder ${count}` });
      user.mailbox.createMessage({ folder: id });
    }
    const env = { OUTLOOK_SYNC_DELTA_PAGE_LIMIT: '1', OUTLOOK_SYNC_PAGE_SIZE: '20' };
    const { summary } = await user.synced({ env });
    expect(['Bootstrapping', 'Paging']).toContain(summary.cursor);
    expect((await user.provider()).outlookSyncCursor).toMatch(/\/mailFolders\/delta\?.*skiptoken/);
    for (let runs = 0; runs < 10 && (await user.synced({ env })).summary.cursor !== 'Steady'; runs += 1);
    await assertMirror(user);
  });
});

describe('a walk without end', () => {
  let page = 0;
  const inboxDelta = (user: User): string =>
    `${scene.graph.graphBaseUrl}/me/mailFolders/${user.mailbox.wellKnown('inbox')?.id ?? ''}/messages/delta`;
  const identicalPages = (user: User) => (body: unknown) => {
    page += 1;
    return { value: (body as Page).value, '@odata.nextLink': `${inboxDelta(user)}?page=${page}` };
  };
  const oneLink = (user: User) => () => {
    page += 1;
    const value = [{ id: `AAMk-loop-${page}`, '@removed': { reason: 'deleted' } }];
    return { value, '@odata.nextLink': `${inboxDelta(user)}?loop=1` };
  };

  it.each([
    ['identical pages under ever new links', identicalPages],
    ['one link for ever under ever new pages', oneLink],
  ])('(%s) ends with 76 and PageLoop, after few requests', async (_what, mutateFor) => {
    const user = scene.addUser({ messages: 20 });
    await user.synced();
    user.mailbox.createMessage({});
    const reply = { mutate: mutateFor(user) };
    const mend = scene.graph.faults.add({ when: deltasOf(user, 'inbox'), reply, times: Infinity });
    scene.graph.clearRequests();
    const { code, summary } = await user.sync();
    mend();
    expect({ code, error: summary.error?.code }).toEqual({ code: 76, error: 'PageLoop' });
    expect(scene.graph.requests.length).toBeLessThan(40);
    expect(await user.provider()).toMatchObject({ status: 'error', syncLeaseExpiresAt: null });
  });

  it('is found even where each run takes one page only', async () => {
    const user = scene.addUser({ messages: 20 });
    const reply = { mutate: oneLink(user) };
    const mend = scene.graph.faults.add({ when: deltasOf(user, 'inbox'), reply, times: Infinity });
    const codes: (number | null)[] = [];
    for (let runs = 0; runs < 12 && !codes.includes(76); runs += 1) {
      codes.push((await user.sync({ env: { OUTLOOK_SYNC_DELTA_PAGE_LIMIT: '1' } })).code);
    }
    mend();
    expect(codes.at(-1)).toBe(76);
    expect(codes.length).toBeGreaterThan(2);
  });

  it('of the folder list ends with 76 and PageLoop, too', async () => {
    const user = scene.addUser({ messages: 5 });
    const mutate = (body: unknown): unknown => ({
      value: (body as Page).value,
      '@odata.nextLink': `${scene.graph.graphBaseUrl}/me/mailFolders/delta`,
    });
    const mend = scene.graph.faults.add({ when: folderLists(user), reply: { mutate }, times: Infinity });
    const { code, summary } = await user.sync();
    mend();
    expect({ code, error: summary.error?.code }).toEqual({ code: 76, error: 'PageLoop' });
  });

  it('of recent messages ends', async () => {
    const user = scene.addUser({ messages: 5 });
    const mend = scene.graph.faults.add({
      when: ({ kind, path, mailbox }) =>
        kind === 'graph' && mailbox === user.mailbox.email && path.endsWith('/me/messages'),
      reply: {
        mutate: (body) => ({
          value: (body as Page).value.slice(0, 1),
          '@odata.nextLink': `${scene.graph.graphBaseUrl}/me/messages?$top=1`,
        }),
      },
      times: Infinity,
    });
    scene.graph.clearRequests();
    const { code } = await user.sync({
      env: { OUTLOOK_SYNC_MAX_MESSAGES: '1000', OUTLOOK_SYNC_SCHEDULER_RETRIES: '0' },
    });
    mend();
    expect([0, 76]).toContain(code);
    expect(scene.graph.requests.length).toBeLessThan(150);
    await user.synced();
    await assertMirror(user);
  });
});

describe('what is odd but legal', () => {
  it.each([2, 3])('%i identical pages in a row are accepted', async (copies) => {
    const user = scene.addUser({ messages: 40 });
    let given: Page | null = null;
    let count = 0;
    // The first page of the Inbox comes several times, each time under another link that leads to the next copy.
    const mend = scene.graph.faults.add({
      when: (request) => deltasOf(user, 'inbox')(request) && count < copies,
      reply: {
        mutate: (body) => {
          given ??= body as Page;
          count += 1;
          if (count === copies) return given;
          const id = user.mailbox.wellKnown('inbox')?.id ?? '';
          return {
            value: given.value,
            '@odata.nextLink': `${scene.graph.graphBaseUrl}/me/mailFolders/${id}/messages/delta?copy=${count}`,
          };
        },
      },
      times: Infinity,
    });
    const { summary } = await user.synced({ env: { OUTLOOK_SYNC_PAGE_SIZE: '10' } });
    mend();
    expect(count).toBe(copies);
    expect(summary).toMatchObject({ cursor: 'Steady' });
    await assertMirror(user);
  });

  it('ten empty pages in a row are accepted', async () => {
    const user = scene.addUser({ messages: 40 });
    const id = user.mailbox.wellKnown('inbox')?.id ?? '';
    const link = (empty: number): string =>
      `${scene.graph.graphBaseUrl}/me/mailFolders/${id}/messages/delta?empty=${empty}`;
    let empty = 0;
    const mend = scene.graph.faults.add({
      when: (request) => deltasOf(user, 'inbox')(request) && empty < 10,
      reply: {
        mutate: () => {
          empty += 1;
          return { value: [], '@odata.nextLink': link(empty) };
        },
      },
      times: Infinity,
    });
    const { summary } = await user.synced();
    mend();
    expect(empty).toBe(10);
    expect(summary).toMatchObject({ cursor: 'Steady' });
    await assertMirror(user);
  });

  it('a page of its own size is accepted, whatever was asked for', async () => {
    const user = scene.addUser({ messages: 60 });
    const { summary } = await user.synced({
      env: { OUTLOOK_SYNC_PAGE_SIZE: '1000', OUTLOOK_SYNC_MAX_MESSAGES: '1000' },
    });
    expect(summary.cursor).toBe('Steady');
    await assertMirror(user);
  });
});

describe('a page that is broken', () => {
  it.each([
    ['breaks off', { truncate: true }],
    ['is half a JSON', { truncate: 'json' }],
    ['is HTML', { status: 200, body: '<html>Welcome</html>' }],
    ['is empty', { status: 200, body: '' }],
  ] as const)('(%s) once costs no attempt', async (_what, reply) => {
    const user = scene.addUser({ messages: 20 });
    scene.graph.faults.add({ when: deltasOf(user), reply });
    expect((await user.synced()).summary).toMatchObject({ attempts: 1, cursor: 'Steady' });
    await assertMirror(user);
  });

  it('for ever ends with 75 or 76, whatever it is, and drops neither cursor nor row', async () => {
    const user = scene.addUser({ messages: 20 });
    await user.synced();
    const stored = await user.messages();
    const garbled = { code: 76, error: 'GraphResponseInvalid' };
    const broken: [reply: FaultReply, outcome: object][] = [
      [{ truncate: true }, { code: 75, error: 'GraphUnreachable' }],
      [{ truncate: 'json' }, garbled],
      [{ status: 200, body: '<html>Welcome</html>' }, garbled],
      [{ status: 200, body: { '@odata.deltaLink': 'x' } }, garbled],
      [{ status: 200, body: { value: {}, '@odata.deltaLink': 'x' } }, garbled],
      [{ status: 200, body: { value: [] } }, garbled],
      [{ status: 200, body: [] }, garbled],
      [{ status: 200, body: null }, garbled],
    ];
    for (const [reply, outcome] of broken) {
      const mend = scene.graph.faults.add({ when: deltasOf(user), reply, times: Infinity });
      const { code, summary } = await user.sync({ env: { OUTLOOK_SYNC_SCHEDULER_RETRIES: '0' } });
      mend();
      expect({ code, error: summary.error?.code }, JSON.stringify(reply)).toEqual(outcome);
    }
    expect(await user.messages()).toEqual(stored);
    expect((await user.synced()).summary).toMatchObject({ upserted: 0, removed: 0, cursor: 'Steady' });
  });
});
