// The temporary folder of one control plane, and what becomes of it when its owner and its keeper are both killed.
//
// The folder's name holds the process that made it, so that a later run can tell a leftover from one in use. Programs
// run with the folder as their current one and name it on no other way, which is how a leftover is known as one.
import { mkdtemp, readFile, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'outlook-sync-cluster-run';
const RUN_FOLDER = new RegExp(`^${PREFIX}-(\\d+)-(\\d+)-`);

/** Makes a folder that only this user may enter, having removed those of owners that are gone. */
export async function createRunFolder(parent: string = tmpdir()): Promise<string> {
  await sweep(parent);
  return mkdtemp(join(parent, `${PREFIX}-${process.pid}-${await startTime(process.pid)}-`));
}

async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const [, pid, started] = RUN_FOLDER.exec(name) ?? [];
    if (pid === undefined || started === undefined) continue;
    if (isAlive(Number(pid)) && (await startTime(Number(pid))) === started) continue;
    const folder = join(parent, name);
    await killThoseIn(folder);
    // Another run may be removing it as well.
    await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
  }
}

/** Kills the processes whose current folder this is; only Linux tells which these are. */
async function killThoseIn(folder: string): Promise<void> {
  if (process.platform !== 'linux') return;
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const current = await readlink(join('/proc', entry, 'cwd')).catch(() => '');
    if (current === folder) kill(Number(entry));
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** When a process started, in clock ticks since boot (proc(5), field 22 of stat); "0" where that cannot be read. */
async function startTime(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field is the command's name in parentheses and may hold blanks.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
}
