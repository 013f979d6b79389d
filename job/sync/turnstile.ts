/**
 * So many may be inside at once; the others wait, those of the Inbox before all others. The Inbox is where people look
 * first and where most of the mail is: walked last and alone, nothing would hide the time that Graph takes for its
 * pages. It starves nobody, for each walk has a few pages under way at the most.
 */
export class Turnstile {
  #free: number;
  readonly #queue: { readonly first: boolean; readonly enter: () => void }[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  /** @param first whether to be let in before others that wait */
  async enter(first: boolean): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((enter) => this.#queue.push({ first, enter }));
  }

  leave(): void {
    const urgent = this.#queue.findIndex(({ first }) => first);
    const [next] = this.#queue.splice(Math.max(0, urgent), 1);
    if (next) next.enter();
    else this.#free += 1;
  }
}
