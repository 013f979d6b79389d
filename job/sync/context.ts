import type { Logger } from 'pino';
import type { DatabasePool } from 'slonik';
import type { GraphClient } from '../graph/client.ts';
import type { Clock } from '../graph/gate.ts';
import type { MailboxUrls } from '../graph/page.ts';
import { folderLabel } from '../plan/labels.ts';
import type { Folder } from '../store/folders.ts';
import type { Lease } from '../store/lease.ts';
import type { MailboxOwner } from '../store/messages.ts';

/** What a sync is to do, from the settings of the run. */
export interface SyncPlan {
  readonly maxMessages: number;
  readonly deltaPageLimit: number;
  readonly history: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly deltaScope: 'Auto' | 'Folders' | 'Mailbox';
  readonly storeRawPayload: boolean;
}

/** Everything that the rooms of a sync share; made once per run. */
export interface SyncContext {
  readonly pool: DatabasePool;
  readonly lease: Lease;
  readonly owner: MailboxOwner;
  readonly client: GraphClient;
  readonly urls: MailboxUrls;
  readonly plan: SyncPlan;
  readonly clock: Clock;
  readonly log: Logger;
  readonly tally: Tally;
  readonly budget: PageBudget;
}

/** Whether to stop at the next page's end: told to, or the deadline is over. */
export function isStopping({ clock }: Pick<SyncContext, 'clock'>): boolean {
  return clock.signal.aborted || clock.now() >= clock.deadline;
}

/** What a run has done so far, and a line of progress every few seconds. */
export class Tally {
  upserted = 0;
  removed = 0;
  pages = 0;
  messages = 0;
  /** A message is met by the bootstrap list and by its folder's walk, and counts once. */
  readonly #quarantined = new Set<string>();
  readonly #log: Logger;
  readonly #now: () => number;
  #told: number;

  constructor(log: Logger, now: () => number) {
    this.#log = log;
    this.#now = now;
    this.#told = now();
  }

  get quarantined(): number {
    return this.#quarantined.size;
  }

  /** @param page `quarantined` has their ids, or what tells those without one apart */
  add(page: { upserted: number; removed: number; quarantined: readonly string[]; messages: number }): void {
    this.upserted += page.upserted;
    this.removed += page.removed;
    for (const id of page.quarantined) this.#quarantined.add(id);
    this.messages += page.messages;
    this.pages += 1;
    if (this.#now() - this.#told < 2_000) return;
    this.#told = this.#now();
    this.#log.info(this.counts(), 'Syncing');
  }

  counts(): Record<'upserted' | 'removed' | 'quarantined' | 'pages' | 'messages', number> {
    const { upserted, removed, quarantined, pages, messages } = this;
    return { upserted, removed, quarantined, pages, messages };
  }
}

/** `deltaPageLimit` bounds the pages of each cursor over the whole run, whatever passes and attempts it takes. */
export class PageBudget {
  readonly #limit: number;
  readonly #taken = new Map<string, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes one page of a cursor's budget; false when it is used up. */
  take(cursor: string): boolean {
    const taken = this.#taken.get(cursor) ?? 0;
    if (taken >= this.#limit) return false;
    this.#taken.set(cursor, taken + 1);
    return true;
  }
}

/** A folder as a message's row needs it. */
export interface Place {
  /** `outlook_folder_cursors.id`. */
  readonly id: string;
  /** False for folders whose messages are not kept. */
  readonly kept: boolean;
  /** False for a folder that no list has named yet. */
  readonly known: boolean;
  readonly label: string | null;
}

/** The folders of a mailbox by Graph's id. */
export class FolderIndex {
  readonly #byId = new Map<string, Place>();

  /** @param undecided ids of folders that may turn out to be excluded; their messages are kept until then */
  constructor(folders: readonly Folder[], undecided: ReadonlySet<string>) {
    for (const folder of folders) {
      const known = folder.listed || folder.wellKnownName !== null;
      const kept = folder.tracked || !known || undecided.has(folder.id);
      const label = folderLabel(folder.wellKnownName);
      this.#byId.set(folder.folderId, {
        id: folder.id,
        kept,
        known: known && !undecided.has(folder.id),
        label,
      });
    }
  }

  get(folderId: string): Place | undefined {
    return this.#byId.get(folderId);
  }

  /** By `outlook_folder_cursors.id`. */
  byRow(id: string): Place | null {
    return [...this.#byId.values()].find((place) => place.id === id) ?? null;
  }

  add(folderId: string, id: string): void {
    this.#byId.set(folderId, { id, kept: true, known: false, label: null });
  }
}
