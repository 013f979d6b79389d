// The marks that wake mailboxes. A notification is answered when a mark is certain to be there that no Job has served
// yet: one that waits already, or a new one that the API server has kept. See docs/decisions/0026.
import { isHandled, nextMark } from '../../api/notificationMark.ts';
import { type Clock, isAborted, sleep, systemClock } from '../../kube/clock.ts';
import { isKubeError } from '../../kube/errors.ts';
import type { Log } from '../../kube/log.ts';
import { NotKept, type Provider, type SubscriptionEvent, type WakeUps } from '../wakeUp.ts';
import type { KnownProvider } from './knownProvider.ts';

/** What is written at once into the status of a provider. */
export interface Mark {
  readonly syncRequestedAt: string;
  readonly subscriptionEvent?: { readonly event: SubscriptionEvent; readonly at: string };
}

export type MarkResult = 'written' | 'covered' | 'failed' | 'gone';

export interface MarksOptions {
  readonly lookUp: (key: string) => KnownProvider | undefined;
  readonly isFollowed: (key: string) => boolean;
  /** Resolves when the API server has kept it. @throws KubeError */
  readonly write: (provider: KnownProvider, mark: Mark, signal: AbortSignal) => Promise<void>;
  /** For an answer to wait for its write. */
  readonly writeTimeoutMs: number;
  readonly log: Log;
  readonly clock?: Clock;
  readonly onResult?: (result: MarkResult) => void;
}

/** One provider for as long as there is something to remember of it. */
interface Memory {
  /** Written or renewed by this process last, and when (monotonic); the cache may not show it yet. */
  mark: string;
  markedAt: number;
  /** When somebody was last answered on the account of a waiting mark, milliseconds since the epoch; 0: never since. */
  coveredAt: number;
  /** The write under way, and the one that those wait for who came when it was on its way already. */
  writing: Promise<void> | null;
}

/** A mark is trusted to wait for so long; then another is written, in case the watch is late. */
const trustMs = 5_000;
const writesAtOnce = 32;
/** Of providers that wait for their write; those beyond are refused rather than kept in memory. */
const mostWaiting = 20_000;
const firstPauseMs = 100;

export class Marks implements WakeUps {
  readonly #options: MarksOptions;
  readonly #clock: Clock;
  readonly #memories = new Map<string, Memory>();
  readonly #turns: (() => void)[] = [];
  #active = 0;

  constructor(options: MarksOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Providers that wait for a write or are being written. */
  get waiting(): number {
    return this.#active + this.#turns.length;
  }

  async wake({ key }: Provider): Promise<void> {
    const memory = this.#memoryOf(key);
    if (this.#isCovered(key, memory)) {
      memory.coveredAt = this.#clock.now();
      this.#options.onResult?.('covered');
      return;
    }
    memory.writing ??= this.#begin(key, memory, undefined);
    await memory.writing;
  }

  async tell({ key }: Provider, event: SubscriptionEvent): Promise<void> {
    const memory = this.#memoryOf(key);
    await memory.writing?.catch(() => undefined);
    const writing = this.#begin(key, memory, event);
    memory.writing = writing;
    await writing;
  }

  /**
   * A provider has changed. Where a run turns out to have begun before somebody was answered on its account, it may
   * have looked at the mailbox too early.
   */
  noticed(key: string): void {
    const memory = this.#memories.get(key);
    const provider = this.#options.lookUp(key);
    if (memory === undefined) return;
    if (provider === undefined) {
      this.#memories.delete(key);
      return;
    }
    if (!isHandled(memory.mark, provider.lastHandledSyncRequest ?? '') || memory.writing !== null) return;
    if (memory.coveredAt === 0 || provider.ranAt > memory.coveredAt) {
      this.#memories.delete(key);
      return;
    }
    // The run that serves the mark has yet to begin, unless what began last did so after the mark was made.
    if (provider.ranAt < Date.parse(memory.mark)) return;
    memory.coveredAt = 0;
    this.wake(provider).catch(() => {
      this.#options.log.warn(
        { provider: key },
        'Could not keep that a mailbox has changed; its schedule will',
      );
    });
  }

