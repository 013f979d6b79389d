// A copy of a collection, kept fresh: list, then watch from there, and again from wherever the watch ended. No failure
// of the server, the network, the credentials or the handler ends it; only its signal does. A watch that is silent for
// too long is taken for dead, and the collection is listed anew every few minutes whatever the watch says, for a
// watch can be alive and mute (client-node#596, pepr#745).
import type { KubeClient, ListQuery } from './client.ts';
import { type Clock, isAborted, sleep, systemClock } from './clock.ts';
import { isKubeError } from './errors.ts';
import { type Log, silent } from './log.ts';
import { keyOf, type KubeObject } from './object.ts';
import type { Resource } from './resource.ts';
import { isOlder } from './resourceVersion.ts';
import type { WatchEvent } from './watchStream.ts';

export interface Change<T extends KubeObject> {
  /** `namespace/name`. */
  readonly key: string;
  /** Undefined when it is gone. */
  readonly object: T | undefined;
  /** What the store had before; with another `metadata.uid` when the name was given to a new object. */
  readonly previous: T | undefined;
}

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly resource: Resource<T>;
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly metadataOnly?: boolean;
  /** Drops what is not needed, before anything is stored. `managedFields` are always dropped. */
  readonly reduce?: (raw: T) => T;
  /** Called after the store has changed, for real differences only. What it throws is logged. */
  readonly onChange: (change: Change<T>) => void;
  readonly log?: Log;
  readonly clock?: Clock;
  /** Default: 10 min, and up to a tenth more. */
  readonly relistEveryMs?: number;
  /** Longer than the minute that lies between two bookmarks of the API server. Default: 150 s. */
  readonly silenceMs?: number;
  /** The pause after a first failure; doubled with each further one, up to 30 s. Default: 500 ms. */
  readonly baseDelayMs?: number;
}

const pageSize = 500;
const longestPause = 30_000;
/** Milliseconds after which a watch was a good one, though nothing may have happened in it. */
const livedWell = 30_000;
/** How often a list may begin anew because its pages expired while it was read. */
const mostListRestarts = 3;

