// The marks that wake mailboxes. A notification is answered when a mark is certain to be there that no Job has served
// yet: one that waits already, or a new one that the API server has kept. See docs/decisions/0026.
import { isHandled, nextMark } from '../../api/notificationMark.ts';
import { type Clock, isAborted, sleep, systemClock } from '../../kube/clock.ts';
import { isKubeError, type KubeError } from '../../kube/errors.ts';
import type { Log } from '../../kube/log.ts';
import { isOlder } from '../../kube/resourceVersion.ts';
import { NotKept, type Provider, type SubscriptionEvent, type WakeUps } from '../wakeUp.ts';
import { type Begun, Freshness, trustMs, type Watched } from './freshness.ts';
import type { KnownProvider } from './knownProvider.ts';
import { Turns } from './turns.ts';

/** What is written at once into the status of a provider. */
export interface Mark {
  readonly syncRequestedAt: string;
  readonly subscriptionEvent?: { readonly event: SubscriptionEvent; readonly at: string };
}

export type MarkResult = 'written' | 'covered' | 'failed' | 'gone';

export interface MarksOptions {
  readonly lookUp: (key: string) => KnownProvider | undefined;
  /** The watch that shows a provider; the same one each time. */
  readonly watchOf: (key: string) => Watched | undefined;
  /** Resolves, when the API server has kept it, to the provider's version from then on. @throws KubeError */
  readonly write: (provider: KnownProvider, mark: Mark, signal: AbortSignal) => Promise<string | undefined>;
  /** For an answer to wait for its write. */
  readonly writeTimeoutMs: number;
  readonly log: Log;
  readonly clock?: Clock;
  readonly onResult?: (result: MarkResult) => void;
}

/** Of one provider, for as long as there is something to remember. */
interface Memory {
  /** What this process wrote last: it holds until the watch shows that version, or a later one. */
  written: Written | null;
  /** When somebody was last promised a run on the account of a mark (milliseconds since the epoch); 0: never since. */
  promisedAt: number;
  writing: Promise<void> | null;
  /** What is to be told once the write under way, which says nothing of it, has ended. */
  telling: { event: SubscriptionEvent; done: Promise<void> } | null;
}

interface Written {
  readonly mark: string;
  readonly version: string | undefined;
  /** Monotonic. No Job was made for it before. */
  readonly begunAt: number;
}

interface Writing {
  readonly event?: SubscriptionEvent;
  /** Monotonic. */
  readonly until: number;
}

/** For so long, and for a part of what an answer may take, is a write of another waited for. */
const longestPatienceMs = 1_000;
const patiencePart = 1 / 4;
const firstPauseMs = 100;
const longestPauseMs = 1_000;
const renewalPauseMs = 1_000;
const complaintPauseMs = 10_000;

export class Marks implements WakeUps {
  readonly #options: MarksOptions;
  readonly #clock: Clock;
  readonly #memories = new Map<string, Memory>();
  /** As many as there are watches. */
  readonly #freshness = new Map<Watched, Freshness>();
  readonly #turns = new Turns({ atOnce: 32, mostWaiting: 20_000 });
  #complainedAt = -Infinity;

  constructor(options: MarksOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Providers that wait for a write or are being written. */
  get waiting(): number {
    return this.#turns.count;
  }

  async wake({ key }: Provider): Promise<void> {
    const until = this.#deadline();
    let isCovered = this.#cover(key);
    const hope = isCovered ? null : this.#hopeOf(key);
    if (hope !== null) {
      await hope;
      isCovered = this.#cover(key);
    }
    if (isCovered) this.#options.onResult?.('covered');
    else await this.#keepFor(key, until);
  }

  async #keepFor(key: string, until: number): Promise<void> {
    const memory = this.#memoryOf(key);
    // The mark that is being written may be there, and even served, long before the answer to the write is.
    if (memory.writing !== null) memory.promisedAt = this.#clock.now();
    await (memory.writing ?? this.#begin(key, memory, { until }));
  }

  async tell({ key }: Provider, event: SubscriptionEvent): Promise<void> {
    const memory = this.#memoryOf(key);
    if (memory.telling !== null) {
      // Graph's word that it is gone outweighs what is asked for while it is there.
      if (event === 'subscriptionRemoved') memory.telling.event = event;
      await memory.telling.done;
      return;
    }
    const telling = { event, done: Promise.resolve() };
    memory.telling = telling;
    telling.done = this.#tellNext(key, memory, telling);
    await telling.done;
  }

  async #tellNext(
    key: string,
    memory: Memory,
    telling: { readonly event: SubscriptionEvent },
  ): Promise<void> {
    const until = this.#deadline();
    while (memory.writing !== null) await memory.writing.catch(() => undefined);
    memory.telling = null;
    await this.#begin(key, memory, { event: telling.event, until });
  }

