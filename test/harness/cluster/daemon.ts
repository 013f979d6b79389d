// One program of the control plane: started, stopped, started again with the same arguments, held still.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Keeper } from './keeper.ts';

// The API server would wait a minute for those who watch, and these do not leave.
const STOP_TIMEOUT_MS = 2_000;
const LOG_CHARS = 4_000;

export interface DaemonCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** Its current folder, where also its log goes, named as the program. */
  readonly folder: string;
  readonly keeper: Keeper;
}

export interface Daemon {
  readonly name: string;
  /** Of the last start. */
  readonly pid: () => number;
  readonly start: () => Promise<void>;
  /** Asks it to end, and kills it after two seconds; harmless when it has ended. */
  readonly stop: () => Promise<void>;
  /** Ends it as a crash does. */
  readonly kill: () => Promise<void>;
  /** Holds it still with its connections open, as a hung machine looks from afar. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Throws with the end of its log when it has ended by itself. */
  readonly assertRunning: () => Promise<void>;
}

/** Does not start it yet. */
export function daemon({ file, args, folder, keeper }: DaemonCommand): Daemon {
  const name = basename(file);
  const logFile = join(folder, `${name}.log`);
  let child: ChildProcess | undefined;

  const end = async (signals: readonly NodeJS.Signals[]): Promise<void> => {
    for (const signal of signals) {
      if (child === undefined || hasEnded(child)) return;
      const exit = once(child, 'exit', { signal: AbortSignal.timeout(STOP_TIMEOUT_MS) });
      child.ref();
      // A process that is held still does not see SIGTERM.
      child.kill('SIGCONT');
      child.kill(signal);
      await exit.catch(() => undefined);
    }
  };

  return {
    name,
    pid: () => child?.pid ?? 0,
    start: async () => {
      child = await launch({ file, args, folder, keeper }, logFile);
    },
    stop: () => end(['SIGTERM', 'SIGKILL']),
    kill: () => end(['SIGKILL']),
    pause: () => child?.kill('SIGSTOP'),
    resume: () => child?.kill('SIGCONT'),
    assertRunning: async () => {
      if (child !== undefined && !hasEnded(child)) return;
      const log = await readFile(logFile, 'utf8').catch(() => '');
      throw new Error(`${name} has ended:\n${log.slice(-LOG_CHARS)}`);
    },
  };
}

async function launch({ file, args, folder, keeper }: DaemonCommand, logFile: string): Promise<ChildProcess> {
  const log = await open(logFile, 'a');
  const child = spawn(file, args, {
    cwd: folder,
    // Proxies and Kubernetes settings of the user's are not for it.
    env: { PATH: process.env['PATH'], HOME: folder, TZ: 'UTC' },
    // A group of its own: Ctrl-C is for the owner, which may need it for its own end.
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  const { pid } = child;
  if (pid === undefined) {
    const [cause] = (await once(child, 'error')) as unknown[];
    await log.close();
    throw new Error(`${file} could not be started`, { cause });
  }
  await log.close();
  keeper.add(pid);
  child.once('exit', () => {
    keeper.remove(pid);
  });
  // An owner that has nothing left to do may end without stopping it; the keeper will.
  child.unref();
  return child;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
