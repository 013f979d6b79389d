/**
 * One simulated mailbox, as its owner sees it in Outlook: folders, messages, categories, sign-ins. No HTTP here;
 * what Graph makes of it is decided by the routes. Every act is written to the change log, from which delta
 * rounds are computed. Ids given to these functions and returned by them are immutable ids.
 */
import { ChangeLog, FOLDER_LIST_SCOPE, MAILBOX_SCOPE } from './changeLog.ts';
import { isDraftNumber, type ContentSource } from './content.ts';
import { FolderTree, type FolderRecord } from './folders.ts';
import { Grants, type RevocationKind } from './grants.ts';
import { guid } from './ids.ts';
import { MessageStore, type MessageRecord, type StoredMessage } from './messages.ts';
import { hash } from './random.ts';
import { MASTER_CATEGORIES } from './vocabulary.ts';
import { RICH_FOLDERS, type Locale } from './wellKnown.ts';

export interface MailboxOptions {
  /** Its address, and the name that its owner signs in with. */
  email: string;
  /** As the directory has it; null for a personal account. Default: the address. */
  mail?: string | null;
  locale?: Locale;
  /** How many messages the mailbox is born with; default 0. */
  messages?: number;
  /** `rich` adds nested folders of the user's own; default `plain`. */
  folders?: 'plain' | 'rich';
  seed?: number;
  /** When the newest of the generated messages arrived, in ms; default 2026-11-20T12:00:00Z. */
  newestMessageAt?: number;
  /** Well-known folders this mailbox lacks, e.g. `archive`. */
  without?: readonly string[];
  clock?: () => number;
}

export interface SimulatedFolder {
  readonly id: string;
  readonly displayName: string;
  readonly parentFolderId: string;
  readonly childFolderCount: number;
  readonly totalItemCount: number;
  readonly unreadItemCount: number;
  readonly isHidden: boolean;
  /** For tests; Graph never says it. */
  readonly wellKnownName: string | undefined;
}

/** Raw properties of a message; whatever is given stands as it is, broken values included. */
export interface NewMessage {
  /** Id, well-known name or path; default the Inbox. */
  folder?: string;
  /** Properties that the message shall lack altogether. */
  omit?: readonly string[];
  [property: string]: unknown;
}

export interface MasterCategory {
  displayName: string;
  color: string;
}

/** `410` bare, as seen on mail; with a `Location` to start anew, as documented; `400`, as directory objects have it. */
export type TokenExpiryForm = '410' | '410-location' | '400';

/** Where messages are born, in parts of 100; the rest goes to the user's own folders, else to the Inbox. */
const BIRTHPLACES: readonly (readonly [string, number])[] = [
  ['inbox', 50],
  ['sentitems', 15],
  ['archive', 10],
  ['deleteditems', 5],
  ['junkemail', 4],
  ['conversationhistory', 1],
  ['conflicts', 1],
];

export class SimulatedMailbox {
  readonly email: string;
  readonly mail: string | null;
  /** The user's object id, for `/users/{id}`. */
  readonly userId: string;
  readonly seed: number;
  readonly tree: FolderTree;
  readonly store: MessageStore;
  readonly log = new ChangeLog();
  readonly grants: Grants;
  masterCategories: MasterCategory[] = MASTER_CATEGORIES.map((category) => ({ ...category }));
  /** False: the grant lacks MailboxSettings.Read, and the master list answers 403. */
  masterCategoriesReadable = true;
  readonly #clock: () => number;
  readonly #epochs = new Map<string, number>();
  #epoch = 0;
  #expiryForm: TokenExpiryForm = '410';

  constructor(options: MailboxOptions) {
    this.email = options.email;
    this.mail = options.mail === undefined ? options.email : options.mail;
    this.seed = hash(options.seed ?? 1, options.email.toLowerCase());
    this.#clock = options.clock ?? Date.now;
    const key = `${this.seed} ${options.email.toLowerCase()}`;
    this.userId = guid(key, 'user');
    this.grants = new Grants(key);
    const locale = options.locale ?? 'en';
    this.tree = new FolderTree(key, locale, options.without);
    if (options.folders === 'rich') this.#addUserFolders();
    const newest = options.newestMessageAt ?? Date.UTC(2026, 10, 20, 12);
    const source = { seed: this.seed, locale, owner: options.email, count: options.messages ?? 0, newest };
    this.store = new MessageStore(key, source);
    this.#populate(source);
  }

