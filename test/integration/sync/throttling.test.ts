// What the job does when Graph throttles it: it waits as long as it was told, and is done all the same.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaultReply, RequestInfo } from '../../harness/graph/faults.ts';
import type { RequestRecord } from '../../harness/graph/requestLog.ts';
import { expectedRows, storedRows } from '../../harness/mirror.ts';
import { openScene, type Scene, type User } from '../job/scene.ts';
import { sentTooEarly, withInner } from './requestTimes.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

const body = {
  error: { code: 'ApplicationThrottled', message: 'Application is over its MailboxConcurrency limit.' },
};

const throttled = (headers: Record<string, string> = {}): FaultReply => ({ status: 429, headers, body });

/** `Retry-After` as an HTTP date some seconds after the answer. */
function throttledUntilDate(seconds: number): FaultReply {
  return {
    status: 429,
    headers: {
      get 'retry-after'() {
        return new Date(Date.now() + seconds * 1000).toUTCString();
      },
    },
    body,
  };
}

/** Every n-th request to this mailbox, inner ones of a batch counted, is answered so. */
function everyNth(user: User, n: number, reply: FaultReply): void {
  let seen = 0;
  const when = ({ mailbox }: RequestInfo): boolean => {
    if (mailbox !== user.mailbox.email) return false;
    seen += 1;
    return seen % n === 0;
  };
  scene.graph.faults.add({ when, times: Infinity, reply });
}

function answerWith(user: User, reply: FaultReply, times: number): void {
  scene.graph.faults.add({ when: ({ mailbox }) => mailbox === user.mailbox.email, times, reply });
}

const requestsOf = (user: User): RequestRecord[] =>
  scene.graph.requests.filter(({ mailbox }) => mailbox === user.mailbox.email);

async function expectMirrored(user: User): Promise<void> {
  expect(await storedRows(scene.database, user.mailbox.email)).toEqual(expectedRows(user.mailbox));
}

const waits = (log: readonly Readonly<Record<string, unknown>>[]): unknown[] =>
  log.filter(({ msg }) => msg === 'Graph throttled the mailbox').map(({ waitMs }) => waitMs);

describe.concurrent('a mailbox that Graph throttles', () => {
  it.each([
    ['seconds', throttled({ 'retry-after': '1' })],
    ['an HTTP date', throttledUntilDate(2)],
  ])(
    'is synced and never asked too early when every third request is refused, with %s',
    { timeout: 120_000 },
    async (_, reply) => {
      const user = scene.addUser({ messages: 40 });
      await user.synced();
      for (const { id } of user.mailbox.messages().slice(0, 8))
        user.mailbox.deleteMessage(id, { hard: true });
      for (let count = 0; count < 5; count += 1) user.mailbox.createMessage();
      const before = requestsOf(user).length;
      everyNth(user, 3, reply);
      const { log } = await user.synced({ env: { OUTLOOK_SYNC_PAGE_SIZE: '5', LOG_LEVEL: 'debug' } });
      const records = requestsOf(user).slice(before);
      expect(records.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
      const inner = records.flatMap(({ batch }) => batch ?? []);
      expect(inner.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
      expect(sentTooEarly(records, log)).toEqual([]);
      expect(Math.max(...records.map(({ inFlight }) => inFlight))).toBeLessThanOrEqual(4);
      await expectMirrored(user);
    },
  );

  it('is never asked more than four things at once, however many there are to ask', async () => {
    const user = scene.addUser({ messages: 300, folders: 'rich' });
    await user.synced({ env: { OUTLOOK_SYNC_PAGE_SIZE: '5' } });
    const records = requestsOf(user);
    expect(Math.max(...records.map(({ inFlight }) => inFlight))).toBe(4);
    expect(withInner(records).filter(({ status }) => status === 429)).toEqual([]);
  });

  it.each([
    ['is missing', throttled()],
    ['is garbage', throttled({ 'retry-after': 'soon' })],
    ['is negative', throttled({ 'retry-after': '-30' })],
    ['is zero', throttled({ 'retry-after': '0' })],
    ['is a date long past', throttled({ 'retry-after': 'Sun, 06 Nov 1994 08:49:37 GMT' })],
  ])('is given growing time of our own when Retry-After %s', async (_, reply) => {
    const user = scene.addUser({ messages: 5 });
    answerWith(user, reply, 4);
    const told = await user.synced();
    const [first = 0, , , fourth = 0] = waits(told.log) as number[];
    expect(first).toBeGreaterThan(0);
    expect(fourth).toBeGreaterThan(2 * first);
    await expectMirrored(user);
  });

  it('ends the run at once when it is to wait beyond the deadline, saying until when', async () => {
    const user = scene.addUser({ messages: 5 });
    answerWith(user, throttled({ 'retry-after': '3600' }), Infinity);
    const told = await user.sync();
    expect(told.code).toBe(75);
    expect(told.summary).toMatchObject({ attempts: 1, error: { code: 'GraphThrottled' } });
    const { lastSyncError, status, syncLeaseExpiresAt } = await user.provider();
    expect({ status, syncLeaseExpiresAt }).toEqual({ status: 'error', syncLeaseExpiresAt: null });
    const until = Date.parse(/not before (\S+Z)/.exec(lastSyncError ?? '')?.[1] ?? '');
    const [only, ...others] = requestsOf(user);
    expect(others).toEqual([]);
    expect(until).toBeGreaterThanOrEqual(only?.retryAfterUntil ?? Infinity);
    expect(until).toBeLessThan((only?.retryAfterUntil ?? 0) + 60_000);
  });

  it(
    'ends the run after a while when every request is refused without a word of how long',
    { timeout: 120_000 },
    async () => {
      const user = scene.addUser({ messages: 5 });
      answerWith(user, throttled(), Infinity);
      const told = await user.sync();
      expect(told.code).toBe(75);
      expect(told.summary).toMatchObject({ attempts: 1, error: { code: 'GraphThrottled' } });
      expect(await user.provider()).toMatchObject({ status: 'error', syncLeaseExpiresAt: null });
      expect(requestsOf(user).length).toBeLessThan(20);
    },
  );
});
