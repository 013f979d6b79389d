// The provider's row through a run: syncing, connected, error; and the lease that goes with it.
import { once } from 'node:events';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RequestInfo } from '../../harness/graph/faults.ts';
import { openScene, type Scene, type User } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

/** Requests of one user’s mailbox to Graph. */
const of = (user: User) => (request: RequestInfo) =>
  request.kind === 'graph' && request.mailbox === user.mailbox.email;

const deltas = (user: User) => (request: RequestInfo) =>
  of(user)(request) && request.path.endsWith('/messages/delta') && request.path.includes('mailFolders');

const lasting503 = { status: 503, body: '' };

/** The database’s clock, in UTC. */
async function now(): Promise<Date> {
  const [row] = await scene.database.query<{ now: Date }>(
    `SELECT timezone('UTC', clock_timestamp()) AS "now"`,
  );
  return row?.now ?? new Date(0);
}

function assertBetween(moment: Date | null, from: Date, to: Date): void {
  expect(moment?.getTime()).toBeGreaterThanOrEqual(from.getTime());
  expect(moment?.getTime()).toBeLessThanOrEqual(to.getTime());
}

describe('a run', () => {
  it('is to be seen while it lasts, with a lease and without the error of the last one', async () => {
    const user = scene.addUser({ messages: 10 });
    await user.synced();
    await user.change(
      `"lastSyncError" = 'old', "lastSyncErrorAt" = '2020-01-01', "status" = 'error', "lastSyncedAt" = '2020-01-01'`,
    );
    const release = scene.graph.faults.add({ when: of(user), reply: { delayMs: 1_500 }, times: 1 });
    const before = await now();
    const job = user.start({ env: { OUTLOOK_SYNC_LEASE_SECONDS: '90' } });
    await vi.waitFor(async () => expect((await user.provider()).status).toBe('syncing'), { timeout: 10_000 });
    const during = await user.provider();
    const seen = await now();
    expect(during).toMatchObject({
      lastSyncError: null,
      lastSyncErrorAt: null,
      lastSyncedAt: new Date('2020-01-01Z'),
    });
    const inAWhile = (from: Date): Date => new Date(from.getTime() + 90_000);
    assertBetween(during.syncLeaseExpiresAt, inAWhile(before), inAWhile(seen));
    expect((await job.outcome).summary).toMatchObject({ status: 'connected' });
    release();
    const after = await user.provider();
    expect(after).toMatchObject({
      status: 'connected',
      lastSyncError: null,
      lastSyncErrorAt: null,
      syncLeaseExpiresAt: null,
    });
    assertBetween(after.lastSyncedAt, before, await now());
  });

  it('that fails says so in the row, keeps lastSyncedAt, and gives the lease back', async () => {
    const user = scene.addUser({ messages: 10 });
    await user.synced();
    const { lastSyncedAt } = await user.provider();
    const before = await now();
    const mend = scene.graph.faults.add({ when: deltas(user), reply: lasting503, times: Infinity });
    const failed = await user.sync({ env: { OUTLOOK_SYNC_SCHEDULER_RETRIES: '0' } });
    expect(failed.code, failed.stderr).toBe(75);
    expect(failed.summary).toMatchObject({
      status: 'error',
      error: { code: 'GraphUnavailable' },
      attempts: 1,
    });
    const row = await user.provider();
    expect(row).toMatchObject({ status: 'error', lastSyncedAt, syncLeaseExpiresAt: null });
    expect(row.lastSyncError).toContain('GraphUnavailable');
    expect(row.lastSyncError).toContain('503');
    assertBetween(row.lastSyncErrorAt, before, await now());
    mend();
    await user.synced();
    expect(await user.provider()).toMatchObject({
      status: 'connected',
      lastSyncError: null,
      lastSyncErrorAt: null,
    });
  });

  it('counts all its tries: three for a 503 that lasts, with two retries', async () => {
    const user = scene.addUser({ messages: 10 });
    const mend = scene.graph.faults.add({ when: of(user), reply: lasting503, times: Infinity });
    const failed = await user.sync({ env: { OUTLOOK_SYNC_SCHEDULER_RETRIES: '2' } });
    expect(failed.summary, failed.stderr).toMatchObject({
      status: 'error',
      attempts: 3,
      upserted: 0,
      removed: 0,
      cursor: 'None',
    });
    expect(failed.code).toBe(75);
    mend();
    expect((await user.synced()).summary['attempts']).toBe(1);
  });

  it('that fails half-way keeps the pages that it stored, and counts them', async () => {
    const user = scene.addUser({ messages: 30 });
    const inbox = user.mailbox.wellKnown('inbox')?.id ?? '';
    const sent = user.mailbox.wellKnown('sentitems')?.id ?? '';
    const mend = scene.graph.faults.add({
      when: (request) => deltas(user)(request) && request.path.includes(sent),
      reply: lasting503,
      times: Infinity,
    });
    const env = { OUTLOOK_SYNC_SCHEDULER_RETRIES: '0', OUTLOOK_SYNC_MAX_MESSAGES: '1' };
    const failed = await user.sync({ env });
    expect(failed.code).toBe(75);
    const stored = await user.messages();
    expect(stored.length).toBe(failed.summary['upserted']);
    expect(stored.length).toBeGreaterThanOrEqual(
      user.mailbox.messages().filter((one) => one.parentFolderId === inbox).length,
    );
    mend();
    await user.synced();
  });

  it('without changes counts nothing and changes no message', async () => {
    const user = scene.addUser({ messages: 30 });
    const first = await user.synced();
    const stored = await user.messages();
    expect(first.summary['upserted']).toBe(stored.length);
    const { summary } = await user.synced();
    expect(summary).toMatchObject({ upserted: 0, removed: 0, quarantined: 0, cursor: 'Steady', attempts: 1 });
    expect(await user.messages()).toEqual(stored);
  });

  it('while another program holds the lease is skipped, and changes nothing', async () => {
    const user = scene.addUser({ messages: 5 });
    await user.synced();
    await user.change(`"syncLeaseExpiresAt" = timezone('UTC', now()) + interval '30 seconds'`);
    const row = await user.provider();
    const { summary, code } = await user.sync();
    expect(code).toBe(0);
    expect(summary).toMatchObject({ status: 'skipped', holder: expect.stringMatching(/./) as string });
    expect(await user.provider()).toEqual(row);
    await user.change(`"syncLeaseExpiresAt" = timezone('UTC', now()) - interval '1 second'`);
    await user.synced();
  });

  it('while another run holds the lease is skipped, says who that is, and is made good by it', async () => {
    const user = scene.addUser({ messages: 5 });
    await user.synced();
    const release = scene.graph.faults.add({ when: of(user), reply: { delayMs: 1_500 }, times: 1 });
    const first = user.start();
    await vi.waitFor(async () => expect((await user.provider()).status).toBe('syncing'), { timeout: 10_000 });
    const second = await user.sync();
    expect(second.summary, second.stderr).toMatchObject({ status: 'skipped' });
    expect(String(second.summary['holder'])).toContain(`/${first.pid}/`);
    const { summary, log } = await first.outcome;
    release();
    expect(summary).toMatchObject({ status: 'connected' });
    expect(log.filter(({ msg }) => msg === 'Finished a pass')).toHaveLength(2);
  });
});