export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #store = new Map<string, T>();
  readonly #synced = Promise.withResolvers<undefined>();
  #resourceVersion: string | undefined;
  #relistAt = -Infinity;
  #lists = 0;
  #watches = 0;
  #failures = 0;
  #lastActivityAt = 0;
  #lastTurnAt = 0;
  #hasSynced = false;
  /** Monotonic; null while a watch is open. */
  #unwatchedSince: number | null;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#unwatchedSince = this.#clock.monotonic();
    this.#log = options.log ?? silent;
  }

  /** By `namespace/name`. What it holds is shared: copy before you change. */
  get store(): ReadonlyMap<string, T> {
    return this.#store;
  }

  /** Whether the store has once been complete. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** Resolves once the store is complete; never, when `run` ends before. */
  async synced(): Promise<void> {
    await this.#synced.promise;
  }

  /** Everything that happened up to this version is in the store; undefined while that is not known. */
  get resourceVersion(): string | undefined {
    return this.#resourceVersion;
  }

  /** Whether a watch is open. One that has died without a word is found out by its silence, and counts until then. */
  get isWatching(): boolean {
    return this.#unwatchedSince === null;
  }

  /** Milliseconds since the last watch ended, or since the beginning; 0 while one is open. */
  get unwatchedMs(): number {
    return this.#unwatchedSince === null ? 0 : this.#clock.monotonic() - this.#unwatchedSince;
  }

  /** When the server last gave a sign (milliseconds since the epoch); 0: never. */
  get lastActivityAt(): number {
    return this.#lastActivityAt;
  }

  /** When it last had an answer, or last gave up waiting for one: it moves for as long as the reflector does. */
  get lastTurnAt(): number {
    return this.#lastTurnAt;
  }

  /** Complete lists after the first. */
  get relists(): number {
    return Math.max(0, this.#lists - 1);
  }

  /** Watches begun after the first. */
  get reconnects(): number {
    return Math.max(0, this.#watches - 1);
  }

  /** Never rejects; resolves when the signal is aborted and nothing is under way any more. */
  async run(signal: AbortSignal): Promise<void> {
    while (!isAborted(signal)) {
      if (await this.#listAndWatch(signal)) await sleep(this.#clock, this.#pause(), signal);
    }
  }

  /** Whether to pause before the next; not, when the watch has only made room for a list. */
  async #listAndWatch(signal: AbortSignal): Promise<boolean> {
    try {
      if (this.#resourceVersion === undefined || this.#isRelistDue()) await this.#list(signal);
      await this.#watch(signal);
      return !this.#isRelistDue();
    } catch (error) {
      if (!isAborted(signal)) this.#noteFailure(error);
      return true;
    }
  }

  #noteFailure(error: unknown): void {
    this.#lastTurnAt = this.#clock.now();
    const kind = isKubeError(error) ? error.kind : error instanceof Error ? error.name : typeof error;
    const fields = { resource: this.#options.resource.plural, kind, failures: this.#failures };
    if (isKubeError(error, 'gone')) {
      this.#resourceVersion = undefined;
      this.#log.info(fields, 'The watch fell too far behind; listing anew');
    } else {
      this.#log.warn(fields, 'List or watch failed; trying again');
    }
  }

  /** Each try counts as a failure until the server gives a sign that it works. */
  #pause(): number {
    const base = this.#options.baseDelayMs ?? 500;
    const pause = Math.min(longestPause, base * 2 ** Math.min(this.#failures, 20));
    this.#failures += 1;
    return pause * (0.5 + this.#clock.random() / 2);
  }

  #isRelistDue(): boolean {
    return this.#hasSynced && this.#clock.monotonic() >= this.#relistAt;
  }

  #showActivity(): void {
    this.#lastActivityAt = this.#clock.now();
    this.#lastTurnAt = this.#lastActivityAt;
  }

  async #list(signal: AbortSignal): Promise<void> {
    for (let restarts = 0; ; restarts += 1) {
      try {
        await this.#listPages(signal);
        return;
      } catch (error) {
        if (!isKubeError(error, 'gone') || restarts >= mostListRestarts) throw error;
      }
    }
  }

  async #listPages(signal: AbortSignal): Promise<void> {
    const { client, resource } = this.#options;
    const seen = new Set<string>();
    let next: string | undefined;
    let resourceVersion: string;
    do {
      const page = await client.list(resource, {
        ...this.#selection(),
        limit: pageSize,
        signal,
        continue: next,
      });
      // The stop may have come while the answer was on its way.
      if (isAborted(signal)) return;
      this.#showActivity();
      for (const item of page.items) {
        seen.add(keyOf(item.metadata));
        // A list is the truth, even where it is older than what we have: a cluster may be restored from a backup.
        this.#put(item);
      }
      resourceVersion = page.resourceVersion;
      next = page.continue;
    } while (next !== undefined);
    for (const key of [...this.#store.keys()]) if (!seen.has(key)) this.#remove(key);
    this.#finishList(resourceVersion);
  }

  #finishList(resourceVersion: string): void {
    this.#resourceVersion = resourceVersion;
    const every = this.#options.relistEveryMs ?? 600_000;
    this.#relistAt = this.#clock.monotonic() + every * (1 + this.#clock.random() / 10);
    this.#lists += 1;
    this.#hasSynced = true;
    this.#synced.resolve(undefined);
  }

  #selection(): Pick<ListQuery, 'namespace' | 'labelSelector' | 'fieldSelector' | 'metadataOnly'> {
    const { namespace, labelSelector, fieldSelector, metadataOnly } = this.#options;
    return { namespace, labelSelector, fieldSelector, metadataOnly };
  }

  /** One watch, until the server ends it, it fails or falls silent, or it is time to list. */
  async #watch(signal: AbortSignal): Promise<void> {
    const watch = new AbortController();
    const end = (): void => watch.abort();
    const started = this.#clock.monotonic();
    signal.addEventListener('abort', end, { once: true });
    if (isAborted(signal)) end();
    const cancelRelist = this.#clock.after(this.#relistAt - this.#clock.monotonic(), end);
    const silence = new SilenceAlarm(this.#clock, this.#options.silenceMs ?? 150_000, () => {
      this.#log.warn({ resource: this.#options.resource.plural }, 'The watch is silent; connecting anew');
      end();
    });
    try {
      await this.#followEvents(watch.signal, silence);
    } finally {
      if (this.#clock.monotonic() - started >= livedWell) this.#failures = 0;
      signal.removeEventListener('abort', end);
      cancelRelist();
      silence.stop();
    }
  }

  async #followEvents(signal: AbortSignal, silence: SilenceAlarm): Promise<void> {
    const { client, resource } = this.#options;
    const query = {
      ...this.#selection(),
      resourceVersion: this.#resourceVersion ?? '',
      allowWatchBookmarks: true,
      // Not all watches of a fleet are to end at once.
      timeoutSeconds: Math.floor(300 + this.#clock.random() * 301),
    };
    this.#watches += 1;
    const onOpen = (): void => {
      this.#unwatchedSince = null;
      this.#showActivity();
      silence.postpone();
    };
    try {
      for await (const event of client.watch(resource, query, signal, onOpen)) {
        if (isAborted(signal)) return;
        onOpen();
        this.#failures = 0;
        this.#take(event);
      }
    } finally {
      this.#unwatchedSince ??= this.#clock.monotonic();
    }
  }

  #take({ type, object }: WatchEvent<T>): void {
    const version = object.metadata.resourceVersion;
    const key = keyOf(object.metadata);
    const stored = this.#store.get(key)?.metadata.resourceVersion;
    if (type === 'DELETED') {
      if (!isOlder(version, stored)) this.#remove(key);
    } else if (type !== 'BOOKMARK' && !isOlder(version, stored)) {
      this.#put(object);
    }
    if (version !== undefined && !isOlder(version, this.#resourceVersion)) this.#resourceVersion = version;
  }

  #put(raw: T): void {
    const key = keyOf(raw.metadata);
    const previous = this.#store.get(key);
    const { uid, resourceVersion } = raw.metadata;
    if (previous?.metadata.uid === uid && previous?.metadata.resourceVersion === resourceVersion) return;
    const object = this.#slim(raw);
    this.#store.set(key, object);
    this.#tell({ key, object, previous });
  }

  #slim(raw: T): T {
    const { managedFields: _dropped, ...metadata } = raw.metadata;
    const light = { ...raw, metadata };
    return this.#options.reduce?.(light) ?? light;
  }

  #remove(key: string): void {
    const previous = this.#store.get(key);
    if (!this.#store.delete(key)) return;
    this.#tell({ key, object: undefined, previous });
  }

  #tell(change: Change<T>): void {
    try {
      this.#options.onChange(change);
    } catch (error) {
      const name = error instanceof Error ? error.name : typeof error;
      this.#log.error({ key: change.key, error: name }, 'A handler of changes threw');
    }
  }
}

/** Rings when it has not been postponed for so long. */
class SilenceAlarm {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #ring: () => void;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock, ms: number, ring: () => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#ring = ring;
    this.postpone();
  }

  postpone(): void {
    this.#cancel();
    this.#cancel = this.#clock.after(this.#ms, this.#ring);
  }

  stop(): void {
    this.#cancel();
  }
}
