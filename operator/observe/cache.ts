// The copy of one kind: one reflector for all namespaces, or one for each that is watched.
import type { KubeClient } from '../../kube/client.ts';
import type { Log } from '../../kube/log.ts';
import type { KubeObject } from '../../kube/object.ts';
import { type Change, Reflector } from '../../kube/reflector.ts';
import type { Resource } from '../../kube/resource.ts';

export interface CacheOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly log: Log;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  readonly relistMs: number;
  readonly resource: Resource<T>;
  readonly labelSelector?: string;
  readonly metadataOnly?: boolean;
  readonly reduce: (raw: KubeObject) => T;
  readonly onChange: (change: Change<T>) => void;
}

export interface CacheFigures {
  readonly kind: string;
  readonly relists: number;
  readonly reconnects: number;
  /** Milliseconds since the epoch; of several reflectors, the one that has been silent for longest; 0: never. */
  readonly lastActivityAt: number;
  /** Likewise, whether the API server answered or not: when the loop last came round. */
  readonly lastTurnAt: number;
  readonly size: number;
}

export class Cache<T extends KubeObject> {
  readonly kind: string;
  /** By namespace; by the empty string when it is of all. */
  readonly #reflectors = new Map<string, Reflector<T>>();

  constructor({ namespaces, relistMs, ...options }: CacheOptions<T>) {
    this.kind = options.resource.kind;
    const places = namespaces.length > 0 ? namespaces : [undefined];
    for (const namespace of places) {
      const reflector = new Reflector<T>({ ...options, namespace, relistEveryMs: relistMs });
      this.#reflectors.set(namespace ?? '', reflector);
    }
  }

  /** @param key `namespace/name`, or the name alone where there is no namespace */
  get(key: string): T | undefined {
    const [namespace = ''] = key.split('/', 1);
    const reflector = this.#reflectors.get('') ?? this.#reflectors.get(namespace);
    return reflector?.store.get(key);
  }

  *entries(): Generator<[string, T], void, undefined> {
    for (const { store } of this.#reflectors.values()) yield* store;
  }

  /** The namespaces that were never fully listed; the empty string where all are followed as one. */
  get missing(): readonly string[] {
    return [...this.#reflectors].flatMap(([namespace, { hasSynced }]) => (hasSynced ? [] : [namespace]));
  }

  async synced(): Promise<void> {
    await Promise.all([...this.#reflectors.values()].map((reflector) => reflector.synced()));
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#reflectors.values()].map((reflector) => reflector.run(signal)));
  }

  figures(): CacheFigures {
    const all = [...this.#reflectors.values()];
    const sum = (of: (reflector: Reflector<T>) => number): number =>
      all.reduce((total, reflector) => total + of(reflector), 0);
    return {
      kind: this.kind,
      relists: sum(({ relists }) => relists),
      reconnects: sum(({ reconnects }) => reconnects),
      lastActivityAt: Math.min(...all.map(({ lastActivityAt }) => lastActivityAt)),
      lastTurnAt: Math.min(...all.map(({ lastTurnAt }) => lastTurnAt)),
      size: sum(({ store }) => store.size),
    };
  }
}
