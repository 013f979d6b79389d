// The built job in a process of its own, as a container runs it, and how much memory it took.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { monotonicMs } from '../clock.ts';
import { owner } from './run.ts';

export interface BuiltRun {
  /** When the process was told to start, by the clock of clock.ts. */
  readonly startedMs: number;
  readonly tookMs: number;
  /** The most memory that the process had at any time, MiB of resident set. */
  readonly peakMiB: number;
}

const limitMs = 540_000;

/**
 * Loaded before the job: tells its peak at its end, on descriptor 3. Linux counts the peak of a process from its
 * parent's if asked by getrusage, hence VmHWM.
 */
const tellPeak = `import { readFileSync, writeSync } from 'node:fs';
process.on('exit', () => {
  let kib = process.resourceUsage().maxRSS;
  try { kib = Number(/^VmHWM:\\s+(\\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]); } catch {}
  writeSync(3, String(kib));
});`;

const summarySchema = z.object({ status: z.literal('connected'), cursor: z.literal('Steady') });

/** Runs `job sync` to its end; rejects when it does not end with every cursor steady. */
export async function runBuiltJob(job: string, env: Readonly<Record<string, string>>): Promise<BuiltRun> {
  const startedMs = monotonicMs();
  const preload = `data:text/javascript,${encodeURIComponent(tellPeak)}`;
  const args = [
    '--import',
    preload,
    job,
    'sync',
    '--standalone',
    '--email',
    owner.email,
    '--user-id',
    owner.userId,
  ];
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    timeout: limitMs,
  });
  const [, stdout, , told] = child.stdio;
  if (stdout === null || !told || !('read' in told)) throw new Error('No pipes to the job');
  const [summary, peak] = await Promise.all([text(stdout), text(told), once(child, 'close')]);
  const tookMs = monotonicMs() - startedMs;
  const last = summary.trimEnd().split('\n').at(-1) ?? '';
  if (!summarySchema.safeParse(JSON.parse(last || '{}')).success) throw new Error(`The job said ${last}`);
  return { startedMs, tookMs, peakMiB: Number(peak) / 1024 };
}
