// Runs the job the way a person does: what `npm run job` stands for in package.json, in a process of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Summary } from '../job/result.ts';

const ROOT = join(import.meta.dirname, '..');
const LIMIT_MS = 120_000;
const GRACE_MS = 5_000;

/** One line of the job's log. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface JobRequest {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly onLog?: (line: LogLine) => void;
}

export interface JobOutcome {
  /** The last line on stdout, as it was written. */
  readonly lastLine: string;
  /** The same, parsed. Of a migration it has `status` only. */
  readonly summary: Partial<Summary>;
}

/** The command as a person types it. */
export const shownCommand = (args: readonly string[]): string => `npm run job -- ${args.join(' ')}`;

/**
 * Runs the job to its end.
 * Rejects when it does not exit with 0, with the end of its log; or as soon as `signal` aborts and it has ended.
 */
export async function runJob({ args, environment, signal, onLog }: JobRequest): Promise<JobOutcome> {
  const child = spawn(process.execPath, [...jobScript(), ...args], {
    cwd: ROOT,
    // Whatever of a real mailbox the caller's environment holds must not get here.
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: string[] = [];
  const printed: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    log.push(line);
    const parsed = parseLog(line);
    if (parsed) onLog?.(parsed);
  });
  createInterface({ input: child.stdout }).on('line', (line) => printed.push(line));
  const code = await ended(child, signal);
  signal.throwIfAborted();
  if (code !== 0) {
    const end = [...printed, ...log].slice(-12).join('\n');
    throw new Error(`"${shownCommand(args)}" ended with ${code ?? 'a signal'}; its last lines:\n${end}`);
  }
  const lastLine = printed.at(-1) ?? '';
  return { lastLine, summary: JSON.parse(lastLine) as Partial<Summary> };
}

/** The words after `node` in the script that `npm run job` runs: it is started without npm, so that it can be stopped. */
function jobScript(): string[] {
  const manifest = z.object({ scripts: z.object({ job: z.string() }) });
  const { scripts } = manifest.parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')));
  const [program, ...words] = scripts.job.split(' ');
  if (program !== 'node') throw new Error(`"npm run job" is not started by node: ${scripts.job}`);
  return words;
}

function parseLog(line: string): LogLine | undefined {
  return line.startsWith('{') ? (JSON.parse(line) as LogLine) : undefined;
}

/** The exit code, null after a signal. The child never outlives the wait. */
async function ended(child: ChildProcess, signal: AbortSignal): Promise<number | null> {
  let force: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill('SIGTERM');
    force = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
  };
  const limit = setTimeout(stop, LIMIT_MS);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
  } finally {
    clearTimeout(limit);
    clearTimeout(force);
    signal.removeEventListener('abort', stop);
  }
}