describe('events', () => {
  const retriesOff = { env: { OUTLOOK_SYNC_SCHEDULER_RETRIES: '0' } };

  it('tell a failure once per code, and the recovery', async () => {
    const user = scene.addUser({ messages: 5 });
    await user.synced({ more: ['--workspace-id', 'team-7'] });
    expect(await user.events()).toEqual([]);
    const run = (env = {}) =>
      user.sync({ env: { OUTLOOK_SYNC_SCHEDULER_RETRIES: '0', ...env }, more: ['--workspace-id', 'team-7'] });
    const types = async () => (await user.events()).map(({ type }) => type);

    let mend = scene.graph.faults.add({ when: of(user), reply: lasting503, times: Infinity });
    await run({ OUTLOOK_SYNC_SCHEDULER_RETRIES: '1' });
    mend();
    // Other words and another number of attempts are no news.
    mend = scene.graph.faults.add({ when: of(user), reply: { status: 502 }, times: Infinity });
    await run();
    mend();
    expect(await types()).toEqual(['SYNC_FAILED']);

    user.mailbox.revokeGrant();
    await user.change('"tokenExpiry" = NULL');
    await run();
    await run();
    expect(await types()).toEqual(['SYNC_FAILED', 'SYNC_FAILED']);

    await user.sync({
      env: { OUTLOOK_REFRESH_TOKEN: user.mailbox.newSignIn() },
      more: ['--workspace-id', 'team-7'],
    });
    const events = await user.events();
    const { id: providerId } = await user.provider();
    const common = { providerId, providerType: 'OUTLOOK', workspaceId: 'team-7' };
    expect(events.map(({ type, data }) => ({ type, data }))).toEqual([
      {
        type: 'SYNC_FAILED',
        data: {
          ...common,
          attempts: 2,
          code: 'GraphUnavailable',
          error: expect.stringContaining('503') as string,
        },
      },
      {
        type: 'SYNC_FAILED',
        data: {
          ...common,
          attempts: 1,
          code: 'ReauthorizationRequired',
          error: expect.stringContaining('sign in') as string,
        },
      },
      { type: 'SYNC_RECOVERED', data: { ...common, recoveredFrom: 'ReauthorizationRequired' } },
    ]);
    for (const { data } of events) expect(JSON.stringify(data).length).toBeLessThan(600);
  });

  it('tell the same failure again after a recovery, and no recovery without a failure', async () => {
    const user = scene.addUser();
    await user.synced();
    for (let round = 0; round < 2; round += 1) {
      const mend = scene.graph.faults.add({ when: of(user), reply: lasting503, times: Infinity });
      await user.sync(retriesOff);
      mend();
      await user.synced();
      await user.synced();
    }
    const types = (await user.events()).map(({ type }) => type);
    expect(types).toEqual(['SYNC_FAILED', 'SYNC_RECOVERED', 'SYNC_FAILED', 'SYNC_RECOVERED']);
  });

  it('are announced by NOTIFY when they are there to be read', async () => {
    const user = scene.addUser();
    const listener = new pg.Client(scene.database.url);
    await listener.connect();
    try {
      await listener.query('LISTEN outlook_sync_events');
      const heard = once(listener, 'notification') as Promise<[{ channel: string; payload: string }]>;
      user.mailbox.revokeGrant();
      await user.sync();
      const [{ payload }] = await heard;
      const [event] = await user.events();
      expect(JSON.parse(payload)).toMatchObject({
        id: event?.id,
        type: 'SYNC_FAILED',
        providerId: (await user.provider()).id,
      });
      scene.secrets.assertUnseen(payload, 'the notification');
    } finally {
      await listener.end();
    }
  });

  it('do not tell of a run that was never the provider’s', async () => {
    const user = scene.addUser();
    await user.synced();
    await user.change(`"isActive" = false`);
    expect((await user.sync()).code).toBe(77);
    expect(await user.events()).toEqual([]);
  });
});
