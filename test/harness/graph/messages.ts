/**
 * The messages of one mailbox: which there are, where they lie, what they say. A message that was born with the
 * mailbox is a small record until it is read; its text comes from content.ts on demand.
 * Holds no history (changeLog.ts) and no rules of Graph (routes): only the present state.
 */
import {
  graphTime,
  isReadNumber,
  messageContent,
  receivedAt,
  threadOf,
  type ContentSource,
} from './content.ts';
import { changeKey, conversationId, messageIds, type MessageIds } from './ids.ts';
import { hash } from './random.ts';

export interface MessageRecord {
  readonly serial: number;
  folderId: string;
  /** How often it has changed folders. */
  moves: number;
  /** When it came to be, in ms: what its generated times are made from. */
  readonly created: number;
  /** Sort key in ms; 0 when the message bears no readable receivedDateTime. */
  received: number;
  isRead: boolean;
  version: number;
  modified: number;
  /** Overrides of generated properties, raw. */
  patch?: Record<string, unknown>;
  omit?: readonly string[];
}

/** A message as a test sees it: the Graph properties under its immutable id. */
export interface StoredMessage {
  readonly id: string;
  readonly parentFolderId: string;
  readonly subject?: unknown;
  readonly isRead?: unknown;
  readonly categories?: unknown;
  readonly receivedDateTime?: unknown;
  readonly from?: unknown;
  readonly toRecipients?: unknown;
  readonly bodyPreview?: unknown;
  readonly conversationId?: unknown;
  readonly internetMessageId?: unknown;
  readonly [property: string]: unknown;
}

export type MessageOrder = 'received' | 'received-ascending' | 'subject' | 'arbitrary';

export class MessageStore {
  readonly #key: string;
  readonly #source: ContentSource;
  readonly ids: MessageIds;
  readonly #records = new Map<number, MessageRecord>();
  readonly #byFolder = new Map<string, Set<number>>();
  /** Sorted views, dropped whenever membership or a sort key changes. */
  readonly #views = new Map<string, readonly MessageRecord[]>();
  #nextSerial = 0;

  constructor(key: string, source: ContentSource) {
    this.#key = key;
    this.#source = source;
    this.ids = messageIds(key);
  }

  /** Fills the mailbox; `folderOf` says where message number N is born. */
  populate(folderOf: (number: number) => string): void {
    for (let number = 0; number < this.#source.count; number++) {
      const received = receivedAt(this.#source, number);
      this.insert(folderOf(number), received, isReadNumber(this.#source, number));
    }
  }

  insert(folderId: string, at: number, isRead: boolean): MessageRecord {
    const serial = this.#nextSerial++;
    const record: MessageRecord = {
      serial,
      folderId,
      isRead,
      moves: 0,
      version: 0,
      created: at,
      received: at,
      modified: at,
    };
    this.#records.set(record.serial, record);
    this.#membersOf(folderId).add(record.serial);
    this.#views.clear();
    return record;
  }

  #membersOf(folderId: string): Set<number> {
    const members = this.#byFolder.get(folderId) ?? new Set<number>();
    this.#byFolder.set(folderId, members);
    return members;
  }

  move(record: MessageRecord, folderId: string): void {
    this.#membersOf(record.folderId).delete(record.serial);
    this.#membersOf(folderId).add(record.serial);
    record.folderId = folderId;
    record.moves += 1;
    this.#views.clear();
  }

  remove(record: MessageRecord): void {
    this.#membersOf(record.folderId).delete(record.serial);
    this.#records.delete(record.serial);
    this.#views.clear();
  }

  /** To be called after a sort key (receivedDateTime, subject) has changed. */
  resort(): void {
    this.#views.clear();
  }

  bySerial(serial: number): MessageRecord | undefined {
    return this.#records.get(serial);
  }

  /** A message by either form of its id; a mutable id names it only until it moves. */
  find(id: string): MessageRecord | undefined {
    const read = this.ids.read(id);
    const record = read === undefined ? undefined : this.#records.get(read.serial);
    return read?.moves === undefined || read.moves === record?.moves ? record : undefined;
  }

  all(): MessageRecord[] {
    return [...this.#records.values()];
  }

  inFolder(folderId: string): MessageRecord[] {
    const members = [...(this.#byFolder.get(folderId) ?? [])];
    return members.flatMap((serial) => this.#records.get(serial) ?? []);
  }

  counts(folderId: string): { total: number; unread: number } {
    const members = this.inFolder(folderId);
    return { total: members.length, unread: members.filter((record) => !record.isRead).length };
  }

  /** A number by which the record sorts; ties are broken by serial. Not for the order by subject. */
  sortKey(record: MessageRecord, order: MessageOrder): number {
    if (order === 'arbitrary') return hash(this.#source.seed, 'order', record.serial);
    return order === 'received' ? -record.received : record.received;
  }

  /** The messages of a folder, or of the whole mailbox, in order. */
  sorted(folderId: string | undefined, order: MessageOrder): readonly MessageRecord[] {
    const name = `${order} ${folderId ?? ''}`;
    const view = this.#views.get(name) ?? this.#sort(folderId, order);
    this.#views.set(name, view);
    return view;
  }

  #sort(folderId: string | undefined, order: MessageOrder): MessageRecord[] {
    const records = folderId === undefined ? this.all() : this.inFolder(folderId);
    if (order === 'subject') {
      const keyed = records.map(
        (record) => [JSON.stringify(this.render(record).subject ?? ''), record] as const,
      );
      keyed.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1].serial - b[1].serial));
      return keyed.map(([, record]) => record);
    }
    const keyed = records.map((record) => [this.sortKey(record, order), record] as const);
    keyed.sort((a, b) => a[0] - b[0] || a[1].serial - b[1].serial);
    return keyed.map(([, record]) => record);
  }

  /** Everything there is to say about a message, under its immutable id. */
  render(record: MessageRecord): StoredMessage {
    const version = changeKey(this.#key, record.serial, record.version);
    const id = this.ids.immutable(record.serial);
    const properties: Record<string, unknown> = {
      '@odata.type': '#microsoft.graph.message',
      '@odata.etag': `W/"${version}"`,
      id,
      changeKey: version,
      ...messageContent(this.#source, record.serial, record.created),
      lastModifiedDateTime: graphTime(record.modified),
      isRead: record.isRead,
      conversationId: conversationId(this.#key, threadOf(this.#source, record.serial)),
      conversationIndex: `AQHZ${hash(this.#source.seed, record.serial).toString(36)}==`,
      webLink: `https://outlook.office365.example/owa/?ItemID=${encodeURIComponent(id)}&exvsurl=1&viewmodel=ReadMessageItem`,
      ...record.patch,
    };
    for (const name of record.omit ?? []) Reflect.deleteProperty(properties, name);
    return { ...properties, id, parentFolderId: record.folderId };
  }
}
