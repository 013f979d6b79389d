// A queue of keys, each worked on by one worker at a time. What is added while its key waits, or is worked on, makes
// one more run and no more; so a handler reads the present state and never an event.
import { type Clock, isAborted, systemClock } from './clock.ts';
import { type Log, silent } from './log.ts';

/** Milliseconds, all of them. Told of what a queue does, in the terms of client-go's metrics. */
export interface WorkQueueObserver {
  readonly depth?: (keys: number) => void;
  readonly added?: () => void;
  /** How long a key waited for a worker. */
  readonly queueDuration?: (ms: number) => void;
  readonly workDuration?: (ms: number) => void;
  readonly retried?: () => void;
}

export interface WorkQueueOptions {
  readonly clock?: Clock;
  readonly log?: Log;
  readonly observer?: WorkQueueObserver;
  /** The pause after a key's first failure; doubled with each further one. Default: 1 s. */
  readonly baseDelayMs?: number;
  /** Default: 5 min. */
  readonly maxDelayMs?: number;
}

export interface WorkResult {
  /** Milliseconds after which the key is to be worked on again. */
  readonly requeueAfterMs?: number | undefined;
}

export interface WorkOptions {
  readonly workers: number;
  /** The signal is the queue's: aborted when it is to stop. What is thrown is logged by its class, and tried again. */
  readonly handle: (key: string, signal: AbortSignal) => Promise<WorkResult | undefined> | Promise<void>;
  readonly signal: AbortSignal;
}

interface Delayed {
  readonly at: number;
  readonly cancel: () => void;
}

export class WorkQueue {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #observer: WorkQueueObserver;
  readonly #baseDelayMs: number;
  readonly #maxDelayMs: number;
  /** Keys that wait for a worker, in their order, and since when. */
  readonly #waiting = new Map<string, number>();
  /** Keys that are worked on, and since when. */
  readonly #working = new Map<string, number>();
  /** Those of them that were added meanwhile. */
  readonly #again = new Set<string>();
  readonly #delayed = new Map<string, Delayed>();
  readonly #failures = new Map<string, number>();
  #wake: (() => void)[] = [];
  #isStopped = false;

  constructor(options: WorkQueueOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silent;
    this.#observer = options.observer ?? {};
    this.#baseDelayMs = options.baseDelayMs ?? 1_000;
    this.#maxDelayMs = options.maxDelayMs ?? 300_000;
  }

  /** Keys that wait for a worker. */
  get depth(): number {
    return this.#waiting.size;
  }

  /** Milliseconds that the workers have spent on what they have not finished, all together and the longest one. */
  unfinished(): { readonly totalMs: number; readonly longestMs: number } {
    const now = this.#clock.monotonic();
    const spent = [...this.#working.values()].map((since) => now - since);
    return { totalMs: spent.reduce((sum, ms) => sum + ms, 0), longestMs: Math.max(0, ...spent) };
  }

  add(key: string): void {
    if (this.#isStopped) return;
    if (this.#waiting.has(key) || this.#again.has(key)) return;
    this.#observer.added?.();
    if (this.#working.has(key)) this.#again.add(key);
    else this.#enqueue(key);
  }

  /** Of several times for one key the earliest counts. An `add` before it changes nothing about it. */
  addAfter(key: string, ms: number): void {
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const at = this.#clock.monotonic() + ms;
    const before = this.#delayed.get(key);
    if (this.#isStopped || (before !== undefined && before.at <= at)) return;
    before?.cancel();
    const cancel = this.#clock.after(ms, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { at, cancel });
  }

  /** After a pause that grows with the key's failures in a row; `forget` or a success ends the row. */
  addRateLimited(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#observer.retried?.();
    const pause = Math.min(this.#maxDelayMs, this.#baseDelayMs * 2 ** Math.min(failures, 30));
    // Between three quarters and all of it, so that those who failed together do not come back together.
    this.addAfter(key, pause * (1 - this.#clock.random() / 4));
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Works until the signal is aborted; resolves when what was under way then has ended. What waits is dropped. */
  async run({ workers, handle, signal }: WorkOptions): Promise<void> {
    const stop = (): void => this.#stop();
    signal.addEventListener('abort', stop, { once: true });
    if (isAborted(signal)) stop();
    await Promise.all(Array.from({ length: workers }, () => this.#work(handle, signal)));
  }

  async #work(handle: WorkOptions['handle'], signal: AbortSignal): Promise<void> {
    while (!this.#isStopped) {
      const next = this.#waiting.entries().next();
      if (next.done === true) await new Promise<void>((resolve) => this.#wake.push(resolve));
      else await this.#process(next.value, handle, signal);
    }
  }

  async #process(
    [key, since]: readonly [string, number],
    handle: WorkOptions['handle'],
    signal: AbortSignal,
  ): Promise<void> {
    const started = this.#clock.monotonic();
    this.#waiting.delete(key);
    this.#working.set(key, started);
    this.#observer.depth?.(this.#waiting.size);
    this.#observer.queueDuration?.(started - since);
    const result = await this.#outcome(key, handle, signal);
    this.#observer.workDuration?.(this.#clock.monotonic() - started);
    this.#working.delete(key);
    if (this.#again.delete(key)) this.#enqueue(key);
    if (result === 'failed') this.addRateLimited(key);
    else this.forget(key);
    if (result !== 'failed' && result?.requeueAfterMs !== undefined)
      this.addAfter(key, result.requeueAfterMs);
  }

  async #outcome(
    key: string,
    handle: WorkOptions['handle'],
    signal: AbortSignal,
  ): Promise<WorkResult | undefined | 'failed'> {
    try {
      return (await handle(key, signal)) ?? undefined;
    } catch (error) {
      if (isAborted(signal)) return undefined;
      const name = error instanceof Error ? error.name : typeof error;
      this.#log.warn({ key, error: name }, 'Work failed; it is tried again');
      return 'failed';
    }
  }

  #enqueue(key: string): void {
    if (this.#isStopped) return;
    this.#waiting.set(key, this.#clock.monotonic());
    this.#observer.depth?.(this.#waiting.size);
    this.#wake.shift()?.();
  }

  #stop(): void {
    this.#isStopped = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    this.#waiting.clear();
    this.#again.clear();
    const sleeping = this.#wake;
    this.#wake = [];
    for (const wake of sleeping) wake();
  }
}
