// What the job does when Graph is down, slow, garbled or gone: it tries again where that may help, says so where not.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaultReply, RequestInfo } from '../../harness/graph/faults.ts';
import type { RequestRecord } from '../../harness/graph/requestLog.ts';
import { expectedRows, storedRows } from '../../harness/mirror.ts';
import { openScene, type Scene, type User } from '../job/scene.ts';
import { pageSizes } from './requestTimes.ts';

type Environment = Readonly<Record<string, string>>;

let scene: Scene;

beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

const html = '<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>';
const impatient = { OUTLOOK_SYNC_REQUEST_TIMEOUT_MS: '1000' };

/** Lets requests to the user's mailbox fail; returns what ends it. */
function fail(
  user: User,
  reply: FaultReply,
  more: { times?: number; when?: (request: RequestInfo) => boolean } = {},
): () => void {
  const { times = Infinity, when = () => true } = more;
  const { email } = user.mailbox;
  return scene.graph.faults.add({
    when: (request) => request.mailbox === email && when(request),
    times,
    reply,
  });
}

/** True for every n-th request, not counting those that were sent before: a request that failed may succeed. */
function everyNth(n: number): (request: RequestInfo) => boolean {
  const seen = new Set<string>();
  return ({ method, path, query }) => {
    const before = seen.size;
    seen.add(`${method} ${path}?${query}`);
    return seen.size > before && seen.size % n === 0;
  };
}

/** True for the second request that `matches`. */
function isSecond(matches: (request: RequestInfo) => boolean): (request: RequestInfo) => boolean {
  let seen = 0;
  return (request) => {
    if (!matches(request)) return false;
    seen += 1;
    return seen === 2;
  };
}

const requestsOf = (user: User): RequestRecord[] =>
  scene.graph.requests.filter(({ mailbox }) => mailbox === user.mailbox.email);

async function expectMirrored(user: User): Promise<void> {
  expect(await storedRows(scene.database, user.mailbox.email)).toEqual(expectedRows(user.mailbox));
}

const passing: readonly (readonly [string, FaultReply, Environment])[] = [
  ['an internal error', { status: 500, body: { error: { code: 'InternalServerError', message: '' } } }, {}],
  ['a gateway with an HTML page', { status: 502, body: html }, {}],
  ['an outage with an empty body', { status: 503, body: '' }, {}],
  ['a page of HTML that calls itself a success', { status: 200, body: html }, {}],
  ['a reset connection', { reset: true }, {}],
  ['an answer cut off in the middle', { truncate: true }, {}],
  ['an answer that is no whole JSON', { truncate: 'json' }, {}],
  ['a server that does not answer', { hang: true }, impatient],
];

const lasting: readonly (readonly [string, FaultReply, number, string, Environment])[] = [
  ['an internal error', { status: 500, body: '' }, 75, 'GraphUnavailable', {}],
  ['a gateway with an HTML page', { status: 502, body: html }, 75, 'GraphUnavailable', {}],
  ['an outage', { status: 503, body: '' }, 75, 'GraphUnavailable', {}],
  ['a page that takes too long however small', { status: 504, body: html }, 75, 'GraphUnavailable', {}],
  ['a reset connection', { reset: true }, 75, 'GraphUnreachable', {}],
  ['a server that does not answer', { hang: true }, 75, 'GraphTimeout', impatient],
  ['a page of HTML that calls itself a success', { status: 200, body: html }, 76, 'GraphResponseInvalid', {}],
];

