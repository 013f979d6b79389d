/**
 * How many requests one sender may make in a second. Whole seconds are counted and then forgotten, so that what is
 * remembered is bounded by what one second brings.
 */
export class RateLimit {
  readonly #perSecond: number;
  readonly #counts = new Map<string, number>();
  #second = 0;

  /** @param perSecond 0: as many as they like */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** @param now milliseconds */
  admits(sender: string, now: number): boolean {
    if (this.#perSecond === 0) return true;
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#counts.clear();
    }
    const count = (this.#counts.get(sender) ?? 0) + 1;
    this.#counts.set(sender, count);
    return count <= this.#perSecond;
  }
}
