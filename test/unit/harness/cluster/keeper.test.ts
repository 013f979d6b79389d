// Processes that must not outlive their owner, however it ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';

const KEEPER = new URL('../../../harness/cluster/keeper.ts', import.meta.url).href;
const OWNER = `
  import { spawn } from 'node:child_process';
  const { startKeeper } = await import(process.argv[1]);
  const keeper = startKeeper(process.argv[2]);
  const pids = [1, 2].map(() => {
    const { pid } = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
    keeper.add(pid);
    return pid;
  });
  if (process.argv[3] === 'close') { keeper.remove(pids[0]); keeper.close(); }
  console.log(pids.join(' '));
  setInterval(() => {}, 1000);`;
let owner: ChildProcess | undefined;
let pids: number[] = [];

afterEach(() => {
  owner?.kill('SIGKILL');
  for (const pid of pids.filter(isRunning)) process.kill(pid, 'SIGKILL');
});

async function startOwner(folder: string, how: 'keep' | 'close'): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', OWNER, KEEPER, folder, how], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  owner = child;
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  pids = line.toString().trim().split(' ').map(Number);
  return child;
}

it.each(['SIGKILL', 'SIGTERM'] as const)(
  'end with it, and its folder is removed, after %s',
  async (signal) => {
    const folder = await mkdtemp(join(tmpdir(), 'keeper-test-'));
    const child = await startOwner(folder, 'keep');
    expect(pids.map(isRunning)).toEqual([true, true]);
    child.kill(signal);
    await expect.poll(() => pids.map(isRunning)).toEqual([false, false]);
    await expect.poll(() => existsSync(folder)).toBe(false);
  },
);

it('go on once they are no longer kept', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keeper-test-'));
  const child = await startOwner(folder, 'close');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(pids.map(isRunning)).toEqual([true, true]);
  expect(existsSync(folder)).toBe(true);
});

/** A zombie has ended; whoever adopted it may not have noticed. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
