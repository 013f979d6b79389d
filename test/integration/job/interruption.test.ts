// SIGTERM, and waits that a run ends or outlasts: Retry-After in both forms, deadlines, throttles of the whole mailbox.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { FaultReply, RequestInfo } from '../../harness/graph/faults.ts';
import { expectedRows } from '../../harness/mirror.ts';
import { openScene, type Scene, type User } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

const of =
  (user: User) =>
  ({ kind, mailbox }: RequestInfo): boolean =>
    kind === 'graph' && mailbox === user.mailbox.email;

const deltas =
  (user: User) =>
  (request: RequestInfo): boolean =>
    of(user)(request) && request.path.endsWith('/messages/delta') && request.path.includes('mailFolders');

async function assertMirror(user: User): Promise<void> {
  const ids = (await user.messages()).map(({ externalMessageId }) => externalMessageId);
  expect(ids).toEqual(expectedRows(user.mailbox).map(({ externalMessageId }) => externalMessageId));
}

/** Resolves when the user’s mailbox has been asked something that fits. */
async function asked(
  user: User,
  fits: (request: { path: string; status: number; query: string }) => boolean,
): Promise<void> {
  const found = (): boolean =>
    scene.graph.requests.some((request) => request.mailbox === user.mailbox.email && fits(request));
  await vi.waitFor(() => expect(found()).toBe(true), { timeout: 20_000, interval: 10 });
}

async function assertInterrupted(user: User, outcome: Awaited<ReturnType<User['sync']>>): Promise<void> {
  expect(outcome.code, outcome.stderr).toBe(0);
  expect(outcome.summary).toMatchObject({ status: 'interrupted' });
  expect(await user.provider()).toMatchObject({
    status: 'connected',
    syncLeaseExpiresAt: null,
    lastSyncError: null,
  });
  expect(await user.events()).toEqual([]);
}

describe('SIGTERM', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    '(%s) ends a backfill after the page in hand; the next run goes on from there',
    async (signal) => {
      const user = scene.addUser({ messages: 200 });
      const slow = scene.graph.faults.add({ when: deltas(user), reply: { delayMs: 100 }, times: Infinity });
      const env = { OUTLOOK_SYNC_PAGE_SIZE: '5', OUTLOOK_SYNC_MAX_MESSAGES: '1' };
      scene.graph.clearRequests();
      const job = user.start({ env });
      const inbox = user.mailbox.wellKnown('inbox')?.id ?? '';
      const inboxDeltas = () =>
        scene.graph.requests.filter(({ path }) => path.includes(inbox) && path.endsWith('/messages/delta'));
      // The third page is asked for when the first one is stored.
      await vi.waitFor(() => expect(inboxDeltas().length).toBeGreaterThan(2), {
        timeout: 20_000,
        interval: 10,
      });
      job.kill(signal);
      const outcome = await job.outcome;
      await assertInterrupted(user, outcome);
      expect(['Bootstrapping', 'Paging']).toContain(outcome.summary.cursor);
      const stored = await user.messages();
      expect(stored.length).toBe(outcome.summary['upserted']);
      expect(stored.length).toBeGreaterThan(0);
      slow();
      scene.graph.clearRequests();
      await user.synced();
      expect(inboxDeltas()[0]?.query).toContain('skiptoken');
      await assertMirror(user);
    },
  );

  it('ends a wait for Retry-After', async () => {
    const user = scene.addUser({ messages: 10 });
    const reply = { status: 429, headers: { 'retry-after': '300' } };
    const mend = scene.graph.faults.add({ when: deltas(user), reply, times: Infinity });
    scene.graph.clearRequests();
    const job = user.start();
    await asked(user, ({ status }) => status === 429);
    job.kill('SIGTERM');
    await assertInterrupted(user, await job.outcome);
    mend();
    await user.synced();
    await assertMirror(user);
  });

  it('ends a wait for the login’s Retry-After', async () => {
    const user = scene.addUser();
    const reply = {
      status: 429,
      headers: { 'retry-after': '300' },
      body: { error: 'temporarily_unavailable' },
    };
    const mend = scene.graph.faults.add({ when: ({ kind }) => kind === 'token', reply });
    scene.graph.clearRequests();
    const job = user.start();
    await vi.waitFor(() => expect(scene.graph.tokenRequests[0]?.status).toBe(429), {
      timeout: 20_000,
      interval: 10,
    });
    job.kill('SIGTERM');
    await assertInterrupted(user, await job.outcome);
    mend();
  });

  it('ends the jitter before a scheduled run', async () => {
    const user = scene.addUser();
    const env = {
      OUTLOOK_SYNC_SCHEDULER_JITTER_MS: '10000',
      OUTLOOK_SYNC_TRIGGER: 'schedule',
      OUTLOOK_SYNC_PAGE_SIZE: '0',
    };
    const job = user.start({ env });
    // The warning is the last that is heard before the wait.
    await vi.waitFor(() => expect(job.stderr()).toContain('OUTLOOK_SYNC_PAGE_SIZE'), {
      timeout: 20_000,
      interval: 5,
    });
    job.kill('SIGTERM');
    const { code, summary } = await job.outcome;
    expect({ code, status: summary.status }).toEqual({ code: 0, status: 'interrupted' });
  });

  it('ends the wait between two attempts', async () => {
    const user = scene.addUser({ messages: 3 });
    const mend = scene.graph.faults.add({ when: of(user), reply: { status: 503 }, times: Infinity });
    scene.graph.clearRequests();
    const job = user.start({
      env: { OUTLOOK_SYNC_SCHEDULER_RETRIES: '5', OUTLOOK_SYNC_SCHEDULER_RETRY_BACKOFF_MS: '15000' },
    });
    await asked(user, ({ status }) => status === 503);
    job.kill('SIGTERM');
    const outcome = await job.outcome;
    mend();
    expect(outcome.code, outcome.stderr).toBe(0);
    expect(outcome.summary).toMatchObject({ status: 'interrupted' });
    expect(await user.provider()).toMatchObject({ status: 'connected', syncLeaseExpiresAt: null });
  });

  it('ends a request that hangs', async () => {
    const user = scene.addUser({ messages: 3 });
    const mend = scene.graph.faults.add({ when: deltas(user), reply: { hang: true } });
    scene.graph.clearRequests();
    const job = user.start();
    await asked(user, ({ path }) => path.includes('mailFolders') && path.endsWith('/messages/delta'));
    job.kill('SIGTERM');
    await assertInterrupted(user, await job.outcome);
    mend();
  });
});

