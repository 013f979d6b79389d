// The built job as a child process: started, told to stop, killed, and what it said.
import { spawn } from 'node:child_process';
import type { GraphSimulator } from './graph/simulator.ts';
import { jobBundle } from './jobBundle.ts';

export interface JobOutcome {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** The log: JSON lines. */
  readonly stderr: string;
  /** The last line on stdout, parsed; an empty object where there is none. */
  readonly summary: Readonly<Record<string, unknown>> & {
    readonly status?: string;
    readonly cursor?: string;
    readonly error?: { readonly code: string; readonly message: string };
  };
  /** The log, parsed. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
}

export interface RunningJob {
  readonly pid: number;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** The log so far. */
  readonly stderr: () => string;
  readonly outcome: Promise<JobOutcome>;
}

const limit = 120_000;

/** Only what is given here reaches the job, and the PATH. */
export function startJob(args: readonly string[], env: Readonly<Record<string, string>>): RunningJob {
  const inherited = { PATH: process.env['PATH'] ?? '' };
  const child = spawn(process.execPath, [jobBundle(), ...args], {
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => stdout.push(part));
  child.stderr.on('data', (part: Buffer) => stderr.push(part));
  const timer = setTimeout(() => child.kill('SIGKILL'), limit);
  const outcome = new Promise<JobOutcome>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve(told(code, signal, { stdout, stderr }));
    });
  });
  const kill = (signal: NodeJS.Signals): boolean => child.kill(signal);
  return { pid: child.pid ?? 0, kill, stderr: () => Buffer.concat(stderr).toString(), outcome };
}

export function runJob(args: readonly string[], env: Readonly<Record<string, string>>): Promise<JobOutcome> {
  return startJob(args, env).outcome;
}

function told(
  code: number | null,
  signal: NodeJS.Signals | null,
  output: { stdout: Buffer[]; stderr: Buffer[] },
): JobOutcome {
  const stdout = Buffer.concat(output.stdout).toString();
  const stderr = Buffer.concat(output.stderr).toString();
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  const summary = last.startsWith('{') ? (JSON.parse(last) as JobOutcome['summary']) : {};
  const log = stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { code, signal, stdout, stderr, summary, log };
}

/** An environment with which the job syncs a simulated mailbox; no jitter and short waits, for tests. */
export function jobEnvironment(
  simulator: Pick<GraphSimulator, 'clientId' | 'clientSecret' | 'graphBaseUrl' | 'tokenUrl'>,
  databaseUrl: string,
  refreshToken: string,
): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    OUTLOOK_CLIENT_ID: simulator.clientId,
    OUTLOOK_CLIENT_SECRET: simulator.clientSecret,
    OUTLOOK_GRAPH_BASE_URL: simulator.graphBaseUrl,
    OUTLOOK_TOKEN_URL: simulator.tokenUrl,
    OUTLOOK_TOKEN_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
    OUTLOOK_REFRESH_TOKEN: refreshToken,
    OUTLOOK_SYNC_DELTA_PAGE_LIMIT: '20',
    OUTLOOK_SYNC_SCHEDULER_JITTER_MS: '0',
    OUTLOOK_SYNC_SCHEDULER_RETRY_BACKOFF_MS: '50',
  };
}

/** The arguments of a standalone sync. */
export function syncArguments(email: string, userId = 'user-1', more: readonly string[] = []): string[] {
  return ['sync', '--standalone', '--email', email, '--user-id', userId, ...more];
}
