import type { Log } from '../../kube/log.ts';

const pauseMs = 10_000;

/**
 * Warnings that anyone on the Internet can bring about: each is written at once, then not again for ten seconds, after
 * which the next says how many there were in between.
 */
export class SparseLog {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #last = new Map<string, { until: number; withheld: number }>();

  /** @param now milliseconds */
  constructor(log: Log, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  /** @param message one of few */
  warn(fields: object, message: string): void {
    const last = this.#last.get(message);
    const now = this.#now();
    if (last !== undefined && now < last.until) {
      last.withheld += 1;
      return;
    }
    this.#last.set(message, { until: now + pauseMs, withheld: 0 });
    this.#log.warn(last?.withheld ? { ...fields, withheld: last.withheld } : fields, message);
  }
}