  /**
   * A provider has changed. Where a run turns out to have begun before somebody was promised one on its account, it may
   * have looked at the mailbox too early: another one is asked for.
   */
  noticed(key: string): void {
    this.#freshnessOf(key)?.noticed();
    const memory = this.#memories.get(key);
    if (memory?.writing !== null || memory.telling !== null) return;
    const provider = this.#options.lookUp(key);
    if (provider === undefined) {
      this.#memories.delete(key);
      return;
    }
    const { mark, waits } = markOf(provider, memory.written);
    if (waits) return;
    if (memory.promisedAt === 0 || provider.ranAt > memory.promisedAt) {
      this.#memories.delete(key);
      return;
    }
    // What began before the mark was made is not the run that serves it; that has yet to begin.
    if (provider.ranAt < Date.parse(mark)) return;
    void this.#renew(key, memory);
  }

  /** Never rejects. What was promised is promised: this is tried until it is kept. */
  async #renew(key: string, memory: Memory): Promise<void> {
    const { promisedAt } = memory;
    memory.promisedAt = 0;
    try {
      await this.#begin(key, memory, { until: this.#deadline() });
    } catch (error) {
      if (!(error instanceof NotKept)) throw error;
      // It may have been forgotten meanwhile, and another one made.
      const current = this.#memoryOf(key);
      current.promisedAt = Math.max(current.promisedAt, promisedAt);
      this.#clock.after(renewalPauseMs, () => this.noticed(key));
    }
  }

  #memoryOf(key: string): Memory {
    const known = this.#memories.get(key);
    if (known !== undefined) return known;
    const made: Memory = { written: null, promisedAt: 0, writing: null, telling: null };
    this.#memories.set(key, made);
    return made;
  }

  #freshnessOf(key: string): Freshness | undefined {
    const watch = this.#options.watchOf(key);
    if (watch === undefined) return undefined;
    const known = this.#freshness.get(watch);
    if (known !== undefined) return known;
    const patienceMs = Math.min(longestPatienceMs, this.#options.writeTimeoutMs * patiencePart);
    const made = new Freshness(watch, this.#clock, patienceMs);
    this.#freshness.set(watch, made);
    return made;
  }

  /** Promises a run where a mark waits, of which it is certain enough that no Job has been made for it. */
  #cover(key: string): boolean {
    const freshness = this.#freshnessOf(key);
    const written = this.#memories.get(key)?.written ?? null;
    const provider = this.#options.lookUp(key);
    if (provider === undefined || freshness?.watch.isWatching !== true) return false;
    const { waits, ahead } = markOf(provider, written);
    const knownAt = Math.max(freshness.at, ahead?.begunAt ?? -Infinity);
    if (!waits || this.#clock.monotonic() - knownAt >= trustMs) return false;
    this.#memoryOf(key).promisedAt = this.#clock.now();
    return true;
  }

  /** Where a mark waits that is not certain enough, and a write that could make it so is under way for another provider. */
  #hopeOf(key: string): Promise<undefined> | null {
    const freshness = this.#freshnessOf(key);
    const memory = this.#memories.get(key);
    const provider = this.#options.lookUp(key);
    if (provider === undefined || freshness?.watch.isWatching !== true) return null;
    const isOwn = memory !== undefined && memory.writing !== null;
    return !isOwn && markOf(provider, memory?.written ?? null).waits ? freshness.hope : null;
  }

  #deadline(): number {
    return this.#clock.monotonic() + this.#options.writeTimeoutMs;
  }

  #begin(key: string, memory: Memory, writing: Writing): Promise<void> {
    this.#freshnessOf(key)?.expect();
    const kept = this.#keep(key, memory, writing).finally(() => {
      memory.writing = null;
      // What the watch has shown meanwhile was not looked at.
      this.noticed(key);
    });
    memory.writing = kept;
    return kept;
  }

  /** Tries until it is kept or time is up. @throws NotKept */
  async #keep(key: string, memory: Memory, { event, until }: Writing): Promise<void> {
    const deadline = new AbortController();
    const { signal } = deadline;
    const cancel = this.#clock.after(until - this.#clock.monotonic(), () => deadline.abort());
    try {
      const write = (): Promise<MarkResult> => this.#write(key, memory, { event, signal });
      this.#options.onResult?.(await this.#turns.take(write, signal));
    } catch (error) {
      this.#options.onResult?.('failed');
      throw error;
    } finally {
      cancel();
    }
  }

  async #write(
    key: string,
    memory: Memory,
    { event, signal }: { readonly event: SubscriptionEvent | undefined; readonly signal: AbortSignal },
  ): Promise<MarkResult> {
    const meant = this.#options.lookUp(key)?.uid;
    for (let pause = firstPauseMs; ; pause = Math.min(longestPauseMs, pause * 2)) {
      const provider = this.#options.lookUp(key);
      if (provider === undefined || provider.uid !== meant) return 'gone';
      // What was uncertain before its turn may be certain now.
      if (event === undefined && this.#cover(key)) return 'covered';
      const result = await this.#tryOnce(provider, memory, { event, signal });
      if (result !== 'again') return result;
      await sleep(this.#clock, pause, signal);
      if (isAborted(signal)) throw new NotKept('The API server could not keep it in time');
    }
  }

  async #tryOnce(
    provider: KnownProvider,
    memory: Memory,
    { event, signal }: { readonly event: SubscriptionEvent | undefined; readonly signal: AbortSignal },
  ): Promise<MarkResult | 'again'> {
    const mark = this.#nextMark(provider, memory, event);
    const freshness = this.#freshnessOf(provider.key);
    const begun: Begun = { at: this.#clock.monotonic(), shown: freshness?.watch.resourceVersion };
    try {
      const version = await this.#options.write(provider, mark, signal);
      memory.written = { mark: mark.syncRequestedAt, version, begunAt: begun.at };
      freshness?.kept(begun, version);
      return 'written';
    } catch (error) {
      if (isAborted(signal)) throw new NotKept('The API server did not answer in time', { cause: error });
      if (!isKubeError(error)) throw error;
      if (isGone(error)) return 'gone';
      this.#complain(provider.key, error);
      if (isFinal(error)) throw new NotKept('The API server refuses a mark', { cause: error });
      return 'again';
    }
  }

  #nextMark(provider: KnownProvider, memory: Memory, event: SubscriptionEvent | undefined): Mark {
    const { mark } = markOf(provider, memory.written);
    const syncRequestedAt = unlikeAnyOther(nextMark(mark, new Date(this.#clock.now())), this.#clock);
    return event === undefined
      ? { syncRequestedAt }
      : { syncRequestedAt, subscriptionEvent: { event, at: syncRequestedAt } };
  }

  /** What fails for one fails for all, and tells it with each of them. */
  #complain(key: string, error: KubeError): void {
    const now = this.#clock.monotonic();
    if (now - this.#complainedAt < complaintPauseMs) return;
    this.#complainedAt = now;
    const fields = { provider: key, kind: error.kind, reason: error.message };
    if (isFinal(error)) this.#options.log.error(fields, 'The API server refuses a mark');
    else this.#options.log.warn(fields, 'Could not write a mark; trying again for a moment');
  }
}

/** The latest that is known, whether it waits for its Job, and what was written that the watch has yet to show. */
function markOf(
  provider: KnownProvider,
  written: Written | null,
): { readonly mark: string; readonly waits: boolean; readonly ahead: Written | null } {
  const { syncRequestedAt: seen = '', lastHandledSyncRequest: handled = '' } = provider;
  const ahead = isOlder(provider.metadata.resourceVersion, written?.version) ? written : null;
  const mark = ahead?.mark ?? seen;
  return { mark, waits: mark !== '' && !isHandled(mark, handled), ahead };
}

/**
 * A write of what is there already changes nothing: it would prove nothing, and what is there may long have been handled.
 * Two replicas can hit upon the same time.
 */
function unlikeAnyOther(mark: string, clock: Clock): string {
  const digits = String(Math.floor(clock.random() * 1e6)).padStart(6, '0');
  return mark.replace('Z', `${digits}Z`);
}

/** A 404 without the API server's own word for it is a proxy's, or that of one which does not serve the kind now. */
function isGone(error: KubeError): boolean {
  return isKubeError(error, 'notFound') && error.reason === 'NotFound';
}

/** Another try would not mend it. */
function isFinal(error: KubeError): boolean {
  return isKubeError(error, 'forbidden', 'unauthorized', 'invalid');
}
