// A node that runs Pods as processes of this host: no root, no containers, no images.
//
// It takes the places of the scheduler (it binds Pods that have no node, the oldest first) and of the kubelet. What
// differs from a container:
// - A process sees this host. Where the texts that it is given (command, arguments, variables) begin with a container
//   path of a volume, of its image, or of its termination message, they name the host's path instead; what a program
//   has written down itself they do not. The service account's folder is in KUBERNETES_SERVICE_ACCOUNT_DIR.
// - PATH, HOME, TMPDIR and HOSTNAME are set by the node, and no other variable of this process is passed on.
// - All Pods share this host's network at 127.0.0.1: two that listen on one port are in each other's way.
// - A first process without a handler dies of SIGTERM, which in a container it would not.
// - User, capabilities, CPU limits and other file system settings of a Pod are ignored; what would change what a Pod
//   does (host paths, claims, init containers, privilege) is refused: the Pod fails as UnsupportedByProcessNode.
// Its processes never outlive it (see keeper.ts).
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeClient } from '../../../kube/client.ts';
import { isKubeError } from '../../../kube/errors.ts';
import { kubeconfigConnection } from '../../../kube/kubeconfig.ts';
import { pods } from '../../../kube/resource.ts';
import { startKeeper } from './keeper.ts';
import type { ProcessImage } from './node/containerLaunch.ts';
import { signalContainer } from './node/containerProcess.ts';
import { heartbeat, nodeLabels, registerNode, unregisterNode } from './node/nodeObject.ts';
import { type NodeContext, PodRun } from './node/podRun.ts';
import type { Pod } from './node/podSpec.ts';
import { watchPods } from './node/podWatch.ts';

export interface ProcessNodeOptions {
  /** Path of a kubeconfig whose user may do everything. */
  readonly kubeconfig: string;
  /** What stands for which image. A Pod with another one waits as for an image that cannot be pulled. */
  readonly images: Readonly<Record<string, ProcessImage>>;
  /** Pods that may run at a time; others wait. Default: 20. */
  readonly maxPods?: number;
  /** Of which namespaces it takes Pods; on a shared control plane, those of the test. Default: of all. */
  readonly serves?: (namespace: string) => boolean;
  /** Milliseconds before it tries again what was not possible. Default: 2000. */
  readonly retryMs?: number;
  /** Milliseconds before a container's first restart; it doubles with each. Default: 1000. */
  readonly restartMs?: number;
}

export interface ProcessNode {
  /** `process-node-<n>` */
  readonly name: string;
  /**
   * What a Pod's container has written on stdout and stderr, in all of its runs; of several Pods that had the name,
   * the latest. Container: by default the only one. Empty when there is none, or none yet.
   */
  readonly logs: (namespace: string, pod: string, container?: string) => Promise<string>;
  /** Sends a signal to the first process of a Pod's only container, as nothing in Kubernetes would. */
  readonly signal: (namespace: string, pod: string, signal: NodeJS.Signals) => Promise<void>;
  /** Stops all Pods, each within its grace period, reports them, and removes the Node. */
  readonly stop: () => Promise<void>;
  /** Ends all processes at once and reports nothing, as a machine that is lost; Node and Pods stay as they were. */
  readonly kill: () => Promise<void>;
}

const SHUTDOWN_GRACE_SECONDS = 5;
const SHUTDOWN_TIMEOUT_MS = 10_000;