  #addUserFolders(): void {
    for (const path of RICH_FOLDERS) {
      let parent = this.tree.wellKnown(path[0] ?? '') ?? this.tree.root;
      for (const name of path.slice(1)) {
        const existing = this.tree.children(parent.id).find((child) => child.displayName === name);
        parent = existing ?? this.tree.add(name, parent.id);
      }
    }
  }

  #populate(source: ContentSource): void {
    const own = this.tree.all().filter((folder) => folder.wellKnownName === undefined);
    const inbox = this.tree.require('inbox').id;
    this.store.populate((number) => {
      if (isDraftNumber(source, number)) return this.tree.wellKnown('drafts')?.id ?? inbox;
      let draw = hash(this.seed, 'folder', number) % 100;
      for (const [name, share] of BIRTHPLACES) {
        if (draw < share) return this.tree.wellKnown(name)?.id ?? inbox;
        draw -= share;
      }
      return own[hash(this.seed, 'own folder', number) % Math.max(1, own.length)]?.id ?? inbox;
    });
  }

  /** The refresh token of the latest sign-in: a seed for OUTLOOK_REFRESH_TOKEN. */
  get refreshToken(): string {
    return this.grants.current;
  }

  /** Kills every refresh token issued so far. Access tokens live on until they expire, as at Microsoft. */
  revokeGrant(kind: RevocationKind = 'revoked'): void {
    this.grants.revoke(kind);
  }

  /** The user signs in anew: returns the new refresh token; older ones stay as they are. */
  newSignIn(): string {
    return this.grants.signIn();
  }

  folderView(record: FolderRecord): SimulatedFolder {
    const { total, unread } = this.store.counts(record.id);
    return {
      id: record.id,
      displayName: record.displayName,
      parentFolderId: record.parentId ?? record.id,
      childFolderCount: this.tree.children(record.id).length,
      unreadItemCount: unread,
      totalItemCount: total,
      isHidden: false,
      wellKnownName: record.wellKnownName,
    };
  }

  /** Every folder but the root. */
  folders(): SimulatedFolder[] {
    return this.tree.all().map((record) => this.folderView(record));
  }

  wellKnown(name: string): SimulatedFolder | undefined {
    const record = this.tree.wellKnown(name);
    return record === undefined ? undefined : this.folderView(record);
  }

  /** `Inbox/Projects`; the first part may be a well-known name whatever the mailbox's language. */
  folderByPath(path: string): SimulatedFolder | undefined {
    const record = this.tree.byPath(path);
    return record === undefined ? undefined : this.folderView(record);
  }

  createFolder(options: { displayName: string; parentId?: string }): SimulatedFolder {
    const record = this.tree.add(options.displayName, options.parentId ?? this.tree.root.id);
    this.#logFolder(record, 'added');
    return this.folderView(record);
  }

  renameFolder(id: string, displayName: string): void {
    const record = this.tree.require(id);
    record.displayName = displayName;
    this.#logFolder(record, 'updated', ['displayName']);
  }

  /** Throws when the folder would land below itself. */
  moveFolder(id: string, parentId: string): void {
    const record = this.tree.require(id);
    const parent = this.tree.require(parentId);
    if (this.tree.isWithin(parent.id, record.id)) throw new Error('A folder cannot move below itself.');
    record.parentId = parent.id;
    this.#logFolder(record, 'updated', ['parentFolderId']);
  }

  /** Moves the folder under Deleted Items, as Outlook does; `hard`, or there already: gone with all below it. */
  deleteFolder(id: string, options: { hard?: boolean } = {}): void {
    const record = this.tree.require(id);
    const bin = this.tree.wellKnown('deleteditems');
    if (options.hard !== true && bin !== undefined && !this.tree.isWithin(record.id, bin.id)) {
      this.moveFolder(record.id, bin.id);
      return;
    }
    for (const folder of this.tree.subtree(record.id).toReversed()) {
      for (const message of this.store.inFolder(folder.id)) this.#remove(message);
      this.tree.drop(folder.id);
      this.#logFolder(folder, 'removed');
    }
  }

  #logFolder(
    record: FolderRecord,
    kind: 'added' | 'updated' | 'removed',
    keys: readonly string[] = [],
  ): void {
    record.version += 1;
    this.log.record([FOLDER_LIST_SCOPE], { item: record.serial, kind, moves: 0, keys });
  }

  /** A message arrives (by default unread, now, in the Inbox). */
  createMessage(options: NewMessage = {}): StoredMessage {
    const { folder = 'inbox', omit, ...patch } = options;
    const target = this.tree.require(folder);
    const record = this.store.insert(target.id, this.#clock(), false);
    if (omit !== undefined) record.omit = omit;
    this.#apply(record, patch);
    this.log.record([target.id, MAILBOX_SCOPE], { item: record.serial, kind: 'added', moves: 0, keys: [] });
    return this.store.render(record);
  }

  #apply(record: MessageRecord, patch: Record<string, unknown>): void {
    const { isRead, ...rest } = patch;
    record.patch = { ...record.patch, ...rest };
    if (typeof isRead === 'boolean') {
      record.isRead = isRead;
      delete record.patch['isRead'];
    } else if ('isRead' in patch) record.patch['isRead'] = isRead;
    if ('receivedDateTime' in patch) {
      const parsed = Date.parse(String(patch['receivedDateTime']));
      record.received = Number.isNaN(parsed) ? 0 : parsed;
    }
    this.store.resort();
  }

  /** Changes raw properties. Reading state alone does not touch lastModifiedDateTime, as in Outlook. */
  updateMessage(id: string, patch: Record<string, unknown>): StoredMessage {
    const record = this.#require(id);
    const keys = Object.keys(patch);
    this.#apply(record, patch);
    record.version += 1;
    const readOnly = keys.every((key) => key === 'isRead');
    if (!readOnly) record.modified = this.#clock();
    const changed = readOnly ? keys : [...keys, 'lastModifiedDateTime', 'changeKey'];
    const change = { item: record.serial, kind: 'updated', moves: record.moves, keys: changed } as const;
    this.log.record([record.folderId, MAILBOX_SCOPE], change);
    return this.store.render(record);
  }

  setRead(id: string, isRead: boolean): StoredMessage {
    return this.updateMessage(id, { isRead });
  }

  setCategories(id: string, categories: readonly string[]): StoredMessage {
    return this.updateMessage(id, { categories: [...categories] });
  }

  /** Moves a message to a folder (id, well-known name or path); where it lies already, nothing happens. */
  moveMessage(id: string, folder: string): StoredMessage {
    const record = this.#require(id);
    const target = this.tree.require(folder);
    if (target.id === record.folderId) return this.store.render(record);
    const before = { item: record.serial, moves: record.moves, keys: [] };
    this.log.record([record.folderId], { ...before, kind: 'removed' });
    this.log.record([MAILBOX_SCOPE], { ...before, kind: 'moved' });
    this.store.move(record, target.id);
    record.version += 1;
    this.log.record([target.id], { ...before, kind: 'added', moves: record.moves });
    return this.store.render(record);
  }

  /** Moves the message to Deleted Items; `hard`, or there already: gone. */
  deleteMessage(id: string, options: { hard?: boolean } = {}): void {
    const record = this.#require(id);
    const bin = this.tree.wellKnown('deleteditems');
    if (options.hard === true || bin === undefined || record.folderId === bin.id) this.#remove(record);
    else this.moveMessage(id, bin.id);
  }

  #remove(record: MessageRecord): void {
    const change = { item: record.serial, kind: 'removed', moves: record.moves, keys: [] } as const;
    this.log.record([record.folderId, MAILBOX_SCOPE], change);
    this.store.remove(record);
  }

  #require(id: string): MessageRecord {
    const record = this.store.find(id);
    if (record === undefined) throw new Error('The mailbox has no such message.');
    return record;
  }

  message(id: string): StoredMessage | undefined {
    const record = this.store.find(id);
    return record === undefined ? undefined : this.store.render(record);
  }

  /** The whole mailbox, in order of creation: what tests compare a database to. */
  messages(): StoredMessage[] {
    return this.store.all().map((record) => this.store.render(record));
  }

  /**
   * From now on every cursor issued so far, nextLinks too, answers that its sync state is gone. `folderId` narrows
   * it to one folder's messages; the scopes `mailFolders` (the folder list) and `messages` (mailbox-wide) also serve.
   */
  expireDeltaTokens(options: { folderId?: string } = {}): void {
    if (options.folderId === undefined) this.#epoch += 1;
    else this.#epochs.set(options.folderId, (this.#epochs.get(options.folderId) ?? 0) + 1);
  }

  /** Tokens carry the epoch of their issue; an older one has expired. */
  epochOf(scope: string): number {
    return this.#epoch + (this.#epochs.get(scope) ?? 0);
  }

  setTokenExpiryForm(form: TokenExpiryForm): void {
    this.#expiryForm = form;
  }

  get tokenExpiryForm(): TokenExpiryForm {
    return this.#expiryForm;
  }
}
