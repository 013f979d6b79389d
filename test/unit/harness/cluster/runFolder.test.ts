// Leftovers of a run that was killed together with its keeper.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createRunFolder } from '../../../harness/cluster/runFolder.ts';

let parent: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'run-folder-test-'));
});
afterEach(() => rm(parent, { recursive: true, force: true }));

async function endedPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid ?? 0;
}

it('the folder of an owner that is gone is removed, and what runs in it is killed', async () => {
  const left = join(parent, `outlook-sync-cluster-run-${await endedPid()}-1-abc`);
  await mkdir(left);
  const program = spawn('sleep', ['1000'], { cwd: left, detached: true, stdio: 'ignore' });
  const exit = once(program, 'exit');
  await createRunFolder(parent);
  expect(existsSync(left)).toBe(false);
  // Only Linux tells whose current folder it is.
  if (process.platform !== 'linux') program.kill('SIGKILL');
  expect(await exit).toEqual([null, 'SIGKILL']);
});

it('the folder of an owner that is there stays, and so does what has another name', async () => {
  const mine = await createRunFolder(parent);
  const other = join(parent, 'outlook-sync-something');
  await mkdir(other);
  await createRunFolder(parent);
  expect([existsSync(mine), existsSync(other)]).toEqual([true, true]);
});
