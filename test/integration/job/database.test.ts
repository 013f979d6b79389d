// A database that is away, closed, missing, read-only or not migrated: 75, with the cause named and no password told.
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { pipeline } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../harness/database.ts';
import { runJob } from '../../harness/job.ts';
import { openScene, type Scene } from './scene.ts';

let scene: Scene;
let blackHole: Server;

beforeAll(async () => {
  scene = await openScene();
  blackHole = createServer((socket) => socket.on('error', () => undefined));
  blackHole.listen(0, '127.0.0.1');
  await once(blackHole, 'listening');
});

afterAll(async () => {
  blackHole.close();
  await scene.close();
});

function portOf(server: Server): string {
  const bound = server.address();
  return String(typeof bound === 'object' ? (bound?.port ?? 0) : 0);
}

/** The scene's database URL, changed. */
function url(change: (url: URL) => void): string {
  const changed = new URL(scene.database.url);
  change(changed);
  return changed.href;
}

const unreachable: [what: string, code: string, url: () => string][] = [
  ['does not listen', 'DatabaseUnreachable', () => url((one) => (one.port = '1'))],
  ['has no such host', 'DatabaseUnreachable', () => url((one) => (one.hostname = 'database.invalid'))],
  ['never answers', 'DatabaseUnreachable', () => url((one) => (one.port = portOf(blackHole)))],
  [
    'refuses the password',
    'DatabaseAuthenticationFailed',
    () => url((one) => (one.password = encodeURIComponent('wrong pass-phrase: ü%'))),
  ],
  ['knows no such role', 'DatabaseAuthenticationFailed', () => url((one) => (one.username = 'nobody-here'))],
  ['does not have this database', 'DatabaseMissing', () => url((one) => (one.pathname = '/nothing_here'))],
  ['speaks no TLS', 'DatabaseTlsFailed', () => url((one) => one.searchParams.set('sslmode', 'require'))],
];

describe.concurrent('a server that', () => {
  it.each(unreachable)('%s ends the sync with 75 and %s', async (_what, code, urlOf) => {
    const user = scene.addUser();
    const env = { DATABASE_URL: urlOf(), OUTLOOK_SYNC_SCHEDULER_RETRIES: '0' };
    const outcome = await user.sync({ env });
    expect(outcome.summary, outcome.stderr).toMatchObject({
      status: 'error',
      error: { code },
      cursor: 'None',
    });
    expect(outcome.code).toBe(75);
    expect(outcome.summary.error?.message).toMatch(/database/i);
  });

  it.each(unreachable.slice(0, 1))('%s ends a migration with 75 and %s', async (_what, code, urlOf) => {
    const outcome = await runJob(['migrate'], { DATABASE_URL: urlOf() });
    expect(outcome.code, outcome.stderr).toBe(75);
    expect(outcome.summary).toMatchObject({ status: 'error', error: { code } });
  });

  it('does not listen is tried as often as configured', async () => {
    const env = { DATABASE_URL: url((one) => (one.port = '1')), OUTLOOK_SYNC_SCHEDULER_RETRIES: '2' };
    const { summary, code } = await scene.addUser().sync({ env });
    expect({ code, attempts: summary['attempts'] }).toEqual({ code: 75, attempts: 3 });
  });

  it('turns away the first connection costs one attempt', async () => {
    const target = new URL(scene.database.url);
    let visitors = 0;
    const door = createServer((client) => {
      client.on('error', () => undefined);
      visitors += 1;
      if (visitors === 1) client.resetAndDestroy();
      else pipeline(client, connect(Number(target.port), target.hostname), client, () => undefined);
    });
    door.listen(0, '127.0.0.1');
    await once(door, 'listening');
    try {
      const env = { DATABASE_URL: url((one) => (one.port = portOf(door))) };
      const { summary, stderr } = await scene.addUser({ messages: 3 }).sync({ env });
      expect(summary, stderr).toMatchObject({ status: 'connected', attempts: 2 });
    } finally {
      door.close();
    }
  });
});

describe('a database that', () => {
  it('is read-only ends the sync with 75, named, and asks Microsoft nothing', async () => {
    const database = await freshDatabase();
    try {
      await runJob(['migrate'], { DATABASE_URL: database.url });
      await database.query(`ALTER DATABASE "${database.name}" SET default_transaction_read_only TO on`);
      scene.graph.clearRequests();
      const outcome = await scene.addUser().sync({ env: { DATABASE_URL: database.url } });
      expect(outcome.summary, outcome.stderr).toMatchObject({
        status: 'error',
        error: { code: 'DatabaseReadOnly' },
      });
      expect(outcome.code).toBe(75);
      expect(outcome.summary.error?.message).toMatch(/read-only/);
      expect(scene.graph.tokenRequests.length + scene.graph.requests.length).toBe(0);
    } finally {
      await database.drop();
    }
  });

  it('is read-only ends a migration with 75, named', async () => {
    const database = await freshDatabase();
    try {
      await database.query(`ALTER DATABASE "${database.name}" SET default_transaction_read_only TO on`);
      const outcome = await runJob(['migrate'], { DATABASE_URL: database.url });
      expect(outcome.code, outcome.stderr).toBe(75);
      expect(outcome.summary).toMatchObject({ error: { code: 'DatabaseReadOnly' } });
    } finally {
      await database.drop();
    }
  });

  it('is not migrated ends the sync with 75, saying what to run; the sync migrates nothing', async () => {
    const database = await freshDatabase();
    try {
      const outcome = await scene.addUser().sync({ env: { DATABASE_URL: database.url } });
      expect(outcome.summary, outcome.stderr).toMatchObject({
        status: 'error',
        error: { code: 'DatabaseNotMigrated' },
      });
      expect(outcome.code).toBe(75);
      expect(outcome.summary.error?.message).toContain('migrate');
      expect(await database.query("SELECT FROM pg_class WHERE relname LIKE '%outlook%'")).toEqual([]);
    } finally {
      await database.drop();
    }
  });

  it('is one step behind ends the sync with 75, too', async () => {
    const database = await freshDatabase();
    try {
      await runJob(['migrate'], { DATABASE_URL: database.url });
      const newest = '(SELECT max("version") FROM outlook_sync_migrations)';
      await database.query(`DELETE FROM outlook_sync_migrations WHERE "version" = ${newest}`);
      const outcome = await scene.addUser().sync({ env: { DATABASE_URL: database.url } });
      expect(outcome.summary.error, outcome.stderr).toMatchObject({ code: 'DatabaseNotMigrated' });
    } finally {
      await database.drop();
    }
  });

  it('grants the role too little ends the sync with 75, without its password', async () => {
    await scene.database.query(`CREATE ROLE "${scene.database.name}_poor" LOGIN PASSWORD 'poor-pass-phrase'`);
    const env = {
      DATABASE_URL: url((one) => {
        one.username = `${scene.database.name}_poor`;
        one.password = 'poor-pass-phrase';
      }),
    };
    const outcome = await scene.addUser().sync({ env });
    await scene.database.query(`DROP ROLE "${scene.database.name}_poor"`);
    expect(outcome.code, outcome.stderr).toBe(75);
    expect(outcome.summary.error?.message).toMatch(/42501|privilege|permission|may not/);
  });
});
