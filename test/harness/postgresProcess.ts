// Runs Postgres' programs: creates a cluster, starts the server, and sees to it that it never outlives its owner.
//
// The server is watched by a shell that waits for the end of a pipe from this process. However this process ends,
// by exit, signal or SIGKILL, the pipe closes, and the shell stops the server and removes its files. So nothing
// here listens to signals or exits, and exit codes stay what they are.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Account } from './postgresBinaries.ts';

const READY = 'database system is ready to accept connections';
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
const LOG_CHARS = 8_000;

const WATCHER = `
read -r word
[ "$word" = stopped ] && exit 0
kill -QUIT "$1" 2>/dev/null
tries=0
while [ -e "$2/data/postmaster.pid" ] && [ "$tries" -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
[ "$3" = keep ] || rm -rf -- "$2"
`;

export interface Installation {
  /** Folder with `bin/initdb` and `bin/postgres`. */
  readonly binaries: string;
  /** Folder with the cluster in `data`. */
  readonly folder: string;
  /** Whom the programs run as; undefined: as this process does. */
  readonly account: Account | undefined;
}

export interface RunningServer {
  readonly pid: number;
  /** Ends all sessions and stops the server; bounded, and harmless when it has ended already. */
  readonly stop: () => Promise<void>;
}

/** Creates the cluster with the superuser `postgres`, whose password is the content of `passwordFile`. */
export async function createCluster(installation: Installation, passwordFile: string): Promise<void> {
  const child = spawnProgram(installation, 'initdb', [
    `--pgdata=${join(installation.folder, 'data')}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // The same sort order on every platform.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--no-sync',
  ]);
  const log = collectLog(child);
  await once(child, 'close');
  if (child.exitCode !== 0) throw new Error(`initdb failed:\n${log()}`);
}

/**
 * Starts the server and resolves when it accepts connections. `keepFolder`: the folder stays when the owner ends.
 * Rejects with the server's log when it ends first or takes longer than a minute.
 */
export async function startServer(
  installation: Installation,
  args: readonly string[],
  keepFolder: boolean,
): Promise<RunningServer> {
  const child = spawnProgram(installation, 'postgres', ['-D', join(installation.folder, 'data'), ...args]);
  const log = collectLog(child);
  const { pid } = child;
  if (pid === undefined)
    throw new Error('Postgres could not be started', { cause: await once(child, 'error') });
  const watcher = watch(pid, installation.folder, keepFolder);
  child.once('exit', () => watcher.stdin?.end('stopped\n'));
  try {
    await untilReady(child, log);
  } catch (error) {
    await stopServer(child);
    throw error;
  }
  // An owner that has nothing left to do may end without stopping the server.
  child.unref();
  if (child.stderr instanceof Socket) child.stderr.unref();
  return { pid, stop: () => stopServer(child) };
}

function spawnProgram(installation: Installation, program: string, args: readonly string[]): ChildProcess {
  return spawn(join(installation.binaries, 'bin', program), args, {
    ...installation.account,
    // A current folder that the account may not enter would be an error.
    cwd: installation.folder,
    // Postgres reads many variables (PGDATA, PGOPTIONS, TZ, LC_ALL); it gets none of the user's.
    env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
    // A session of its own: Ctrl-C is for the owner, which may need the server for its own end.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

function watch(pid: number, folder: string, keepFolder: boolean): ChildProcess {
  const args = ['-c', WATCHER, 'watcher', String(pid), folder, keepFolder ? 'keep' : 'remove'];
  const watcher = spawn('/bin/sh', args, { cwd: '/', detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  watcher.unref();
  if (watcher.stdin instanceof Socket) watcher.stdin.unref();
  return watcher;
}

/** Reads the program's stderr to its end, as a full pipe would stop it, and keeps the last of it. */
function collectLog(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-LOG_CHARS);
  });
  return () => text;
}

async function untilReady(child: ChildProcess, log: () => string): Promise<void> {
  const tooLate = AbortSignal.timeout(START_TIMEOUT_MS);
  const ended = new AbortController();
  child.once('close', () => {
    ended.abort();
  });
  const signal = AbortSignal.any([tooLate, ended.signal]);
  while (!log().includes(READY)) {
    try {
      if (child.stderr === null) throw new Error('No stderr');
      await once(child.stderr, 'data', { signal });
    } catch (cause) {
      throw new Error(`Postgres did not start:\n${log()}`, { cause });
    }
  }
}

/** First without waiting for clients to leave, then without a checkpoint, then at once. */
async function stopServer(child: ChildProcess): Promise<void> {
  child.ref();
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit', { signal: AbortSignal.timeout(STOP_TIMEOUT_MS) });
    child.kill(signal);
    await exit.catch(() => undefined);
  }
}