  #memoryOf(key: string): Memory {
    const known = this.#memories.get(key);
    if (known !== undefined) return known;
    const made: Memory = { mark: '', markedAt: -Infinity, coveredAt: 0, writing: null };
    this.#memories.set(key, made);
    return made;
  }

  /** Whether a mark waits, of which it is certain enough that no Job has been made for it. */
  #isCovered(key: string, memory: Memory): boolean {
    const provider = this.#options.lookUp(key);
    if (provider === undefined || !this.#options.isFollowed(key)) return false;
    const { syncRequestedAt: seen = '', lastHandledSyncRequest: handled = '' } = provider;
    const now = this.#clock.monotonic();
    // Another replica's: trusted from when it is first seen here.
    if (seen > memory.mark) {
      memory.mark = seen;
      memory.markedAt = now;
    }
    return memory.mark !== '' && !isHandled(memory.mark, handled) && now - memory.markedAt < trustMs;
  }

  #begin(key: string, memory: Memory, event: SubscriptionEvent | undefined): Promise<void> {
    const writing = this.#keep(key, memory, event).finally(() => {
      if (memory.writing === writing) memory.writing = null;
    });
    return writing;
  }

  /** Tries until it is kept or time is up. @throws NotKept */
  async #keep(key: string, memory: Memory, event: SubscriptionEvent | undefined): Promise<void> {
    const deadline = new AbortController();
    const cancel = this.#clock.after(this.#options.writeTimeoutMs, () => deadline.abort());
    try {
      await this.#turn(deadline.signal);
      try {
        this.#options.onResult?.(await this.#write(key, memory, { event, signal: deadline.signal }));
      } finally {
        this.#pass();
      }
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
    for (let pause = firstPauseMs; ; pause *= 2) {
      const provider = this.#options.lookUp(key);
      if (provider === undefined) return 'gone';
      const mark = this.#markAfter(provider, memory, event);
      try {
        await this.#options.write(provider, mark, signal);
        memory.mark = mark.syncRequestedAt;
        memory.markedAt = this.#clock.monotonic();
        return 'written';
      } catch (error) {
        // Gone, or made anew under its name: whoever was meant is no more.
        if (isKubeError(error, 'notFound', 'conflict')) return 'gone';
        if (isAborted(signal)) throw new NotKept('The API server did not answer in time', { cause: error });
        if (isKubeError(error, 'forbidden', 'invalid'))
          this.#options.log.error({ provider: key, reason: error.message }, 'The API server refuses a mark');
      }
      await sleep(this.#clock, pause, signal);
      if (isAborted(signal)) throw new NotKept('The API server could not keep it in time');
    }
  }

  #markAfter(provider: KnownProvider, memory: Memory, event: SubscriptionEvent | undefined): Mark {
    const { syncRequestedAt: seen = '' } = provider;
    const before = seen > memory.mark ? seen : memory.mark;
    const syncRequestedAt = nextMark(before, new Date(this.#clock.now()));
    return event === undefined
      ? { syncRequestedAt }
      : { syncRequestedAt, subscriptionEvent: { event, at: syncRequestedAt } };
  }

  /** Resolves when there is room for one more write. */
  async #turn(signal: AbortSignal): Promise<void> {
    if (this.#active < writesAtOnce) {
      this.#active += 1;
      return;
    }
    if (this.#turns.length >= mostWaiting) throw new NotKept('Too much waits to be kept');
    await new Promise<void>((resolve, reject) => {
      const go = (): void => {
        signal.removeEventListener('abort', end);
        resolve();
      };
      const end = (): void => {
        this.#turns.splice(this.#turns.indexOf(go), 1);
        reject(new NotKept('The API server keeps too little in this time'));
      };
      signal.addEventListener('abort', end, { once: true });
      this.#turns.push(go);
    });
  }

  #pass(): void {
    const next = this.#turns.shift();
    if (next === undefined) this.#active -= 1;
    else next();
  }
}
