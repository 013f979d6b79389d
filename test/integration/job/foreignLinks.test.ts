// Cursors and links that lead away from Graph: nothing is ever asked there, and no token goes there.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RequestInfo } from '../../harness/graph/faults.ts';
import { expectedRows } from '../../harness/mirror.ts';
import { openScene, type Scene, type User } from './scene.ts';

let scene: Scene;
let foreign: Server;
let origin = '';
const visits: { url: string; authorization: string | undefined }[] = [];

beforeAll(async () => {
  scene = await openScene();
  foreign = createServer((request, response) => {
    visits.push({ url: request.url ?? '', authorization: request.headers.authorization });
    response.end(JSON.stringify({ value: [], '@odata.deltaLink': `${origin}/stolen` }));
  });
  foreign.listen(0, '127.0.0.1');
  await once(foreign, 'listening');
  const bound = foreign.address();
  origin = `http://127.0.0.1:${typeof bound === 'object' ? (bound?.port ?? 0) : 0}`;
});
afterAll(async () => {
  foreign.close();
  await scene.close();
});
afterEach(() => {
  expect(visits, 'the foreign host was asked').toEqual([]);
});

const deltas =
  (user: User) =>
  ({ kind, path, mailbox }: RequestInfo): boolean =>
    kind === 'graph' &&
    mailbox === user.mailbox.email &&
    path.endsWith('/messages/delta') &&
    path.includes('mailFolders');

async function assertMirror(user: User): Promise<void> {
  const ids = (await user.messages()).map(({ externalMessageId }) => externalMessageId);
  expect(ids).toEqual(expectedRows(user.mailbox).map(({ externalMessageId }) => externalMessageId));
}

const warned = (log: readonly Readonly<Record<string, unknown>>[]): string[] =>
  log.filter(({ level }) => level === 'warn').map(({ msg }) => String(msg));

describe('a stored cursor', () => {
  it('in outlookSyncCursor is never asked, told, and made good', async () => {
    const user = scene.addUser({ messages: 15 });
    await user.synced();
    const { host, port } = new URL(origin);
    const graph = new URL(scene.graph.graphBaseUrl);
    const path = '/v1.0/me/mailFolders/delta?$deltatoken=x';
    const foreignCursors = [
      `${origin}${path}`,
      `http://${graph.hostname}:${port}${path}`,
      `http://${graph.host}@${host}${path}`,
      'mailFolders/delta',
    ];
    for (const cursor of foreignCursors) {
      await user.change('"outlookSyncCursor" = $1', [cursor]);
      const { summary, log } = await user.synced();
      expect(summary, cursor).toMatchObject({ cursor: 'Steady', upserted: 0, removed: 0 });
      expect(warned(log), cursor).toEqual([expect.stringMatching(/cursor/)]);
      expect((await user.provider()).outlookSyncCursor).toContain(scene.graph.graphBaseUrl);
    }
    await assertMirror(user);
  });

  it('of another host that was there before the first run is never asked', async () => {
    const user = scene.addUser({ messages: 15 });
    await scene.database.query(
      `INSERT INTO email_providers ("type", "email", "isActive", "userId", "outlookSyncCursor") VALUES ('OUTLOOK', $1, true, $2, $3)`,
      [user.mailbox.email, user.userId, `${origin}/v1.0/me/mailFolders/delta?$deltatoken=x`],
    );
    await user.synced();
    await assertMirror(user);
  });

  it('of another host in outlook_folder_cursors is never asked, and only that folder is walked anew', async () => {
    const user = scene.addUser({ messages: 30 });
    await user.synced();
    const inbox = user.mailbox.wellKnown('inbox')?.id ?? '';
    await scene.database.query(`UPDATE outlook_folder_cursors SET "cursor" = $1 WHERE "folderId" = $2`, [
      `${origin}/v1.0/me/mailFolders/inbox/messages/delta?$deltatoken=x`,
      inbox,
    ]);
    scene.graph.clearRequests();
    const { summary, log } = await user.synced();
    expect(summary).toMatchObject({ cursor: 'Steady', removed: 0, upserted: 0 });
    expect(warned(log)).toEqual([expect.stringMatching(/cursor/)]);
    const begun = scene.graph.requests.filter(
      ({ path, query }) => path.endsWith('/messages/delta') && query.includes('$select'),
    );
    expect(begun.map(({ path }) => path)).toEqual([expect.stringContaining(inbox)]);
    await assertMirror(user);
  });
});

describe('a link of an answer', () => {
  it.each(['@odata.nextLink', '@odata.deltaLink'])(
    '(%s) to another host ends the run with 76; nothing of it is stored',
    async (name) => {
      const user = scene.addUser({ messages: 15 });
      await user.synced();
      user.mailbox.createMessage({});
      const mutate = (body: unknown): unknown => ({
        value: (body as { value: unknown }).value,
        [name]: `${origin}/v1.0/me/messages/delta?$skiptoken=x`,
      });
      const mend = scene.graph.faults.add({ when: deltas(user), reply: { mutate }, times: Infinity });
      const { code, summary, stderr } = await user.sync();
      mend();
      expect({ code, error: summary.error?.code }).toEqual({ code: 76, error: 'ForeignLink' });
      expect(stderr).not.toContain('skiptoken');
      const cursors = await scene.database.query(
        `SELECT FROM outlook_folder_cursors WHERE "cursor" LIKE $1`,
        [`${origin}%`],
      );
      expect(cursors).toEqual([]);
      await user.synced();
      await assertMirror(user);
    },
  );

  it('of the folder list or of the recent messages is not followed either', async () => {
    for (const path of ['/me/mailFolders/delta', '/me/messages']) {
      const user = scene.addUser({ messages: 15 });
      const mutate = (body: unknown): unknown => ({
        value: (body as { value: unknown[] }).value.slice(0, 2),
        '@odata.nextLink': `${origin}/next`,
      });
      const mend = scene.graph.faults.add({
        when: (request) => request.mailbox === user.mailbox.email && request.path.endsWith(path),
        reply: { mutate },
        times: Infinity,
      });
      const { code, summary } = await user.sync();
      mend();
      expect({ code, error: summary.error?.code }, path).toEqual({ code: 76, error: 'ForeignLink' });
    }
  });

  it('(the Location of a 410) to another host is not followed: the walk begins at the start', async () => {
    const user = scene.addUser({ messages: 15 });
    await user.synced();
    user.mailbox.createMessage({});
    scene.graph.faults.add({
      when: deltas(user),
      reply: {
        status: 410,
        headers: { location: `${origin}/v1.0/me/mailFolders/inbox/messages/delta?$deltatoken=` },
        body: { error: { code: 'resyncRequired' } },
      },
    });
    const { summary } = await user.synced();
    expect(summary).toMatchObject({ cursor: 'Steady', attempts: 1 });
    await assertMirror(user);
  });

  it('(an HTTP redirect) to another host is not followed', async () => {
    const user = scene.addUser({ messages: 15 });
    await user.synced();
    const redirect = { status: 302, headers: { location: `${origin}/v1.0/me` }, body: '' };
    const mend = scene.graph.faults.add({ when: deltas(user), reply: redirect, times: Infinity });
    const { code } = await user.sync({ env: { OUTLOOK_SYNC_SCHEDULER_RETRIES: '0' } });
    mend();
    expect([75, 76]).toContain(code);
    await user.synced();
  });
});
