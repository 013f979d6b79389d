// Runs one container of a Pod, again and again as the Pod's restart policy says, until its Pod ends.
import { setTimeout as sleep } from 'node:timers/promises';
import { isKubeError } from '../../../../kube/errors.ts';
import { type ProcessImage, planLaunch } from './containerLaunch.ts';
import { type ContainerEnd, type ContainerProcess, startContainer } from './containerProcess.ts';
import { resolveEnvironment } from './environment.ts';
import { NotYet, mapReader } from './objectMaps.ts';
import type { Ending, NodeContext } from './podRun.ts';
import type { Container, Pod } from './podSpec.ts';
import type { ContainerRecord, ContainerState } from './podStatus.ts';
import { runProbes } from './probes.ts';
import { parseQuantity } from './quantity.ts';

export interface ContainerTask {
  readonly pod: Pod;
  readonly container: Container;
  /** The container's own folder, with an empty folder `tmp`. */
  readonly folder: string;
  readonly volumes: ReadonlyMap<string, string>;
  readonly context: NodeContext;
  /** Aborted with an Ending. */
  readonly ending: AbortSignal;
  readonly report: (record: ContainerRecord) => void;
}

const LONGEST_RESTART_MS = 300_000;

export class ContainerRunner {
  readonly #task: ContainerTask;
  #record: ContainerRecord = {
    state: { kind: 'waiting', reason: 'ContainerCreating' },
    restartCount: 0,
    isStarted: false,
    isReady: false,
  };

  constructor(task: ContainerTask) {
    this.#task = task;
  }

  /** Resolves when the container has ended for good. */
  async run(): Promise<void> {
    const { ending, pod, context } = this.#task;
    const image = await this.#image();
    if (image === undefined) return;
    for (
      let delayMs = context.restartMs;
      !ending.aborted;
      delayMs = Math.min(delayMs * 2, LONGEST_RESTART_MS)
    ) {
      const end = await this.#runOnce(image);
      if (end === undefined || isAborted(ending) || !mayRestart(pod, end)) return;
      this.#backOff(end, delayMs);
      await this.#pause(delayMs);
      if (isAborted(ending)) {
        this.#set({ state: { kind: 'ended', end }, lastEnd: undefined });
        return;
      }
      this.#set({ restartCount: this.#record.restartCount + 1 });
    }
  }

  /** An image that is not there now never will be: the container waits for the end of its Pod. */
  async #image(): Promise<ProcessImage | undefined> {
    const { context, container, ending } = this.#task;
    const image = context.images[container.image];
    if (image !== undefined) return image;
    const name = `"${container.image}"`;
    this.#wait('ErrImagePull', `the process node has no image ${name}`);
    await this.#pause(context.retryMs);
    if (!ending.aborted) this.#wait('ImagePullBackOff', `Back-off pulling image ${name}`);
    await untilAborted(ending);
    return undefined;
  }

  async #runOnce(image: ProcessImage): Promise<ContainerEnd | undefined> {
    const started = await this.#start(image);
    if (started === undefined) return undefined;
    const end = 'ended' in started ? await this.#attend(started) : started;
    this.#set({ state: { kind: 'ended', end }, isReady: false, isStarted: false });
    return end;
  }

  /** Tries until the variables can be resolved; undefined when the Pod ends before. */
  async #start(image: ProcessImage): Promise<ContainerProcess | ContainerEnd | undefined> {
    const { context, pod, container, folder, volumes, ending } = this.#task;
    while (!ending.aborted) {
      try {
        const variables = await resolveEnvironment(pod, container, mapReader(context.client));
        if (isAborted(ending)) return undefined;
        const memory = container.resources.limits['memory'];
        return await startContainer({
          launch: planLaunch(pod, container, variables, { image, volumes, folder, api: context.api }),
          folder,
          memoryBytes: memory === undefined ? undefined : parseQuantity(memory),
          fallbackToLogs: container.terminationMessagePolicy === 'FallbackToLogsOnError',
          keeper: context.keeper,
        });
      } catch (error) {
        if (!(error instanceof NotYet) && !isKubeError(error)) throw error;
        this.#wait('CreateContainerConfigError', error.message);
        await this.#pause(context.retryMs);
      }
    }
    return undefined;
  }

  async #attend(running: ContainerProcess): Promise<ContainerEnd> {
    const { container, ending, pod } = this.#task;
    const over = new AbortController();
    const stop = (): void => {
      running.stop(graceOf(ending));
    };
    ending.addEventListener('abort', stop, { once: true });
    if (ending.aborted) stop();
    this.#set({ state: { kind: 'running', startedAt: running.startedAt } });
    const events = {
      onStarted: () => this.#set({ isStarted: true }),
      onReady: (isReady: boolean) => this.#set({ isReady }),
      onUnhealthy: () => running.stop(pod.spec.terminationGracePeriodSeconds),
    };
    const probing = runProbes(container, events, over.signal);
    const end = await running.ended;
    over.abort();
    await probing;
    ending.removeEventListener('abort', stop);
    return end;
  }

  #backOff(end: ContainerEnd, delayMs: number): void {
    const message = `back-off ${delayMs / 1000}s restarting failed container=${this.#task.container.name}`;
    this.#set({ state: { kind: 'waiting', reason: 'CrashLoopBackOff', message }, lastEnd: end });
  }

  #wait(reason: string, message: string): void {
    const state: ContainerState = { kind: 'waiting', reason, message };
    this.#set({ state });
  }

  #set(change: Partial<ContainerRecord>): void {
    this.#record = { ...this.#record, ...change };
    this.#task.report(this.#record);
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#task.ending }).catch(() => undefined);
  }
}

function mayRestart({ spec }: Pod, { exitCode }: ContainerEnd): boolean {
  return spec.restartPolicy === 'Always' || (spec.restartPolicy === 'OnFailure' && exitCode !== 0);
}

function graceOf(ending: AbortSignal): number {
  const reason = ending.reason as Ending;
  return reason.kind === 'gone' ? 0 : reason.graceSeconds;
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((done) => {
    signal.addEventListener('abort', done, { once: true });
  });
}

/** A question that the compiler does not answer from what it was a moment ago. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