describe.concurrent('a sync', () => {
  it.each(passing)('gets over %s, at every fifth new request', async (_, reply, env) => {
    const user = scene.addUser({ messages: 40 });
    const isFifth = everyNth(5);
    fail(user, reply, { when: (request) => request.kind === 'graph' && isFifth(request) });
    const told = await user.synced({ env: { ...env, OUTLOOK_SYNC_PAGE_SIZE: '5' } });
    expect(told.summary).toMatchObject({ attempts: 1, cursor: 'Steady' });
    await expectMirrored(user);
  });

  it.each(lasting)(
    'gives up on %s that lasts, after retries + 1 attempts',
    async (...[, reply, code, error, env]) => {
      const user = scene.addUser({ messages: 5 });
      const mend = fail(user, reply);
      const told = await user.sync({ env: { ...env, OUTLOOK_SYNC_SCHEDULER_RETRIES: '2' } });
      expect(told.code, told.stderr).toBe(code);
      expect(told.summary).toMatchObject({ attempts: 3, error: { code: error } });
      const { status, lastSyncError, syncLeaseExpiresAt } = await user.provider();
      expect({ status, syncLeaseExpiresAt }).toEqual({ status: 'error', syncLeaseExpiresAt: null });
      expect(lastSyncError).toContain(error);
      mend();
      await user.synced();
      await expectMirrored(user);
    },
  );

  it('holds nothing but the one request while it waits for the Retry-After of a 503', async () => {
    const user = scene.addUser({ messages: 60 });
    const isDelta = ({ path }: { path: string }): boolean => path.endsWith('/messages/delta');
    fail(
      user,
      { status: 503, headers: { 'retry-after': '3' }, body: '' },
      { times: 1, when: isSecond(isDelta) },
    );
    await user.synced({ env: { OUTLOOK_SYNC_PAGE_SIZE: '5' } });
    const records = requestsOf(user);
    const [refused] = records.filter(({ status }) => status === 503);
    const until = refused?.retryAfterUntil ?? 0;
    const meanwhile = records.filter(({ at }) => at > (refused?.endedAt ?? Infinity) && at < until);
    expect(meanwhile.length).toBeGreaterThan(0);
    const same = ({ path, query }: RequestRecord): boolean =>
      path === refused?.path && query === refused.query;
    expect(meanwhile.filter(same)).toEqual([]);
    expect(records.filter(same)).toHaveLength(2);
    await expectMirrored(user);
  });

  it('ends when the Retry-After of a 503 is beyond its deadline, saying until when', async () => {
    const user = scene.addUser({ messages: 5 });
    fail(user, { status: 503, headers: { 'retry-after': '3600' }, body: '' });
    const told = await user.sync();
    expect(told.code).toBe(75);
    expect(told.summary).toMatchObject({ attempts: 1, error: { code: 'GraphUnavailable' } });
    const { lastSyncError } = await user.provider();
    const until = Date.parse(/not before (\S+Z)/.exec(lastSyncError ?? '')?.[1] ?? '');
    expect(until).toBeGreaterThanOrEqual(requestsOf(user)[0]?.retryAfterUntil ?? Infinity);
  });

  it('asks for smaller pages, and keeps to them, when Graph takes too long for one', async () => {
    const user = scene.addUser({ messages: 120 });
    const isLarge = ({ prefer }: RequestInfo): boolean =>
      prefer.some((one) => Number(/^odata\.maxpagesize=(\d+)$/.exec(one)?.[1] ?? 0) > 20);
    fail(user, { status: 504, body: html }, { when: isLarge });
    const told = await user.synced({
      env: { OUTLOOK_SYNC_PAGE_SIZE: '80', OUTLOOK_SYNC_MAX_MESSAGES: '80' },
    });
    expect(told.summary).toMatchObject({ attempts: 1 });
    expect(pageSizes(requestsOf(user))).toEqual([80, 40, 20]);
    await expectMirrored(user);
  });

  it('deletes nothing, and asks again next time, when Graph cannot tell whether messages are gone', async () => {
    const user = scene.addUser({ messages: 40 });
    await user.synced();
    const before = await storedRows(scene.database, user.mailbox.email);
    const inbox = user.mailbox.wellKnown('inbox')?.id;
    const doomed = user.mailbox.messages().filter(({ parentFolderId }) => parentFolderId === inbox);
    for (const { id } of doomed.slice(0, 6)) user.mailbox.deleteMessage(id, { hard: true });
    const mend = fail(user, { status: 503, body: '' }, { when: ({ kind }) => kind === 'batched' });
    const told = await user.synced();
    expect(told.summary).toMatchObject({ removed: 0 });
    expect(await storedRows(scene.database, user.mailbox.email)).toEqual(before);
    mend();
    expect((await user.synced()).summary).toMatchObject({ removed: 6 });
    await expectMirrored(user);
  });
});
