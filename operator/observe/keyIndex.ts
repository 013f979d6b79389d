/**
 * Which keys bear a token. Most of the tens of thousands of tokens have one key, which is kept as it is; a set costs
 * ten times as much.
 */
export class KeyIndex {
  readonly #keys = new Map<string, string | Set<string>>();

  /** The key bore the tokens `before` and bears the tokens `after` from now on. */
  move(key: string, before: readonly string[], after: readonly string[]): void {
    for (const token of before) if (!after.includes(token)) this.#remove(token, key);
    for (const token of after) this.#add(token, key);
  }

  /** In the order in which they came. */
  get(token: string): readonly string[] {
    const keys = this.#keys.get(token);
    if (keys === undefined) return [];
    return typeof keys === 'string' ? [keys] : [...keys];
  }

  #add(token: string, key: string): void {
    const keys = this.#keys.get(token);
    if (keys === undefined) this.#keys.set(token, key);
    else if (typeof keys !== 'string') keys.add(key);
    else if (keys !== key) this.#keys.set(token, new Set([keys, key]));
  }

  #remove(token: string, key: string): void {
    const keys = this.#keys.get(token);
    if (keys === key) this.#keys.delete(token);
    if (keys === undefined || typeof keys === 'string') return;
    keys.delete(key);
    const [last] = keys;
    if (keys.size === 1 && last !== undefined) this.#keys.set(token, last);
  }
}
