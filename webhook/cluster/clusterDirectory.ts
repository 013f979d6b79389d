// The OutlookProviders of the cluster by all that a request can call them: a copy that a watch keeps fresh.
import { outlookProviders } from '../../api/resource.ts';
import type { KubeClient } from '../../kube/client.ts';
import { type Clock, systemClock } from '../../kube/clock.ts';
import type { Log } from '../../kube/log.ts';
import type { KubeObject } from '../../kube/object.ts';
import { type Change, Reflector } from '../../kube/reflector.ts';
import type { Directory, Provider } from '../wakeUp.ts';
import type { Watched } from './freshness.ts';
import { type KnownProvider, nameOf, reduceProvider } from './knownProvider.ts';

export interface ClusterDirectoryOptions {
  readonly client: KubeClient;
  readonly log: Log;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  /** Called after the directory has changed. */
  readonly onChange: (key: string) => void;
  readonly clock?: Clock;
}

export interface WatchFigures {
  readonly kind: string;
  readonly relists: number;
  readonly reconnects: number;
  readonly size: number;
  /** Milliseconds since the epoch; of several watches, that which has been silent for longest; 0: never. */
  readonly lastActivityAt: number;
}

const nobody: readonly Provider[] = [];

export class ClusterDirectory implements Directory {
  /** By namespace; by the empty string where all are followed as one. */
  readonly #reflectors: ReadonlyMap<string, Reflector<KnownProvider>>;
  readonly #byName = new Map<string, readonly KnownProvider[]>();
  readonly #onChange: (key: string) => void;

  constructor({ client, log, namespaces, onChange, clock = systemClock }: ClusterDirectoryOptions) {
    this.#onChange = onChange;
    const places = namespaces.length > 0 ? namespaces : [''];
    this.#reflectors = new Map(
      places.map((place) => {
        const reflector = new Reflector<KnownProvider>({
          client,
          log,
          clock,
          resource: outlookProviders,
          namespace: place === '' ? undefined : place,
          reduce: (raw: KubeObject) => reduceProvider(raw),
          onChange: (change) => this.#follow(change),
        });
        return [place, reflector] as const;
      }),
    );
  }

  /** Resolves when the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#reflectors.values()].map((reflector) => reflector.run(signal)));
  }

  get(key: string): KnownProvider | undefined {
    return this.#reflectorOf(key)?.store.get(key);
  }

  byProviderId(providerId: string): readonly Provider[] {
    return this.#byName.get(nameOf('row', providerId)) ?? nobody;
  }

  byAddress(address: string): readonly Provider[] {
    return this.#byName.get(nameOf('address', address)) ?? nobody;
  }

  bySubscription(subscriptionId: string): readonly Provider[] {
    return this.#byName.get(nameOf('subscription', subscriptionId)) ?? nobody;
  }

  /** The watch that shows a provider; the same one each time. */
  watchOf(key: string): Watched | undefined {
    return this.#reflectorOf(key);
  }

  /** The namespaces that were never fully listed; the empty string where all are followed as one. */
  get missing(): readonly string[] {
    return [...this.#reflectors].flatMap(([place, { hasSynced }]) => (hasSynced ? [] : [place]));
  }

  /** The namespaces that were listed, and of which no watch has been open for so long. */
  unfollowedFor(ms: number): readonly string[] {
    return [...this.#reflectors].flatMap(([place, { hasSynced, unwatchedMs }]) =>
      hasSynced && unwatchedMs >= ms ? [place] : [],
    );
  }

  figures(): WatchFigures {
    const all = [...this.#reflectors.values()];
    const sum = (of: (reflector: Reflector<KnownProvider>) => number): number =>
      all.reduce((total, reflector) => total + of(reflector), 0);
    return {
      kind: outlookProviders.kind,
      relists: sum(({ relists }) => relists),
      reconnects: sum(({ reconnects }) => reconnects),
      size: sum(({ store }) => store.size),
      lastActivityAt: Math.min(...all.map(({ lastActivityAt }) => lastActivityAt)),
    };
  }

  #reflectorOf(key: string): Reflector<KnownProvider> | undefined {
    return this.#reflectors.get('') ?? this.#reflectors.get(key.slice(0, key.indexOf('/')));
  }

  #follow({ key, object, previous }: Change<KnownProvider>): void {
    for (const name of previous?.names ?? []) this.#drop(name, key);
    for (const name of object?.names ?? []) if (object !== undefined) this.#add(name, object);
    this.#onChange(key);
  }

  #add(name: string, provider: KnownProvider): void {
    this.#byName.set(name, [...(this.#byName.get(name) ?? []), provider]);
  }

  #drop(name: string, key: string): void {
    const rest = (this.#byName.get(name) ?? []).filter((provider) => provider.key !== key);
    if (rest.length === 0) this.#byName.delete(name);
    else this.#byName.set(name, rest);
  }
}
