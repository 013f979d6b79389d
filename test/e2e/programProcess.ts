// A program as it is shipped, in a process of its own: what it says, what it answers, and its end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProgramProcess {
  readonly pid: number;
  readonly isRunning: () => boolean;
  /** The log so far, parsed. */
  readonly log: () => readonly Readonly<Record<string, unknown>>[];
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Resolves with the exit code when the process has ended; null when a signal ended it. */
  readonly ended: () => Promise<number | null>;
  /** Sends the signal and resolves with the exit code as ended() does. */
  readonly kill: (signal: 'SIGTERM' | 'SIGKILL') => Promise<number | null>;
}

export interface StartedProgram extends ProgramProcess {
  /** A number that its log has under this name, such as a port; undefined until then. */
  readonly told: (name: string) => number | undefined;
  /** The answer at a port that its log has under a name; undefined when nobody answers. */
  readonly ask: (portName: string, path: string) => Promise<Response | undefined>;
  /** Resolves when the condition holds; rejects with its log when it ends before that, or after a minute. */
  readonly until: (condition: () => Promise<boolean>) => Promise<void>;
}

const START_MS = 60_000;
const POLL_MS = 50;
const ANSWER_MS = 5_000;

/** Only what is given here reaches it, and the PATH. */
export function startProgram(bundle: string, env: Readonly<Record<string, string>>): StartedProgram {
  const child = spawn(process.execPath, [bundle], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const parts: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (part: string) => parts.push(part));
  const ended = once(child, 'close');
  ended.catch(() => undefined);
  const log = (): Record<string, unknown>[] => linesOf(parts.join(''));
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  // A log of thousands of lines is not to be read for each question.
  const numbers = new Map<string, number>();
  const told = (name: string): number | undefined => {
    const known = numbers.get(name);
    if (known !== undefined) return known;
    const found = log()
      .map((line) => line[name])
      .find((one) => typeof one === 'number');
    if (found !== undefined) numbers.set(name, found);
    return found;
  };
  return {
    pid: child.pid ?? 0,
    isRunning,
    log,
    told,
    ask: async (portName, path) => {
      const port = told(portName);
      if (port === undefined) return undefined;
      const limit = { signal: AbortSignal.timeout(ANSWER_MS) };
      return fetch(`http://127.0.0.1:${port}${path}`, limit).catch(() => undefined);
    },
    until: async (condition) => {
      const deadline = performance.now() + START_MS;
      // A process can only be asked again and again.
      while (!(await condition())) {
        if (!isRunning() || performance.now() > deadline)
          throw new Error(`${bundle} does not come up: ${parts.join('').slice(-4_000)}`);
        await sleep(POLL_MS);
      }
    },
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

/** For whoever wants to know more: OUTLOOK_SYNC_E2E_LOGS names a folder. */
export async function keepLogs(
  namespace: string,
  programs: Readonly<Record<string, ProgramProcess>>,
): Promise<void> {
  const folder = process.env['OUTLOOK_SYNC_E2E_LOGS'];
  if (folder === undefined) return;
  for (const [name, { log }] of Object.entries(programs)) {
    const lines = log().map((line) => JSON.stringify(line));
    await writeFile(join(folder, `${namespace}-${name}.log`), `${lines.join('\n')}\n`);
  }
}

function linesOf(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
