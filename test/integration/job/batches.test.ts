// Batches: throttled one by one, not to be had, or blind to folders; and well-known folders that Graph refuses to show.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaultReply, RequestInfo } from '../../harness/graph/faults.ts';
import { expectedRows, storedRows } from '../../harness/mirror.ts';
import { openScene, type Scene, type User } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

const refusal = (status: number, code: string): FaultReply => ({
  status,
  body: { error: { code, message: 'as the test has it' } },
});

const ofMailbox = (user: User, request: RequestInfo): boolean => request.mailbox === user.mailbox.email;

const namesFolder =
  (user: User, name: RegExp) =>
  (request: RequestInfo): boolean =>
    ofMailbox(user, request) && request.kind === 'batched' && name.test(request.path);

async function assertMirror(user: User): Promise<void> {
  expect(await storedRows(scene.database, user.mailbox.email)).toEqual(expectedRows(user.mailbox));
}

/** One message gone for good, one gone from sight and one moved: each of them has to be verified. */
function change({ mailbox }: User): void {
  const inbox = mailbox.wellKnown('inbox')?.id;
  const [gone, away, moved] = mailbox.messages().filter(({ parentFolderId }) => parentFolderId === inbox);
  mailbox.deleteMessage(gone?.id ?? '', { hard: true });
  mailbox.moveMessage(away?.id ?? '', 'junkemail');
  mailbox.moveMessage(moved?.id ?? '', 'archive');
}

describe('a batch', () => {
  it('of which every third answer is a throttle is asked for until it is whole', async () => {
    const user = scene.addUser({ messages: 30 });
    let asked = 0;
    const everyThird = (request: RequestInfo): boolean =>
      ofMailbox(user, request) && request.kind === 'batched' && (asked += 1) % 3 === 0;
    const mend = scene.graph.faults.add({
      when: everyThird,
      times: Infinity,
      reply: { ...refusal(429, 'ApplicationThrottled'), headers: { 'Retry-After': '0' } },
    });
    expect((await user.synced()).summary).toMatchObject({ cursor: 'Steady', attempts: 1 });
    change(user);
    expect((await user.synced()).summary).toMatchObject({ cursor: 'Steady', removed: 2, attempts: 1 });
    mend();
    await assertMirror(user);
  });

  it.each([
    [501, 'NotImplemented'],
    [404, 'ResourceNotFound'],
  ])('that is not to be had (%i) is replaced by one request each', async (status, code) => {
    const user = scene.addUser({ messages: 30 });
    const mend = scene.graph.faults.add({
      when: ({ kind, path }) => kind === 'graph' && path.endsWith('/$batch'),
      times: Infinity,
      reply: refusal(status, code),
    });
    await user.synced();
    change(user);
    expect((await user.synced()).summary).toMatchObject({ cursor: 'Steady', removed: 2 });
    mend();
    await assertMirror(user);
  });

  it.each([400, 404])('that answers %i for every folder is not believed', async (status) => {
    const user = scene.addUser({ messages: 40 });
    const mend = scene.graph.faults.add({
      when: namesFolder(user, /\/mailFolders\/[a-z]+$/),
      times: Infinity,
      reply: refusal(status, 'ResourceNotFound'),
    });
    const { log } = await user.synced();
    mend();
    expect(log.filter(({ level }) => level === 'warn')).toEqual([]);
    await assertMirror(user);
  });
});

describe('a well-known folder that Graph denies', () => {
  it('counts as one that the mailbox lacks, and is told', async () => {
    const user = scene.addUser({ messages: 40 });
    const mend = scene.graph.faults.add({
      when: namesFolder(user, /\/(?:recoverableitemsdeletions|searchfolders)$/),
      times: Infinity,
      reply: refusal(403, 'ErrorAccessDenied'),
    });
    const { log } = await user.synced();
    mend();
    expect(log.filter(({ level }) => level === 'warn')).toHaveLength(2);
    await assertMirror(user);
  });

  it('is the end of the run if it is the Inbox, and nothing is called steady', async () => {
    const user = scene.addUser({ messages: 10 });
    const mend = scene.graph.faults.add({
      when: (request) => ofMailbox(user, request) && request.path.endsWith('/mailFolders/inbox'),
      times: Infinity,
      reply: refusal(403, 'ErrorAccessDenied'),
    });
    const { code, summary } = await user.sync();
    mend();
    expect({ code, error: summary.error?.code, cursor: summary.cursor }).toEqual({
      code: 77,
      error: 'AccessDenied',
      cursor: 'Bootstrapping',
    });
    await user.synced();
    await assertMirror(user);
  });
});
