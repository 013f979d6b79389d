// Where a Postgres server of the tests keeps its files, and what becomes of them when their owner is killed.
//
// Layout: `<folder>/data` is the cluster, `<folder>/password` the superuser's password. A temporary folder's name
// holds the process that started the server, so that a later run can tell a leftover from a server in use.
import { chmod, chown, mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from './postgresBinaries.ts';

const PREFIX = 'outlook-sync-postgres-run';
const RUN_FOLDER = new RegExp(`^${PREFIX}-(\\d+)-(\\d+)-`);
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 50;

/** Creates a folder for one server below `parent`, to be removed with the server. */
export async function createRunFolder(parent: string): Promise<string> {
  return mkdtemp(join(parent, `${PREFIX}-${process.pid}-${await startTime(process.pid)}-`));
}

/** Makes `folder` fit for a cluster that `account` owns: `data` exists, and the account may enter it. */
export async function prepareFolder(folder: string, account: Account | undefined): Promise<void> {
  const data = join(folder, 'data');
  await mkdir(data, { recursive: true, mode: 0o700 });
  if (account === undefined) return;
  await chmod(folder, 0o711);
  await chown(data, account.uid, account.gid);
}

/** Stops the servers and removes the temporary folders below `parent` whose starting process is gone. */
export async function sweepRunFolders(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const [, pid, started] = RUN_FOLDER.exec(name) ?? [];
    if (pid === undefined || started === undefined) continue;
    if (isAlive(Number(pid)) && (await startTime(Number(pid))) === started) continue;
    const folder = join(parent, name);
    // The server's own folder may still be in the hands of the watcher that removes it.
    if (await stopServerOf(folder)) await rm(folder, { recursive: true, force: true });
  }
}

/** Whether nothing serves the folder any more, a server left over having been stopped. */
async function stopServerOf(folder: string): Promise<boolean> {
  const pid = Number((await readIfPresent(join(folder, 'data', 'postmaster.pid'))).split('\n')[0]);
  if (!isAlive(pid)) return true;
  if (process.platform !== 'linux') return false;
  // Process ids are reused: only a process that names this folder is its server.
  const commandLine = await readIfPresent(`/proc/${pid}/cmdline`);
  if (!commandLine.includes(join(folder, 'data'))) return true;
  process.kill(pid, 'SIGQUIT');
  return waitUntil(() => !isAlive(pid), STOP_TIMEOUT_MS);
}

/** Polls until `condition` holds; false when it did not within the time. */
async function waitUntil(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** When a process started, in clock ticks since boot (proc(5), field 22 of stat); "0" where that cannot be read. */
async function startTime(pid: number): Promise<string> {
  const stat = await readIfPresent(`/proc/${pid}/stat`);
  // The second field is the command's name in parentheses and may hold blanks.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
}

async function readIfPresent(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return '';
  }
}
