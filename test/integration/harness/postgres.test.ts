import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { freshDatabase } from '../../harness/database.ts';
import { type PostgresServer, startPostgres } from '../../harness/postgres.ts';
import { mayEnter } from '../../harness/postgresBinaries.ts';
import { createRunFolder, sweepRunFolders } from '../../harness/postgresFolders.ts';

const serverLine = z.object({ pid: z.int(), data: z.string() });

const ROOT = join(import.meta.dirname, '..', '..', '..');

async function queryValue(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return Object.values(rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
}

async function eventually(condition: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 300 && !condition(); tries += 1) await sleep(50);
  return condition();
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function runScript(
  script: string,
): Promise<{ output: string; code: number | null; signal: string | null }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  await once(child, 'close');
  return { output, code: child.exitCode, signal: child.signalCode };
}

describe('startPostgres', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ timeZone: 'Pacific/Auckland' });
  });
  afterAll(() => server.stop());

  it('starts the server in the time zone asked for, on loopback only', async () => {
    expect(await queryValue(server.url, 'SHOW TimeZone')).toBe('Pacific/Auckland');
    expect(await queryValue(server.url, 'SHOW listen_addresses')).toBe('127.0.0.1');
    expect(await queryValue(server.url, 'SHOW max_connections')).toBe('100');
  });

  it('refuses a wrong password', async () => {
    const url = new URL(server.url);
    url.password = 'wrong';
    await expect(queryValue(url.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it('creates databases that do not see each other, and refuses a name twice', async () => {
    const one = await server.createDatabase();
    const two = await server.createDatabase(`two ${one.name}`);
    await queryValue(one.url, 'CREATE TABLE only_here AS SELECT 1 AS x');
    expect(await queryValue(one.url, 'SELECT count(*)::int FROM only_here')).toBe(1);
    await expect(queryValue(two.url, 'SELECT * FROM only_here')).rejects.toMatchObject({ code: '42P01' });
    expect(await queryValue(two.url, 'SELECT current_database()')).toBe(two.name);
    await expect(server.createDatabase(two.name)).rejects.toMatchObject({ code: '42P04' });
  });
});

describe('the life of a server', () => {
  it('removes its files when it is stopped, and may be stopped twice', async () => {
    const server = await startPostgres();
    const data = String(await queryValue(server.url, 'SHOW data_directory'));
    expect(existsSync(data)).toBe(true);
    await server.stop();
    await server.stop();
    expect(existsSync(data)).toBe(false);
    expect(isAlive(server.pid)).toBe(false);
  });

  it('keeps databases in a persistent folder, under the same port and password', async () => {
    const folder = await mkdtemp('/tmp/outlook-sync-test-');
    try {
      const first = await startPostgres({ persistentDir: folder, fsync: true });
      await queryValue(first.url, 'CREATE TABLE kept AS SELECT 42 AS x');
      expect(await queryValue(first.url, 'SHOW fsync')).toBe('on');
      await first.stop();
      const second = await startPostgres({ persistentDir: folder, port: first.port });
      expect(second.url).toBe(first.url);
      expect(await queryValue(second.url, 'SELECT x FROM kept')).toBe(42);
      expect(await queryValue(second.url, 'SHOW fsync')).toBe('off');
      await second.stop();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('rejects with the log when the port is taken', async () => {
    const server = await startPostgres();
    try {
      await expect(startPostgres({ port: server.port })).rejects.toThrow('Address already in use');
    } finally {
      await server.stop();
    }
  });

  it.each([
    ['exits with a code of its own', 'process.exitCode = 7', { code: 7, signal: null }],
    ['is killed', "process.kill(process.pid, 'SIGKILL')", { code: null, signal: 'SIGKILL' }],
    ['is interrupted', "process.kill(process.pid, 'SIGINT')", { code: null, signal: 'SIGINT' }],
  ])('ends with its owner, which %s', async (_case, ending, expected) => {
    const script = `
      import pg from 'pg';
      import { startPostgres } from './test/harness/postgres.ts';
      const server = await startPostgres();
      const client = new pg.Client({ connectionString: server.url });
      await client.connect();
      const { rows } = await client.query('SHOW data_directory');
      await client.end();
      console.log(JSON.stringify({ pid: server.pid, data: rows[0].data_directory }));
      ${ending};`;
    const { output, code, signal } = await runScript(script);
    expect({ code, signal }).toEqual(expected);
    const { pid, data } = serverLine.parse(JSON.parse(output));
    expect(await eventually(() => !isAlive(pid) && !existsSync(data))).toBe(true);
  });
});

describe('sweepRunFolders', () => {
  let parent: string;
  beforeAll(async () => {
    parent = await mkdtemp('/tmp/outlook-sync-test-');
    await chmod(parent, 0o755);
  });
  afterAll(() => rm(parent, { recursive: true, force: true }));

  it('removes the folder of a process that is gone, and no other', async () => {
    const own = await createRunFolder(parent);
    const gone = join(parent, 'outlook-sync-postgres-run-4194999-1-abcdef');
    const foreign = join(parent, 'something-else-4194999-1-abcdef');
    await mkdir(join(gone, 'data'), { recursive: true });
    await mkdir(foreign);
    await sweepRunFolders(parent);
    expect([own, gone, foreign].map((path) => existsSync(path))).toEqual([true, false, true]);
  });

  it('stops a server whose owner and watcher are both gone, where it can be told from a stranger', async () => {
    const folder = join(parent, 'outlook-sync-postgres-run-4194999-2-abcdef');
    const server = await startPostgres({ persistentDir: folder });
    await sweepRunFolders(parent);
    const canTell = process.platform === 'linux';
    expect(existsSync(folder)).toBe(!canTell);
    await server.stop();
  });
});

describe('mayEnter', () => {
  const stranger = { uid: 65_533, gid: 65_533 };

  it('tells a path below a private folder from one that is open to all', async () => {
    const folder = await mkdtemp('/tmp/outlook-sync-test-');
    const inner = join(folder, 'inner');
    await mkdir(inner);
    await chmod(inner, 0o755);
    expect(await mayEnter(inner, stranger)).toBe(false);
    await chmod(folder, 0o711);
    expect(await mayEnter(inner, stranger)).toBe(true);
    await rm(folder, { recursive: true });
  });
});

describe('freshDatabase', () => {
  it('is empty, reads timestamps as UTC, and can be dropped while somebody is connected', async () => {
    const database = await freshDatabase();
    const [row] = await database.query('SELECT $1::timestamp AS at', ['2026-03-29 02:30:00.5']);
    expect(await database.query("SELECT FROM pg_tables WHERE schemaname = 'public'")).toEqual([]);
    expect(row?.['at']).toEqual(new Date('2026-03-29T02:30:00.500Z'));
    const other = new pg.Client({ connectionString: database.url });
    other.on('error', () => undefined);
    const lost = new Promise((done) => other.once('end', done));
    await other.connect();
    await database.drop();
    await lost;
    await expect(queryValue(database.url, 'SELECT 1')).rejects.toMatchObject({ code: '3D000' });
  });
});
