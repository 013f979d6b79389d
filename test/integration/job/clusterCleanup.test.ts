// The removal of a mailbox from the database: all of it, nothing else, and to the end however often it is killed.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type JobOutcome, runJob, startJob } from '../../harness/job.ts';
import { everyTable } from '../../harness/model/everyTable.ts';
import { openScene, type Scene, type User } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

const env = (): Record<string, string> => ({
  DATABASE_URL: scene.database.url,
  OUTLOOK_SYNC_LEASE_SECONDS: '5',
});

const cleanUp = (id: string, more: readonly string[] = []): Promise<JobOutcome> =>
  runJob(['cleanup', '--provider-id', id, ...more], env());

/** Every row that belongs to a provider, by table; folders of messages go by the ids of both. */
async function rowsOf(id: string): Promise<Record<string, string[]>> {
  const tables = await everyTable(scene.database);
  const folders = (tables['outlook_folder_cursors'] ?? []).filter((row) => row.includes(id));
  const ids = folders.map((row) => (JSON.parse(row) as { id: number }).id);
  const isOfFolder = (row: string): boolean =>
    ids.includes((JSON.parse(row) as { folderCursorId?: number }).folderCursorId ?? -1);
  const mine = Object.entries(tables).map(
    ([name, rows]) => [name, rows.filter((row) => row.includes(id) || isOfFolder(row))] as const,
  );
  return Object.fromEntries(mine.filter(([, rows]) => rows.length > 0));
}

/** All rows but a provider's. */
async function allBut(id: string): Promise<Record<string, string[]>> {
  const [all, mine] = [await everyTable(scene.database), await rowsOf(id)];
  return Object.fromEntries(
    Object.entries(all).map(([name, rows]) => [
      name,
      rows.filter((row) => mine[name]?.includes(row) !== true),
    ]),
  );
}

/** A user with rows in every table. */
async function settled(messages = 30): Promise<{ user: User; id: string }> {
  const user = scene.addUser({ messages });
  await user.synced();
  const { id } = await user.provider();
  await scene.database.query(
    `INSERT INTO outlook_quarantine ("providerId", "externalMessageId", "reason") VALUES ($1, 'q', 'none')`,
    [id],
  );
  await scene.database.query(
    `INSERT INTO outlook_deferred_checks ("providerId", "externalMessageId", "leaseEpoch") VALUES ($1, 'd', 1)`,
    [id],
  );
  await scene.database.query(
    `INSERT INTO outlook_event_outbox ("id", "providerId", "type", "data") VALUES ($2, $1, 'SYNC_FAILED', '{}')`,
    [id, randomUUID()],
  );
  await scene.database.query(
    `INSERT INTO outlook_walk_unseen
     SELECT f."folderCursorId", f."messageId" FROM outlook_message_folders f
     JOIN outlook_folder_cursors c ON c."id" = f."folderCursorId" WHERE c."providerId" = $1 LIMIT 5`,
    [id],
  );
  return { user, id };
}

async function addGmail(): Promise<string> {
  const [row] = await scene.database.query<{ id: string }>(
    `INSERT INTO email_providers ("type", "email", "isActive", "userId", "refreshToken")
     VALUES ('GMAIL', 'anna@gmail.example', true, 'someone', 'theirs') RETURNING "id"::text`,
  );
  const id = row?.id ?? '';
  await scene.database.query(
    `INSERT INTO external_email_messages ("userId", "providerId", "externalMessageId") VALUES ('someone', $1, 'g1')`,
    [id],
  );
  return id;
}

