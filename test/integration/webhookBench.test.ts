// The webhook's benchmark runs, from end to end, on so little load that it measures nothing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { SHARED_START_TIMEOUT_MS } from '../harness/cluster/shared.ts';

const ROOT = join(import.meta.dirname, '..', '..');

it(
  'webhook measures every figure',
  async () => {
    const command = ['scripts/run.mjs', 'test/bench/main.ts', 'webhook', '--quick', '--json'];
    const child = spawn(process.execPath, command, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    expect(child.exitCode, stderr).toBe(0);
    const figures = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
    expect(Object.keys(figures).sort()).toEqual([
      'webhook.notificationToJobMs',
      'webhook.p99Ms',
      'webhook.rpsVsBareNode',
    ]);
    for (const value of Object.values(figures)) expect(value).toSatisfy(Number.isFinite);
  },
  SHARED_START_TIMEOUT_MS,
);
