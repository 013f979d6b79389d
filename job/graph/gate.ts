import { setTimeout as delay } from 'node:timers/promises';
import { Interrupted, SyncError } from '../errors.ts';

/**
 * The door to one mailbox: at most four requests in flight (Graph's MailboxConcurrency limit), and none at all while
 * a 429 holds the mailbox. A batch counts as the requests that Graph runs for it at once.
 */
export const mailboxConcurrency = 4;

/** Time, chance and the end of the run, as everything that waits needs them. */
export interface Clock {
  readonly now: () => number;
  readonly random: () => number;
  /** Aborted when the run is to stop. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch after which nothing is waited for. */
  readonly deadline: number;
}

/**
 * Sleeps until `at`.
 * @throws Interrupted when the run is to stop
 */
export async function sleepUntil(at: number, clock: Clock): Promise<void> {
  for (let left = at - clock.now(); left > 0; left = at - clock.now()) {
    try {
      await delay(Math.min(Math.ceil(left), 2 ** 31 - 1), undefined, { signal: clock.signal });
    } catch (error) {
      if (clock.signal.aborted) throw new Interrupted('Stopped while waiting', { cause: error });
      throw error;
    }
  }
}

interface Waiter {
  readonly weight: number;
  readonly enter: () => void;
}

export class RequestGate {
  readonly #clock: Clock;
  #free = mailboxConcurrency;
  #heldUntil = 0;
  #throttledInARow = 0;
  readonly #waiting: Waiter[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many answers in a row have been 429, over all requests of the mailbox. */
  get throttledInARow(): number {
    return this.#throttledInARow;
  }

  /** Holds the whole mailbox until `at`; an earlier end never shortens a later one. */
  hold(at: number): void {
    this.#throttledInARow += 1;
    this.#heldUntil = Math.max(this.#heldUntil, at);
  }

  /** Graph answered something else than 429. */
  served(): void {
    this.#throttledInARow = 0;
  }

  /**
   * Runs `send` when there is room for `weight` requests and the mailbox is not held.
   * @throws SyncError `GraphThrottled` when the hold outlasts the run's deadline; Interrupted when the run is to stop
   */
  async pass<T>(weight: number, send: () => Promise<T>): Promise<T> {
    await this.#enter(weight);
    try {
      while (this.#heldUntil > this.#clock.now()) {
        this.#assertWithinDeadline();
        await sleepUntil(this.#heldUntil, this.#clock);
      }
      if (this.#clock.signal.aborted) throw new Interrupted('Stopped before a request');
      return await send();
    } finally {
      this.#leave(weight);
    }
  }

  #assertWithinDeadline(): void {
    if (this.#heldUntil <= this.#clock.deadline) return;
    const until = new Date(this.#heldUntil);
    throw new SyncError('GraphThrottled', "Graph throttles this mailbox beyond the run's deadline", {
      until,
    });
  }

  async #enter(weight: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#free >= weight) {
      this.#free -= weight;
      return;
    }
    await new Promise<void>((enter) => this.#waiting.push({ weight, enter }));
  }

  #leave(weight: number): void {
    this.#free += weight;
    for (let next = this.#waiting[0]; next && next.weight <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.weight;
      next.enter();
    }
  }
}
