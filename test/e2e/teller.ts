// Graph's part while a mailbox lives: each change is told to its subscribers at once, and again when it is not taken.
import { setTimeout as sleep } from 'node:timers/promises';
import type { GraphSimulator } from '../harness/graph/simulator.ts';
import { Poster } from '../harness/graph/poster.ts';
import { type Answered, post } from './notifier.ts';

export type Told = Answered & { readonly url: string };

const LOOK_MS = 20;
/** Graph waits longer; a test does not. */
const AGAIN_MS = { first: 250, most: 2_000 };

/** Tells from its beginning until it is closed. */
export class Teller {
  readonly #graph: GraphSimulator;
  readonly #answers: Told[] = [];
  readonly #waiting = new Set<(told: Told) => void>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #over = new AbortController();
  readonly #poster = new Poster(16);
  readonly #timer: NodeJS.Timeout;
  #isPaused = false;

  constructor(graph: GraphSimulator) {
    this.#graph = graph;
    this.#timer = setInterval(() => {
      if (!this.#isPaused) void this.#begin();
    }, LOOK_MS);
  }

  /** All answers so far; status 0 stands for none. */
  get answers(): readonly Told[] {
    return this.#answers;
  }

  /** The next answer to a request to this address. */
  next(url: string): Promise<Told> {
    return new Promise((resolve) => {
      const hear = (told: Told): void => {
        if (told.url !== url) return;
        this.#waiting.delete(hear);
        resolve(told);
      };
      this.#waiting.add(hear);
    });
  }

  /** While true, nothing is told; what changes meanwhile is told afterwards. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
  }

  /** Resolves when everything that has changed so far was taken. */
  async drained(): Promise<void> {
    await this.#begin();
    await Promise.all(this.#underWay);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#over.abort();
    await this.#poster.close();
    await Promise.allSettled(this.#underWay);
  }

  #begin(): Promise<void> {
    const telling = this.#tell().finally(() => this.#underWay.delete(telling));
    this.#underWay.add(telling);
    return telling;
  }

  async #tell(): Promise<void> {
    const deliveries = await this.#graph.deliverNotifications();
    await Promise.all(
      deliveries.map(async ({ url, status, ms, at, value }) => {
        this.#note({ url, status, tookMs: ms, at });
        if (!isSettled(status)) await this.#again(url, value);
      }),
    );
  }

  async #again(url: string, value: readonly object[]): Promise<void> {
    const { signal } = this.#over;
    for (let waitMs = AGAIN_MS.first; !signal.aborted; waitMs = Math.min(waitMs * 2, AGAIN_MS.most)) {
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
      const answered = await post(this.#poster, url, value);
      this.#note({ url, ...answered });
      if (isSettled(answered.status)) return;
    }
  }

  #note(told: Told): void {
    this.#answers.push(told);
    for (const hear of this.#waiting) hear(told);
  }
}

/** What is refused for good is not sent again, either. */
const isSettled = (status: number): boolean => status !== 0 && status !== 429 && status < 500;
