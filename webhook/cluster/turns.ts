// How many things may be under way at once, and how many may wait for their turn.
import { NotKept } from '../wakeUp.ts';

export interface TurnsOptions {
  readonly atOnce: number;
  /** Those beyond are refused rather than kept in memory. */
  readonly mostWaiting: number;
}

export class Turns {
  readonly #options: TurnsOptions;
  readonly #waiting = new Set<() => void>();
  #active = 0;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** Under way, or waiting. */
  get count(): number {
    return this.#active + this.#waiting.size;
  }

  /** In the order of their coming. @throws NotKept where too many wait already, or the signal is aborted before its turn */
  async take<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#active < this.#options.atOnce) this.#active += 1;
    else await this.#wait(signal);
    try {
      return await work();
    } finally {
      this.#pass();
    }
  }

  async #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#options.mostWaiting) throw new NotKept('Too much waits to be kept');
    await new Promise<void>((resolve, reject) => {
      const go = (): void => {
        signal.removeEventListener('abort', end);
        resolve();
      };
      const end = (): void => {
        this.#waiting.delete(go);
        reject(new NotKept('The API server keeps too little in this time'));
      };
      signal.addEventListener('abort', end, { once: true });
      this.#waiting.add(go);
    });
  }

  #pass(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#active -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