/** Resolves when the Node is registered; Pods are taken from then on. */
export async function startProcessNode(options: ProcessNodeOptions): Promise<ProcessNode> {
  const connection = await kubeconfigConnection({ path: options.kubeconfig });
  const client = new KubeClient(connection, { userAgent: 'process-node' });
  const maxPods = options.maxPods ?? 20;
  const object = await registerNode(client, maxPods);
  const folder = await mkdtemp(join(tmpdir(), 'outlook-sync-node-'));
  const keeper = startKeeper(folder);
  const { server } = connection;
  const context = {
    client,
    keeper,
    images: options.images,
    api: { host: server.hostname, port: server.port === '' ? '443' : server.port },
    retryMs: options.retryMs ?? 2_000,
    restartMs: options.restartMs ?? 1_000,
  };
  const work = new NodeWork(object.metadata.name, folder, context, options);
  const over = new AbortController();
  const loops = [watchPods(client, work, over.signal), heartbeat(client, object, over.signal)];
  const close = async (): Promise<void> => {
    over.abort();
    await Promise.all([...loops, work.settled()]);
    keeper.close();
    await connection.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  return {
    name: work.name,
    logs: (namespace, pod, container) => work.logs(namespace, pod, container),
    signal: (namespace, pod, signal) => work.signal(namespace, pod, signal),
    stop: async () => {
      await work.shutDown();
      // A control plane that is gone keeps no Node.
      await unregisterNode(client, work.name).catch(() => undefined);
      await close();
    },
    kill: async () => {
      work.crash();
      await close();
    },
  };
}

/** Which Pods wait, which run, and which have run. */
class NodeWork {
  readonly name: string;
  readonly #folder: string;
  readonly #context: NodeContext;
  readonly #maxPods: number;
  readonly #serves: (namespace: string) => boolean;
  readonly #runs = new Map<string, PodRun>();
  readonly #waiting = new Map<string, Pod>();
  /** Being bound; each takes the place of a Pod that runs. */
  readonly #binding = new Set<string>();
  /** The latest Pod of each name. */
  readonly #latest = new Map<string, Pod>();
  #isClosed = false;

  constructor(name: string, folder: string, context: NodeContext, options: ProcessNodeOptions) {
    this.name = name;
    this.#folder = folder;
    this.#context = context;
    this.#maxPods = options.maxPods ?? 20;
    this.#serves = options.serves ?? (() => true);
  }

  readonly onList = (all: readonly Pod[]): void => {
    const uids = new Set(all.map(({ metadata }) => metadata.uid));
    for (const uid of [...this.#runs.keys(), ...this.#waiting.keys()]) if (!uids.has(uid)) this.onDelete(uid);
    for (const pod of all) this.onChange(pod);
  };

  readonly onChange = (pod: Pod): void => {
    const { metadata, spec } = pod;
    if (spec.nodeName === this.name) this.#runOrObserve(pod);
    else if (spec.nodeName === undefined && this.#takes(pod)) this.#enqueue(pod);
    else this.#waiting.delete(metadata.uid);
    this.#bindNext();
  };

  readonly onDelete = (uid: string): void => {
    this.#waiting.delete(uid);
    this.#binding.delete(uid);
    this.#runs.get(uid)?.end({ kind: 'gone' });
    this.#runs.delete(uid);
    this.#bindNext();
  };

  async logs(namespace: string, name: string, container?: string): Promise<string> {
    const pod = this.#latest.get(`${namespace}/${name}`);
    if (pod === undefined) return '';
    const file = join(this.#folder, pod.metadata.uid, container ?? pod.spec.containers[0]?.name ?? '', 'log');
    return readFile(file, 'utf8').catch(() => '');
  }

  async signal(namespace: string, name: string, signal: NodeJS.Signals): Promise<void> {
    const pod = this.#latest.get(`${namespace}/${name}`);
    const container = pod?.spec.containers[0]?.name;
    if (pod === undefined || container === undefined)
      throw new Error(`No pod ${namespace}/${name} runs here`);
    await signalContainer(join(this.#folder, pod.metadata.uid, container), signal);
  }

  /** Ends all Pods with their grace, but not more than a few seconds. */
  async shutDown(): Promise<void> {
    this.#isClosed = true;
    for (const run of this.#runs.values())
      run.end({ kind: 'shutdown', graceSeconds: SHUTDOWN_GRACE_SECONDS });
    // The API server may be away for good; then nobody is told.
    const giveUp = setTimeout(() => {
      this.crash();
    }, SHUTDOWN_TIMEOUT_MS);
    await this.settled();
    clearTimeout(giveUp);
  }

  crash(): void {
    this.#isClosed = true;
    for (const run of this.#runs.values()) run.end({ kind: 'gone' });
  }

  async settled(): Promise<void> {
    await Promise.all([...this.#runs.values()].map(({ done }) => done));
  }

  #enqueue(pod: Pod): void {
    const { uid } = pod.metadata;
    if (!this.#binding.has(uid)) this.#waiting.set(uid, pod);
  }

  #takes({ metadata, spec }: Pod): boolean {
    const labels: Readonly<Partial<Record<string, string>>> = nodeLabels(this.name);
    return (
      this.#serves(metadata.namespace) &&
      metadata.deletionTimestamp === undefined &&
      spec.schedulingGates.length === 0 &&
      Object.entries(spec.nodeSelector).every(([key, value]) => labels[key] === value)
    );
  }

  #runOrObserve(pod: Pod): void {
    const { uid, namespace, name } = pod.metadata;
    this.#waiting.delete(uid);
    this.#binding.delete(uid);
    const known = this.#runs.get(uid);
    if (known !== undefined) {
      known.observe(pod);
      return;
    }
    if (this.#isClosed || ['Succeeded', 'Failed'].includes(pod.status.phase)) return;
    const run = new PodRun(pod, join(this.#folder, uid), this.#context);
    this.#runs.set(uid, run);
    this.#latest.set(`${namespace}/${name}`, pod);
    run.observe(pod);
    void run.done.then(() => {
      this.#bindNext();
    });
  }

  #bindNext(): void {
    const active = [...this.#runs.values()].filter(({ isOver }) => !isOver).length;
    let places = this.#isClosed ? 0 : this.#maxPods - active - this.#binding.size;
    for (const [uid, pod] of this.#waiting) {
      if (places <= 0) return;
      places -= 1;
      this.#waiting.delete(uid);
      this.#binding.add(uid);
      void this.#bind(pod);
    }
  }

  /** The Pod comes back by the watch, bound. */
  async #bind(pod: Pod): Promise<void> {
    const { name, namespace, uid } = pod.metadata;
    const target = { apiVersion: 'v1', kind: 'Node', name: this.name };
    try {
      await this.#context.client.createSubresource(pods, { namespace, name }, 'binding', {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, uid },
        target,
      });
    } catch (error) {
      if (isKubeError(error, 'notFound', 'conflict', 'alreadyExists')) {
        // Deleted, or bound by another node.
        this.#binding.delete(uid);
        return;
      }
      await sleep(this.#context.retryMs);
      if (!this.#binding.delete(uid)) return;
      this.#waiting.set(uid, pod);
      this.#bindNext();
    }
  }
}
