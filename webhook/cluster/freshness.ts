// As of when one watch is known to have shown everything. An event says what has happened, not when; a watch can be late,
// or stand still without a word. What a write of our own proves: it has a higher version than all that was kept before it
// began, and a watch shows its events by their versions. Once the watch has come to that version, nothing is missing that
// was kept before that write began. One such write answers for all that this watch shows. See docs/decisions/0026.
import type { Clock } from '../../kube/clock.ts';
import { isOlder } from '../../kube/resourceVersion.ts';

/** Of a reflector. */
export interface Watched {
  readonly isWatching: boolean;
  /** Everything that was kept up to here is known. */
  readonly resourceVersion: string | undefined;
}

/** What held right before a write was sent. */
export interface Begun {
  /** Monotonic. */
  readonly at: number;
  /** To where the watch had come. */
  readonly shown: string | undefined;
}

interface Kept {
  readonly version: string;
  readonly begunAt: number;
}

interface Hope {
  readonly since: number;
  readonly ended: Promise<undefined>;
  readonly end: () => void;
}

/** What is known is relied upon for so long (milliseconds), counted from when it was certain. */
export const trustMs = 5_000;

export class Freshness {
  readonly watch: Watched;
  readonly #clock: Clock;
  readonly #patienceMs: number;
  #at = -Infinity;
  /** Kept writes that the watch has yet to show: the one that is looked out for, and the last one after it. */
  #next: Kept | null = null;
  #last: Kept | null = null;
  #hope: Hope | null = null;

  /** @param patienceMs for so long others wait for a write that is under way, rather than write themselves */
  constructor(watch: Watched, clock: Clock, patienceMs: number) {
    this.watch = watch;
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  /** Everything that was kept before this moment (monotonic) is known. */
  get at(): number {
    while (this.#next !== null && this.#hasShown(this.#next.version)) {
      this.#at = Math.max(this.#at, this.#next.begunAt);
      [this.#next, this.#last] = [this.#last, null];
    }
    return this.#at;
  }

  /** Resolves, soon in any case, when a write that is under way has proved something or is not waited for any longer. */
  get hope(): Promise<undefined> | null {
    return this.#hope?.ended ?? null;
  }

  /** A write is on its way that will prove something. */
  expect(): void {
    if (this.#hope !== null) return;
    const { promise: ended, resolve } = Promise.withResolvers<undefined>();
    const end = (): void => {
      cancel();
      this.#hope = null;
      resolve(undefined);
    };
    const cancel = this.#clock.after(this.#patienceMs, end);
    this.#hope = { since: this.#clock.monotonic(), ended, end };
  }

  /** A write was kept. One that has no higher version than what was there before has changed nothing, and proves nothing. */
  kept({ at: begunAt, shown }: Begun, version: string | undefined): void {
    if (version === undefined || !isOlder(shown, version)) return;
    const write = { version, begunAt };
    // The watch may never come to a version of a cluster that was restored from a backup.
    if (this.#next === null || this.#clock.monotonic() - this.#next.begunAt >= trustMs) this.#next = write;
    else this.#last = write;
    this.#settle();
  }

  /** The watch has shown something; its version is the new one once the handler of the change has returned. */
  noticed(): void {
    if (this.#hope !== null) queueMicrotask(() => this.#settle());
  }

  #settle(): void {
    if (this.#hope !== null && this.at >= this.#hope.since) this.#hope.end();
  }

  #hasShown(version: string): boolean {
    const { resourceVersion } = this.watch;
    return resourceVersion === version || isOlder(version, resourceVersion);
  }
}
