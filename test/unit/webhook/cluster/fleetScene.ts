// The marks of many providers in several namespaces, each with a watch of its own: an API server that keeps what is
// written, and watches that show it at once, or stand still.
import { silent } from '../../../../kube/log.ts';
import { type KnownProvider, reduceProvider } from '../../../../webhook/cluster/knownProvider.ts';
import { Marks, type MarkResult } from '../../../../webhook/cluster/marks.ts';
import { ManualClock } from '../../../harness/apiServer/manualClock.ts';
import { settled } from './markScene.ts';

interface Stored {
  readonly status: Readonly<Record<string, string>>;
  readonly version: string;
}

export class FleetWatch {
  isWatching = true;
  resourceVersion = '100';
  standsStill = false;
  /** Whether a write is shown before the answer to it comes. */
  isAhead = true;
  readonly hidden: (() => void)[] = [];

  /** Shows what it has held back, the oldest first. */
  show(count = Infinity): void {
    for (const show of this.hidden.splice(0, count)) show();
  }
}

export class FleetScene {
  readonly clock = new ManualClock();
  /** The key of each write that was asked for. */
  readonly writes: string[] = [];
  readonly results: MarkResult[] = [];
  readonly marks: Marks;
  /** What each answer to a write waits for. */
  answers: Promise<unknown> = Promise.resolve();
  readonly #watches = new Map<string, FleetWatch>();
  readonly #server = new Map<string, Stored>();
  readonly #shown = new Map<string, Stored>();
  #version = 100;

  constructor() {
    this.marks = new Marks({
      lookUp: (key) => this.#lookUp(key),
      watchOf: (key) => this.watchOf(key),
      write: async (provider, { syncRequestedAt }, signal) => {
        this.writes.push(provider.key);
        await Promise.race([this.answers, aborted(signal)]);
        return this.change(provider.key, { syncRequestedAt });
      },
      writeTimeoutMs: 2_000,
      log: silent,
      clock: this.clock,
      onResult: (result) => this.results.push(result),
    });
  }

  /** Providers by these names, whose marks wait and have just been written. */
  async waiting(namespace: string, count: number): Promise<string[]> {
    const keys = Array.from({ length: count }, (_, index) => `${namespace}/p${index}`);
    for (const key of keys) this.change(key, {});
    await Promise.all(keys.map((key) => this.wake(key)));
    await settled();
    this.writes.length = 0;
    return keys;
  }

  wake(key: string): Promise<void> {
    return this.marks.wake({ key, isActive: true });
  }

  watchOf(key: string): FleetWatch {
    const [namespace = ''] = key.split('/');
    const watch = this.#watches.get(namespace) ?? new FleetWatch();
    this.#watches.set(namespace, watch);
    return watch;
  }

  markOf(key: string): string {
    return this.#server.get(key)?.status['syncRequestedAt'] ?? '';
  }

  /** The API server keeps something, and the watch shows it in its time. @returns the version */
  change(key: string, status: Readonly<Record<string, string>>): string {
    const watch = this.watchOf(key);
    const version = String(++this.#version);
    const stored = { status: { ...this.#server.get(key)?.status, ...status }, version };
    this.#server.set(key, stored);
    watch.hidden.push(() => {
      this.#shown.set(key, stored);
      this.marks.noticed(key);
      watch.resourceVersion = version;
    });
    if (watch.standsStill) return version;
    if (watch.isAhead) watch.show();
    else setImmediate(() => watch.show());
    return version;
  }

  #lookUp(key: string): KnownProvider | undefined {
    const stored = this.#shown.get(key);
    if (stored === undefined) return undefined;
    const [namespace = '', name = ''] = key.split('/');
    return reduceProvider({
      apiVersion: 'outlooksync.dev/v1alpha1',
      kind: 'OutlookProvider',
      metadata: { namespace, name, uid: `uid-of-${name}`, resourceVersion: stored.version },
      status: stored.status,
    } as never);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
  });
}
