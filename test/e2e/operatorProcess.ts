// An operator as it is shipped, in a process of its own, as its own service account.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

export interface OperatorProcess {
  readonly identity: string;
  readonly pid: number;
  readonly isRunning: () => boolean;
  /** The log so far, parsed. */
  readonly log: () => readonly Readonly<Record<string, unknown>>[];
  /** Resolves when the operator leads; rejects when it ends before that. */
  readonly leads: () => Promise<void>;
  /** Resolves when its caches are filled, whoever leads; rejects when it ends before that. */
  readonly isStandingBy: () => Promise<void>;
  /** The text of /metrics. */
  readonly metrics: () => Promise<string>;
  /** HTTP status of a path such as /readyz; 0 when nobody answers. */
  readonly probe: (path: string) => Promise<number>;
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Resolves with the exit code when the process has ended; null when a signal ended it. */
  readonly ended: () => Promise<number | null>;
  /** Sends the signal and resolves with the exit code as ended() does. */
  readonly kill: (signal: 'SIGTERM' | 'SIGKILL') => Promise<number | null>;
}

const START_MS = 60_000;
const POLL_MS = 50;

export function startOperator(
  bundle: string,
  identity: string,
  env: Readonly<Record<string, string>>,
): OperatorProcess {
  const child = spawn(process.execPath, [bundle], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const told: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (part: string) => told.push(part));
  const ended = once(child, 'close');
  ended.catch(() => undefined);
  const log = (): Record<string, unknown>[] => linesOf(told.join(''));
  // A log of thousands of lines is not to be read for each question.
  let port: number | undefined;
  const scrape = async (path: string): Promise<Response | undefined> => {
    port ??= log()
      .map((line) => line['port'])
      .find((one) => typeof one === 'number');
    if (port === undefined) return undefined;
    return fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(5_000) }).catch(
      () => undefined,
    );
  };
  const metrics = async (): Promise<string> =>
    (await (await scrape('/metrics'))?.text().catch(() => '')) ?? '';
  return {
    identity,
    pid: child.pid ?? 0,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    log,
    leads: () =>
      until(child, told, async () => /^leader_election_master_status\{[^}]*\} 1$/m.test(await metrics())),
    isStandingBy: () => until(child, told, async () => (await scrape('/readyz'))?.status === 200),
    metrics,
    probe: async (path) => (await scrape(path))?.status ?? 0,
    signal: (signal) => {
      child.kill(signal);
    },
    ended: async () => {
      await ended;
      return child.exitCode;
    },
    kill: async (signal) => {
      child.kill(signal);
      await ended;
      return child.exitCode;
    },
  };
}

/** A process can only be asked again and again. */
async function until(
  child: ChildProcess,
  told: readonly string[],
  condition: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + START_MS;
  while (!(await condition())) {
    const isOver = child.exitCode !== null || child.signalCode !== null || performance.now() > deadline;
    if (isOver) throw new Error(`The operator does not come up: ${told.join('').slice(-4_000)}`);
    await sleep(POLL_MS);
  }
}

function linesOf(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
