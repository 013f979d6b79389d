/** The folder tree of one mailbox: names, places, and the aliases that lead to them. Knows nothing of messages. */
import { folderId } from './ids.ts';
import { WELL_KNOWN_FOLDERS, type Locale } from './wellKnown.ts';

export interface FolderRecord {
  readonly serial: number;
  readonly id: string;
  displayName: string;
  /** Absent for the root alone. */
  parentId?: string;
  readonly wellKnownName?: string;
  version: number;
}

export class FolderTree {
  readonly #key: string;
  readonly #byId = new Map<string, FolderRecord>();
  readonly #byAlias = new Map<string, FolderRecord>();
  #nextSerial = 0;
  readonly root: FolderRecord;

  /** `key` sets the ids apart from other mailboxes'; `without` names the well-known folders this one lacks. */
  constructor(key: string, locale: Locale, without: readonly string[] = []) {
    this.#key = key;
    this.root = this.#insert('Top of Information Store', undefined, 'msgfolderroot');
    for (const entry of WELL_KNOWN_FOLDERS) {
      const parent = this.#byAlias.get(entry.below ?? 'msgfolderroot');
      if (without.includes(entry.name) || parent === undefined) continue;
      this.#insert(entry.displayNames[locale], parent.id, entry.name);
    }
  }

  #insert(displayName: string, parentId?: string, wellKnownName?: string): FolderRecord {
    const serial = this.#nextSerial++;
    const record: FolderRecord = {
      serial,
      id: folderId(this.#key, serial),
      displayName,
      version: 0,
      ...(parentId === undefined ? {} : { parentId }),
      ...(wellKnownName === undefined ? {} : { wellKnownName }),
    };
    this.#byId.set(record.id, record);
    if (wellKnownName !== undefined) this.#byAlias.set(wellKnownName, record);
    return record;
  }

  add(displayName: string, parentId: string): FolderRecord {
    return this.#insert(displayName, this.require(parentId).id);
  }

  get(id: string): FolderRecord | undefined {
    return this.#byId.get(id);
  }

  /** The id of a folder by serial, whether or not it still exists. */
  idOf(serial: number): string {
    return folderId(this.#key, serial);
  }

  bySerial(serial: number): FolderRecord | undefined {
    return this.#byId.get(this.idOf(serial));
  }

  wellKnown(name: string): FolderRecord | undefined {
    return this.#byAlias.get(name.toLowerCase());
  }

  /** A folder by id or well-known name, as a Graph URL may name it. */
  resolve(idOrName: string): FolderRecord | undefined {
    return this.#byId.get(idOrName) ?? this.wellKnown(idOrName);
  }

  /** A folder by id, well-known name or path; throws when there is none, for it is a test's mistake. */
  require(name: string): FolderRecord {
    const record = this.resolve(name) ?? this.byPath(name);
    if (record === undefined) throw new Error(`The mailbox has no folder "${name}".`);
    return record;
  }

  /** `Inbox/Projects`; the first part may also be a well-known name. Names that hold a slash are found as well. */
  byPath(path: string, below: FolderRecord = this.root): FolderRecord | undefined {
    for (const child of this.children(below.id)) {
      const alias = below === this.root ? child.wellKnownName : undefined;
      for (const name of [child.displayName, alias]) {
        if (name === undefined) continue;
        if (path.toLowerCase() === name.toLowerCase()) return child;
        if (!path.toLowerCase().startsWith(`${name.toLowerCase()}/`)) continue;
        const found = this.byPath(path.slice(name.length + 1), child);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  children(id: string): FolderRecord[] {
    return [...this.#byId.values()].filter((record) => record.parentId === id);
  }

  /** The folder itself and everything below it, parents first. */
  subtree(id: string): FolderRecord[] {
    const top = this.#byId.get(id);
    if (top === undefined) return [];
    return [top, ...this.children(id).flatMap((child) => this.subtree(child.id))];
  }

  /** Every folder but the root, which Graph never lists. */
  all(): FolderRecord[] {
    return [...this.#byId.values()].filter((record) => record !== this.root);
  }

  isWithin(id: string, ancestorId: string): boolean {
    let current = this.#byId.get(id);
    while (current !== undefined) {
      if (current.id === ancestorId) return true;
      current = current.parentId === undefined ? undefined : this.#byId.get(current.parentId);
    }
    return false;
  }

  /** Takes one folder out; the caller has dealt with what lay below. */
  drop(id: string): void {
    const record = this.#byId.get(id);
    this.#byId.delete(id);
    if (record?.wellKnownName !== undefined) this.#byAlias.delete(record.wellKnownName);
  }
}
