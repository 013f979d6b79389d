/**
 * What happened in a mailbox, in order: the ground truth from which delta rounds are computed. Append-only, so
 * the changes of a closed window never alter and a delta link can be asked again with the same result.
 */

/** `moved` is for the mailbox-wide scope: the item stays in it, but its mutable id has changed. */
type ChangeKind = 'added' | 'updated' | 'removed' | 'moved';

export interface Change {
  sequence: number;
  /** The serial of the message or folder. */
  item: number;
  kind: ChangeKind;
  /** How often the item had moved before this change: names the mutable id that it bore until then. */
  moves: number;
  /** The properties that changed; empty unless `updated`. */
  keys: readonly string[];
}

/** The scopes beside folder ids. */
export const FOLDER_LIST_SCOPE = 'mailFolders';
export const MAILBOX_SCOPE = 'messages';

export class ChangeLog {
  readonly #byScope = new Map<string, Change[]>();
  #sequence = 0;
  #listener: () => void = () => undefined;

  /** The number of the latest change; 0 for a mailbox in which nothing has happened yet. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Called after each change, while the act that made it is still under way. */
  listen(listener: () => void): void {
    this.#listener = listener;
  }

  record(scopes: readonly string[], change: Omit<Change, 'sequence'>): void {
    this.#sequence += 1;
    for (const scope of scopes) {
      const list = this.#byScope.get(scope) ?? [];
      list.push({ ...change, sequence: this.#sequence });
      this.#byScope.set(scope, list);
    }
    this.#listener();
  }

  /** The changes of a scope with `after` < sequence <= `until`, oldest first. */
  between(scope: string, after: number, until: number): Change[] {
    const list = this.#byScope.get(scope) ?? [];
    // From the end: whoever asks after each change must not read the whole log each time.
    const last = list.findLastIndex((change) => change.sequence <= after);
    return list.slice(last + 1).filter((change) => change.sequence <= until);
  }
}
