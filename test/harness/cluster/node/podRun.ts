// The life of one Pod on the process node, from its binding to its end.
//
// Whatever ends it early (deletion, deadline, the node's own end, the object's disappearance) arrives as one Ending,
// which is told once; what waits wakes up, what runs is stopped, and nothing new is started.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from '../../../../kube/client.ts';
import { isKubeError } from '../../../../kube/errors.ts';
import { pods } from '../../../../kube/resource.ts';
import type { Keeper } from '../keeper.ts';
import type { LaunchPlace, ProcessImage } from './containerLaunch.ts';
import { ContainerRunner } from './containerRunner.ts';
import { NotYet } from './objectMaps.ts';
import type { Pod } from './podSpec.ts';
import { type ContainerRecord, type PodFailure, podStatus } from './podStatus.ts';
import { StatusWriter } from './statusWriter.ts';
import { unsupportedReason } from './unsupported.ts';
import { fillVolumes } from './volumes.ts';

export interface NodeContext {
  readonly client: KubeClient;
  readonly keeper: Keeper;
  readonly images: Readonly<Record<string, ProcessImage>>;
  readonly api: LaunchPlace['api'];
  /** How long to wait before trying again what was not possible, in milliseconds. */
  readonly retryMs: number;
  /** How long before the first restart of a container; it doubles with each. */
  readonly restartMs: number;
}

export type Ending =
  | { readonly kind: 'deletion' | 'deadline' | 'shutdown'; readonly graceSeconds: number }
  /** Nobody is to be told any more. */
  | { readonly kind: 'gone' };

export class PodRun {
  readonly uid: string;
  /** Resolves when no process is left, and what there was to tell is told. Never rejects. */
  readonly done: Promise<void>;
  readonly #pod: Pod;
  readonly #folder: string;
  readonly #context: NodeContext;
  readonly #status: StatusWriter;
  readonly #ending = new AbortController();
  readonly #silence = new AbortController();
  readonly #records = new Map<string, ContainerRecord>();
  readonly #startTime = new Date();
  #failure: PodFailure | undefined;
  #isOver = false;
  #isDeleted = false;
  #deadline: NodeJS.Timeout | undefined;

  /** `folder` is for this Pod alone. */
  constructor(pod: Pod, folder: string, context: NodeContext) {
    this.uid = pod.metadata.uid;
    this.#pod = pod;
    this.#folder = folder;
    this.#context = context;
    this.#status = new StatusWriter(context.client, pod, this.#silence.signal);
    this.done = this.#live().catch((error: unknown) => {
      process.stderr.write(`The process node failed at ${pod.metadata.name}: ${String(error)}\n`);
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Tells a newer version of the object: whether it is being deleted. */
  observe({ metadata }: Pod): void {
    if (metadata.deletionTimestamp === undefined) return;
    this.#isDeleted = true;
    if (this.#isOver) void this.#deleteObject();
    else this.end({ kind: 'deletion', graceSeconds: metadata.deletionGracePeriodSeconds });
  }

  /** The first ending counts. Once the object is gone nothing more is told. */
  end(ending: Ending): void {
    if (ending.kind === 'gone') this.#silence.abort();
    this.#ending.abort(ending);
  }

  async #live(): Promise<void> {
    const unsupported = unsupportedReason(this.#pod);
    if (unsupported === undefined) {
      this.#report();
      this.#startDeadline();
      await this.#runContainers();
    } else this.#failure = { reason: 'UnsupportedByProcessNode', message: unsupported };
    clearTimeout(this.#deadline);
    this.#isOver = true;
    this.#failure ??= failureOf(this.#endingOf());
    this.#ending.abort({ kind: 'gone' } satisfies Ending);
    this.#report();
    await this.#status.flushed();
    if (this.#isDeleted) await this.#deleteObject();
  }

  async #runContainers(): Promise<void> {
    const volumes = await this.#volumes();
    if (volumes === undefined) return;
    await Promise.all(
      this.#pod.spec.containers.map(async (container) => {
        const folder = join(this.#folder, container.name);
        await mkdir(join(folder, 'tmp'), { recursive: true });
        const runner = new ContainerRunner({
          pod: this.#pod,
          container,
          folder,
          volumes,
          context: this.#context,
          ending: this.#ending.signal,
          report: (record) => {
            this.#records.set(container.name, record);
            this.#report();
          },
        });
        await runner.run();
      }),
    );
  }

  /** Tries until all that the volumes name is there; undefined when the Pod ends before. */
  async #volumes(): Promise<ReadonlyMap<string, string> | undefined> {
    const { client, retryMs } = this.#context;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        return await fillVolumes(join(this.#folder, '.volumes'), { client, pod: this.#pod, signal });
      } catch (error) {
        if (!(error instanceof NotYet) && !isKubeError(error)) throw error;
        this.#allWaiting(error.message);
        await sleep(retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
    return undefined;
  }

  #allWaiting(message: string): void {
    const state = { kind: 'waiting', reason: 'ContainerCreating', message } as const;
    for (const { name } of this.#pod.spec.containers) {
      this.#records.set(name, { state, restartCount: 0, isStarted: false, isReady: false });
    }
    this.#report();
  }

  #startDeadline(): void {
    const { activeDeadlineSeconds, terminationGracePeriodSeconds } = this.#pod.spec;
    if (activeDeadlineSeconds === undefined) return;
    this.#deadline = setTimeout(() => {
      this.end({ kind: 'deadline', graceSeconds: terminationGracePeriodSeconds });
    }, activeDeadlineSeconds * 1000);
  }

  #report(): void {
    const state = {
      startTime: this.#startTime,
      containers: this.#records,
      isOver: this.#isOver,
      failure: this.#failure,
    };
    this.#status.set(podStatus(this.#pod, state));
  }

  #endingOf(): Ending {
    return (this.#ending.signal.reason as Ending | undefined) ?? { kind: 'gone' };
  }

  /** The last step of a graceful deletion is the node's: until then the object stays. */
  async #deleteObject(): Promise<void> {
    const { name, namespace, uid } = this.#pod.metadata;
    const { signal } = this.#silence;
    while (!signal.aborted) {
      try {
        const options = { gracePeriodSeconds: 0, preconditions: { uid }, signal };
        await this.#context.client.delete(pods, { namespace, name }, options);
        return;
      } catch (error) {
        if (isKubeError(error, 'notFound', 'conflict')) return;
        await sleep(this.#context.retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}

function failureOf(ending: Ending): PodFailure | undefined {
  if (ending.kind === 'deadline') {
    const message = 'Pod was active on the node longer than the specified deadline';
    return { reason: 'DeadlineExceeded', message };
  }
  if (ending.kind === 'shutdown') {
    return { reason: 'Terminated', message: 'Pod was terminated in response to imminent node shutdown.' };
  }
  return undefined;
}
