// `timestamp` columns hold UTC without a zone, whatever time zone the server, the role and the job believe to be in.
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { expectedRows, storedRows } from '../../harness/mirror.ts';
import { openScene, type Scene, type User } from '../job/scene.ts';

/** Half an hour off the full one, so that nothing fits by chance; and no daylight saving to hide behind. */
const far = 'Asia/Kolkata';

let scene: Scene;
let role: string;

beforeAll(async () => {
  scene = await openScene();
  role = `${scene.database.name}_far`;
  await scene.database.query(`CREATE ROLE "${role}" LOGIN SUPERUSER PASSWORD 'far-pass-phrase'`);
});
afterAll(async () => {
  await scene.database.query(`DROP ROLE "${role}"`);
  await scene.close();
});

/** Who believes it, and how: each returns what to run the job with. */
const believers: [who: string, arrange: () => Promise<Record<string, string>>][] = [
  [
    'the database and the job',
    async () => {
      await scene.database.query(`ALTER DATABASE "${scene.database.name}" SET timezone TO '${far}'`);
      return { TZ: far, PGTZ: far };
    },
  ],
  [
    'the role and the connection',
    async () => {
      await scene.database.query(`ALTER ROLE "${role}" SET timezone TO 'America/St_Johns'`);
      const url = new URL(scene.database.url);
      url.username = role;
      url.password = 'far-pass-phrase';
      return { DATABASE_URL: url.href, PGOPTIONS: '-c timezone=America/St_Johns' };
    },
  ],
];

const nowUtc = (): number => Date.now();

function assertAbout(moment: Date | null, from: number, to: number): void {
  expect(moment?.getTime()).toBeGreaterThanOrEqual(from - 1_000);
  expect(moment?.getTime()).toBeLessThanOrEqual(to + 1_000);
}

async function assertTimes(user: User): Promise<void> {
  const started = nowUtc();
  const release = scene.graph.faults.add({
    when: ({ mailbox }) => mailbox === user.mailbox.email,
    reply: { delayMs: 1_000 },
  });
  const job = user.start({ env: { OUTLOOK_SYNC_LEASE_SECONDS: '120' } });
  await vi.waitFor(async () => expect((await user.provider()).syncLeaseExpiresAt).not.toBeNull(), {
    timeout: 20_000,
  });
  const { syncLeaseExpiresAt } = await user.provider();
  assertAbout(syncLeaseExpiresAt, started + 120_000, nowUtc() + 120_000);
  expect((await job.outcome).summary).toMatchObject({ status: 'connected', cursor: 'Steady' });
  release();
  const ended = nowUtc();
  const row = await user.provider();
  for (const column of ['lastSyncedAt', 'createdAt', 'updatedAt'])
    assertAbout(row[column] as Date, started, ended);
  assertAbout(row.tokenExpiry, started + 3_600_000, ended + 3_600_000);
  const messages = await user.messages();
  for (const message of messages) {
    assertAbout(message['createdAt'] as Date, started, ended);
    assertAbout(message['updatedAt'] as Date, started, ended);
  }
  const stored = await storedRows(scene.database);
  const ids = new Set(messages.map(({ externalMessageId }) => externalMessageId));
  expect(stored.filter(({ externalMessageId }) => ids.has(externalMessageId))).toEqual(
    expectedRows(user.mailbox),
  );
}

async function assertJudgements(user: User): Promise<void> {
  // The stored token is known to be good, and to be bad.
  scene.graph.clearRequests();
  await user.synced();
  expect(scene.graph.tokenRequests).toHaveLength(0);
  await user.change(`"tokenExpiry" = now() AT TIME ZONE 'UTC' + interval '4 minutes'`);
  await user.synced();
  expect(scene.graph.tokenRequests).toHaveLength(1);
  // A lease that runs, and one that has run out.
  await user.change(`"syncLeaseExpiresAt" = now() AT TIME ZONE 'UTC' + interval '1 minute'`);
  expect((await user.sync()).summary).toMatchObject({ status: 'skipped' });
  await user.change(`"syncLeaseExpiresAt" = now() AT TIME ZONE 'UTC' - interval '1 second'`);
  await user.synced();
  // An error, and an event.
  const started = nowUtc();
  user.mailbox.revokeGrant();
  await user.change('"tokenExpiry" = NULL');
  await user.sync();
  const ended = nowUtc();
  assertAbout((await user.provider()).lastSyncErrorAt, started, ended);
  const [event] = await scene.database.query<{ createdAt: Date }>(
    'SELECT "createdAt" FROM outlook_event_outbox WHERE "providerId" = $1',
    [(await user.provider()).id],
  );
  assertAbout(event?.createdAt ?? null, started, ended);
}

it.each(believers)('%s may be elsewhere', async (_who, arrange) => {
  const env = await arrange();
  const user = scene.addUser({ messages: 25 });
  Object.assign(user.env, env);
  await assertTimes(user);
  await assertJudgements(user);
});

it('columns that a migration makes default to UTC as well', async () => {
  await scene.database.query(`ALTER DATABASE "${scene.database.name}" SET timezone TO '${far}'`);
  const url = new URL(scene.database.url);
  const client = new pg.Client(url.href);
  await client.connect();
  try {
    expect((await client.query<{ TimeZone: string }>('SHOW timezone')).rows[0]?.TimeZone).toBe(far);
    const { rows } = await client.query<{ off: string }>(
      `INSERT INTO external_email_labels ("userId", "providerId", "externalLabelId", "name", "type")
       VALUES ('u', 'p', 'l', 'l', 'user')
       RETURNING extract(epoch FROM "createdAt" - now() AT TIME ZONE 'UTC')::text AS "off"`,
    );
    expect(Math.abs(Number(rows[0]?.off))).toBeLessThan(1);
  } finally {
    await client.end();
  }
});
