// Time that stands still until the test moves it.
import type { Clock } from '../../../kube/clock.ts';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

export class ManualClock implements Clock {
  /** What `random` gives. */
  chance = 0;
  #elapsed = 0;
  readonly #epoch: number;
  readonly #timers = new Set<Timer>();
  readonly #watchers = new Set<() => void>();

  /** @param epoch the wall clock at the start, milliseconds */
  constructor(epoch = Date.UTC(2026, 0, 1)) {
    this.#epoch = epoch;
  }

  readonly now = (): number => this.#epoch + this.#elapsed;
  readonly monotonic = (): number => this.#elapsed;
  readonly random = (): number => this.chance;

  readonly after = (ms: number, callback: () => void): (() => void) => {
    const timer = { at: this.#elapsed + Math.max(0, ms), callback };
    this.#timers.add(timer);
    for (const watcher of this.#watchers) watcher();
    return () => this.#timers.delete(timer);
  };

  /** How long each timer has still to run, the next first. */
  pending(): number[] {
    return [...this.#timers].map(({ at }) => at - this.#elapsed).sort((a, b) => a - b);
  }

  /** Moves on, and calls what is due, in its order and at its time. */
  advance(ms: number): void {
    const end = this.#elapsed + ms;
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
      this.#timers.delete(timer);
      this.#elapsed = Math.max(this.#elapsed, timer.at);
      timer.callback();
    }
    this.#elapsed = end;
  }

  /** Resolves once a timer is pending that is due within `ms`. */
  async timerWithin(ms: number): Promise<void> {
    while (this.#next(this.#elapsed + ms) === undefined) {
      const set = Promise.withResolvers<undefined>();
      const watcher = (): void => set.resolve(undefined);
      this.#watchers.add(watcher);
      await set.promise;
      this.#watchers.delete(watcher);
    }
  }

  #next(until: number): Timer | undefined {
    const due = [...this.#timers].filter(({ at }) => at <= until);
    return due.sort((a, b) => a.at - b.at)[0];
  }
}