describe('a mailbox', () => {
  it('goes with all that was kept of it, and nothing else does', async () => {
    const { user, id } = await settled();
    await settled();
    await addGmail();
    const messages = (await user.messages()).length;
    const others = await allBut(id);
    const { email } = user.mailbox;
    const told = await cleanUp(id, ['--email', email.toUpperCase(), '--user-id', user.userId]);
    expect(told.code, told.stderr).toBe(0);
    expect(told.summary).toMatchObject({
      status: 'cleaned',
      providerId: id,
      provider: 'deleted',
      removed: { messages },
    });
    expect(await rowsOf(id)).toEqual({});
    expect(await everyTable(scene.database)).toEqual(others);
    const again = await cleanUp(id);
    expect({ code: again.code, ...again.summary }).toMatchObject({
      code: 0,
      status: 'cleaned',
      provider: 'absent',
    });
  });

  it('whose row was there before us keeps it, disconnected and without a grant', async () => {
    const user = scene.addUser({ messages: 10 });
    const id = randomUUID();
    await scene.database.query(
      `INSERT INTO email_providers ("id", "type", "email", "isActive", "userId", "displayName")
       VALUES ($1, 'OUTLOOK', $2, true, $3, 'Anna')`,
      [id, user.mailbox.email, user.userId],
    );
    await user.synced();
    expect((await cleanUp(id)).summary).toMatchObject({ status: 'cleaned', provider: 'disconnected' });
    expect(Object.keys(await rowsOf(id))).toEqual(['email_providers']);
    expect(await user.provider()).toMatchObject({
      status: 'disconnected',
      isActive: false,
      displayName: 'Anna',
      accessToken: null,
      refreshToken: null,
      tokenExpiry: null,
      outlookSyncCursor: null,
      syncLeaseExpiresAt: null,
    });
  });

  it.each<[string, (user: User, id: string) => Promise<readonly string[]> | readonly string[]]>([
    ['another type', async () => ['--provider-id', await addGmail()]],
    ['another owner', (_user, id) => ['--provider-id', id, '--user-id', 'somebody-else']],
    ['another address', (_user, id) => ['--provider-id', id, '--email', 'other@contoso.example']],
    ['no row at all', () => ['--provider-id', randomUUID()]],
  ])('of %s is left alone, and that is a success', async (_what, argsOf) => {
    const { user, id } = await settled(5);
    const args = await argsOf(user, id);
    const before = await everyTable(scene.database);
    const told = await runJob(['cleanup', ...args], env());
    expect(told.code, told.stderr).toBe(0);
    expect(told.summary).toMatchObject({ status: 'cleaned', removed: { messages: 0, labels: 0 } });
    expect(await everyTable(scene.database)).toEqual(before);
  });

  it('that is being synced is waited for, and not asked for one more pass', async () => {
    const { user, id } = await settled(30);
    const slow = scene.graph.faults.add({
      when: ({ kind, mailbox }) => kind === 'graph' && mailbox === user.mailbox.email,
      reply: { delayMs: 300 },
      times: Infinity,
    });
    const sync = user.start({ env: { OUTLOOK_SYNC_TRIGGER: 'resync', OUTLOOK_SYNC_PAGE_SIZE: '5' } });
    await vi.waitFor(async () => expect((await user.provider()).status).toBe('syncing'), { timeout: 20_000 });
    const cleanup = startJob(['cleanup', '--provider-id', id], env());
    await vi.waitFor(() => expect(cleanup.stderr()).toContain('Waiting for a run'), { timeout: 20_000 });
    slow();
    const synced = await sync.outcome;
    expect(synced.summary.status).toBe('connected');
    expect(synced.stderr).not.toContain('one more pass');
    expect((await cleanup.outcome).summary).toMatchObject({ status: 'cleaned', provider: 'deleted' });
    expect(await rowsOf(id)).toEqual({});
  });

  it('is gone in the end, however often the cleanup is killed', async () => {
    const { id } = await settled(60);
    await settled(5);
    const others = await allBut(id);
    // Each statement takes a while, so that a kill meets it anywhere.
    await scene.database.query(
      `CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.15); RETURN NULL; END'`,
    );
    const tables = Object.keys(await rowsOf(id));
    for (const name of tables) {
      await scene.database.query(
        `CREATE TRIGGER dawdle AFTER DELETE ON ${name} FOR EACH STATEMENT EXECUTE FUNCTION dawdle()`,
      );
    }
    const steps: number[] = [];
    for (let kills = 0; kills < 6; kills += 1) {
      const job = startJob(['cleanup', '--provider-id', id], env());
      const left = Object.values(await rowsOf(id)).flat().length;
      await vi.waitFor(
        async () => {
          const now = Object.values(await rowsOf(id)).flat().length;
          expect(now).toBeLessThan(left);
        },
        { timeout: 20_000, interval: 10 },
      );
      job.kill('SIGKILL');
      const { signal } = await job.outcome;
      if (signal === null) break;
      steps.push(left);
      // The dead one's lease runs out; here at once.
      await scene.database.query('UPDATE email_providers SET "syncLeaseExpiresAt" = NULL WHERE "id" = $1', [
        id,
      ]);
    }
    expect(steps.length).toBeGreaterThan(2);
    expect((await cleanUp(id)).summary).toMatchObject({ status: 'cleaned' });
    await scene.database.query('DROP FUNCTION dawdle() CASCADE');
    expect(await rowsOf(id)).toEqual({});
    expect(await everyTable(scene.database)).toEqual(others);
  });

  it('of which a stopped cleanup has left something is no success', async () => {
    const { id } = await settled(10);
    await scene.database.query(
      `UPDATE email_providers SET "syncLeaseExpiresAt" = timezone('UTC', now()) + interval '1 hour' WHERE "id" = $1`,
      [id],
    );
    const job = startJob(['cleanup', '--provider-id', id], env());
    await vi.waitFor(() => expect(job.stderr()).toContain('Waiting for a run'), { timeout: 20_000 });
    job.kill('SIGTERM');
    const told = await job.outcome;
    expect(told.code).toBe(75);
    expect(told.summary).toMatchObject({ status: 'interrupted' });
  });
});
