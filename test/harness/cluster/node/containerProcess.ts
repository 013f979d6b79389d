// One run of a container: a process, its log, its memory, and how it ended.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open, readFile, rm, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import type { Keeper } from '../keeper.ts';
import { type Launch, terminationFile } from './containerLaunch.ts';
import { watchMemory } from './memoryLimit.ts';
import { terminationMessage } from './terminationMessage.ts';

export interface ContainerEnd {
  readonly exitCode: number;
  readonly reason: 'Completed' | 'Error' | 'OOMKilled' | 'StartError';
  readonly message: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

export interface ContainerProcess {
  readonly startedAt: Date;
  readonly ended: Promise<ContainerEnd>;
  /** SIGTERM to the process, and SIGKILL to all of its group after the grace; with a grace of 0 at once. */
  readonly stop: (graceSeconds: number) => void;
}

export interface ContainerRun {
  readonly launch: Launch;
  /** The container's own folder; its log is appended to `log` there. */
  readonly folder: string;
  readonly memoryBytes: number | undefined;
  readonly fallbackToLogs: boolean;
  readonly keeper: Keeper;
}

// As containerd reports a command that could not be started, and the kernel a process that was killed.
const EXIT_START_ERROR = 128;
const EXIT_SIGNAL_BASE = 128;

const pidFile = (folder: string): string => `${folder}/pid`;

/** Sends a signal to the first process of the container whose folder this is; throws when none runs. */
export async function signalContainer(folder: string, signal: NodeJS.Signals): Promise<void> {
  process.kill(Number(await readFile(pidFile(folder), 'utf8')), signal);
}

/** Resolves to the running process, or to how it failed to start. */
export async function startContainer(run: ContainerRun): Promise<ContainerProcess | ContainerEnd> {
  const { launch, folder, keeper } = run;
  await rm(terminationFile(folder), { force: true });
  const log = await open(`${folder}/log`, 'a+');
  const logStart = (await log.stat()).size;
  const startedAt = new Date();
  const child = spawn(launch.file, launch.args, {
    cwd: launch.cwd,
    env: { ...launch.env },
    // A group of its own, which ends with its first process as a container does.
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  const { pid } = child;
  if (pid === undefined) {
    const [error] = (await once(child, 'error')) as unknown[];
    await log.close();
    return startError(launch, error, startedAt);
  }
  keeper.add(pid);
  const running = superviseProcess(run, { child, pid, startedAt, log, logStart });
  await writeFile(pidFile(folder), String(pid));
  return running;
}

interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly startedAt: Date;
  readonly log: FileHandle;
  readonly logStart: number;
}

function superviseProcess(run: ContainerRun, started: Started): ContainerProcess {
  const { child, pid, startedAt } = started;
  let isOutOfMemory = false;
  let killTimer: NodeJS.Timeout | undefined;
  const { memoryBytes } = run;
  const stopWatching =
    memoryBytes === undefined
      ? undefined
      : watchMemory(pid, memoryBytes, () => {
          isOutOfMemory = true;
          killGroup(pid);
        });
  const ended = once(child, 'exit').then(async () => {
    clearTimeout(killTimer);
    stopWatching?.();
    killGroup(pid);
    run.keeper.remove(pid);
    return endOf(run, started, isOutOfMemory);
  });
  return {
    startedAt,
    ended,
    stop: (graceSeconds) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      clearTimeout(killTimer);
      if (graceSeconds > 0) child.kill('SIGTERM');
      else killGroup(pid);
      killTimer = setTimeout(() => {
        killGroup(pid);
      }, graceSeconds * 1000);
    },
  };
}

async function endOf(run: ContainerRun, started: Started, isOutOfMemory: boolean): Promise<ContainerEnd> {
  const { child, startedAt, log, logStart } = started;
  const signal = child.signalCode === null ? 0 : constants.signals[child.signalCode];
  const exitCode = child.exitCode ?? EXIT_SIGNAL_BASE + signal;
  const fallback = run.fallbackToLogs && exitCode !== 0 ? { log, from: logStart } : undefined;
  const message = await terminationMessage(terminationFile(run.folder), fallback);
  await log.close();
  return { exitCode, reason: reasonOf(exitCode, isOutOfMemory), message, startedAt, finishedAt: new Date() };
}

function reasonOf(exitCode: number, isOutOfMemory: boolean): ContainerEnd['reason'] {
  if (isOutOfMemory) return 'OOMKilled';
  return exitCode === 0 ? 'Completed' : 'Error';
}

function startError({ file }: Launch, error: unknown, startedAt: Date): ContainerEnd {
  const why = error instanceof Error ? error.message : String(error);
  return {
    exitCode: EXIT_START_ERROR,
    reason: 'StartError',
    message: `failed to start the container's command "${file}": ${why}`,
    startedAt,
    finishedAt: new Date(),
  };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}