describe('Retry-After', () => {
  it.each<[string, () => FaultReply]>([
    ['in seconds', () => ({ status: 429, headers: { 'retry-after': '1' } })],
    [
      'as a date',
      () => ({ status: 429, headers: { 'retry-after': new Date(Date.now() + 2_000).toUTCString() } }),
    ],
  ])('(%s) of a 429 holds every request of the mailbox', async (_what, reply) => {
    const user = scene.addUser({ messages: 60 });
    await user.synced();
    user.mailbox.createMessage({});
    let until = 0;
    const remove = scene.graph.faults.add({ when: deltas(user), reply: reply() });
    scene.graph.clearRequests();
    const { summary } = await user.synced();
    remove();
    expect(summary['attempts']).toBe(1);
    const throttled = scene.graph.requests.find(({ status }) => status === 429);
    until = throttled?.retryAfterUntil ?? 0;
    expect(until).toBeGreaterThan(0);
    const early = scene.graph.requests.filter(({ at }) => at > (throttled?.endedAt ?? 0) + 50 && at < until);
    expect(early).toEqual([]);
    await assertMirror(user);
  });

  it('beyond the deadline ends the run with 75 at once, and the row says until when', async () => {
    const user = scene.addUser({ messages: 10 });
    const reply = { status: 429, headers: { 'retry-after': '3600' } };
    const mend = scene.graph.faults.add({ when: of(user), reply, times: Infinity });
    const from = Date.now() + 3_590_000;
    const { code, summary } = await user.sync({ env: { OUTLOOK_SYNC_SCHEDULER_RETRIES: '5' } });
    mend();
    expect(code).toBe(75);
    expect(summary).toMatchObject({ status: 'error', error: { code: 'GraphThrottled' }, attempts: 1 });
    const row = await user.provider();
    expect(row.status).toBe('error');
    const until = Date.parse(/\d{4}-\d\d-\d\dT[\d:.]+Z/.exec(row.lastSyncError ?? '')?.[0] ?? '');
    expect(until).toBeGreaterThan(from);
    expect(until).toBeLessThan(Date.now() + 3_660_000);
  });

  it('of a 503 holds only its own request, and beyond the deadline ends the run, too', async () => {
    const user = scene.addUser({ messages: 60 });
    await user.synced();
    const inbox = user.mailbox.wellKnown('inbox')?.id ?? '';
    const when = (request: RequestInfo): boolean => deltas(user)(request) && request.path.includes(inbox);
    scene.graph.faults.add({ when, reply: { status: 503, headers: { 'retry-after': '1' } } });
    scene.graph.clearRequests();
    await user.synced();
    const refused = scene.graph.requests.find(({ status }) => status === 503);
    const others = scene.graph.requests.filter(
      ({ path }) => path.endsWith('/messages/delta') && !path.includes(inbox),
    );
    expect(others.length).toBeGreaterThan(1);
    expect(others.every(({ at }) => at < (refused?.retryAfterUntil ?? 0))).toBe(true);
    const mend = scene.graph.faults.add({
      when,
      reply: { status: 503, headers: { 'retry-after': '3600' } },
      times: Infinity,
    });
    const { code } = await user.sync();
    mend();
    expect(code).toBe(75);
    expect((await user.provider()).lastSyncError).toMatch(/\d{4}-\d\d-\d\dT/);
  });

  it('that is missing or useless is made up for by waits of our own', async () => {
    const user = scene.addUser({ messages: 5 });
    for (const headers of [{}, { 'retry-after': '0' }, { 'retry-after': 'soon' }]) {
      scene.graph.faults.add({ when: deltas(user), reply: { status: 429, headers } });
    }
    expect((await user.synced()).summary).toMatchObject({ attempts: 1, cursor: 'Steady' });
  });
});

describe('the deadline of a run', () => {
  it('ends it after the page in hand, as a success that goes on next time', async () => {
    const user = scene.addUser({ messages: 400 });
    const slow = scene.graph.faults.add({ when: deltas(user), reply: { delayMs: 700 }, times: Infinity });
    const env = {
      OUTLOOK_SYNC_DEADLINE_SECONDS: '10',
      OUTLOOK_SYNC_PAGE_SIZE: '5',
      OUTLOOK_SYNC_MAX_MESSAGES: '1',
    };
    const { summary, code, log } = await user.sync({ env });
    slow();
    expect(code).toBe(0);
    expect(summary).toMatchObject({ status: 'connected', cursor: 'Bootstrapping' });
    const progress = log.filter(({ msg }) => msg === 'Syncing');
    expect(progress.length).toBeGreaterThan(1);
    expect(
      progress.every(({ upserted, runId }) => typeof upserted === 'number' && typeof runId === 'string'),
    ).toBe(true);
    await user.synced();
    await user.synced();
    await assertMirror(user);
  });
});
