// The benchmarks run, from end to end, on a mailbox that is too small to measure anything.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const limitMs = 150_000;

async function bench(...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const command = [join(ROOT, 'scripts', 'run.mjs'), join(ROOT, 'test', 'bench', 'main.ts'), ...args];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'], timeout: limitMs });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<unknown[]>,
  ]);
  return { code, stdout, stderr };
}

it(
  'sync measures every figure and tells it as a number',
  async () => {
    const { code, stdout, stderr } = await bench('sync', '--quick', '--json', '--messages', '1000');
    expect(code, stderr).toBe(0);
    const last = stdout.trimEnd().split('\n').at(-1) ?? '';
    const figures = JSON.parse(last) as Record<string, unknown>;
    expect(Object.keys(figures).sort()).toEqual([
      'sync.endToEndVsFloor',
      'sync.idleRssMiB',
      'sync.replayRowsRewritten',
      'sync.requestsPerPage',
      'sync.rssGrowth',
      'sync.rssMiB',
      'sync.startVsNode',
      'sync.statementsPerPage',
      'sync.vsPerMessage',
      'sync.vsPerMessageAt1ms',
    ]);
    for (const value of Object.values(figures)) expect(value).toSatisfy(Number.isFinite);
    expect(figures['sync.replayRowsRewritten']).toBe(0);
    expect(stdout).toContain('QUICK');
  },
  limitMs,
);

it('an unknown benchmark is refused as a mistake in usage', async () => {
  const { code, stdout, stderr } = await bench('nothing');
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
  expect(stderr).toContain('There is no benchmark "nothing", but: sync');
});
