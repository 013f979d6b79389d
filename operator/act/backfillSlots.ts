// The cap on backfill Jobs over the whole cluster, and who is next when one of them ends: first come, first served.
import { keyOf, type KubeObject } from '../../kube/object.ts';

/** Longer than a new Job takes to show up in the cache. */
const reservationMs = 60_000;

/** A Job as it counts here. */
export interface SlotJob {
  readonly provider: string;
  readonly isActiveBackfill: boolean;
  /** A backfill that had ended when it was first seen. */
  readonly cameEnded: boolean;
}

export class BackfillSlots {
  readonly #most: number;
  readonly #wake: (provider: string) => void;
  readonly #monotonic: () => number;
  /** Keys of Jobs. */
  readonly #active = new Set<string>();
  /** By provider: until when a slot is kept for the Job that it is about to make. */
  readonly #reserved = new Map<string, number>();
  /** In the order in which they came. */
  readonly #waiting = new Set<string>();

  /** @param wake told of a provider whose turn it is */
  constructor(
    most: number,
    wake: (provider: string) => void,
    monotonic: () => number = () => performance.now(),
  ) {
    this.#most = most;
    this.#wake = wake;
    this.#monotonic = monotonic;
  }

  /** Whether the provider may start a backfill now; if so, the slot is kept for it until `settle`. */
  reserve(provider: string): boolean {
    this.#dropExpired();
    if (this.#reserved.has(provider)) return true;
    const free = this.#most - this.#active.size - this.#reserved.size;
    if (this.#placeOf(provider) >= free) return false;
    this.#reserved.set(provider, this.#monotonic() + reservationMs);
    return true;
  }

  /** What became of the reservation: a Job was made, or the provider waits, or it wants no backfill. */
  settle(provider: string, { started, awaits }: { started: boolean; awaits: boolean }): void {
    if (awaits && !started) this.#waiting.add(provider);
    else this.#waiting.delete(provider);
    if (!started && this.#reserved.delete(provider)) this.#wakeNext();
  }

  /** A Job appeared, changed, or is gone (undefined). */
  jobChanged(job: KubeObject, now: SlotJob | undefined): void {
    const key = keyOf(job.metadata);
    if (now?.isActiveBackfill === true) {
      this.#active.add(key);
      this.#reserved.delete(now.provider);
    } else if (this.#active.delete(key) || (now?.cameEnded === true && this.#reserved.delete(now.provider))) {
      this.#wakeNext();
    }
  }

  get active(): number {
    return this.#active.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  #wakeNext(): void {
    let free = this.#most - this.#active.size - this.#reserved.size;
    for (const provider of this.#waiting) {
      if (free <= 0) return;
      this.#wake(provider);
      free -= 1;
    }
  }

  /** Those before it in the line; no more are counted than there are slots. */
  #placeOf(provider: string): number {
    let place = 0;
    for (const one of this.#waiting) {
      if (one === provider || place >= this.#most) return place;
      place += 1;
    }
    return place;
  }

  #dropExpired(): void {
    const now = this.#monotonic();
    for (const [provider, until] of this.#reserved) if (until <= now) this.#reserved.delete(provider);
  }
}
