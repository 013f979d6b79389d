import { type Page, reducePage } from '../plan/page.ts';
import { defer, pardon, quarantine, type Quarantined, undefer } from '../store/asides.ts';
import { isRowsFault } from '../store/failure.ts';
import { type CursorUpdate, updateCursor, wholeMailbox } from '../store/folders.ts';
import { upsertLabels } from '../store/labels.ts';
import { fenced } from '../store/lease.ts';
import { deleteMessages, upsertMessages } from '../store/messages.ts';
import type { Queryable } from '../store/pool.ts';
import { savePrimaryCursor } from '../store/state.ts';
import { beginWalk, meet, settle } from '../store/walks.ts';
import type { Categories } from './categories.ts';
import type { SyncContext } from './context.ts';
import { type PageSource, preparePage, type Prepared } from './prepare.ts';
import { Turnstile } from './turnstile.ts';

/**
 * Writes pages, each as one transaction: rows, removals, labels, cursor, behind the fence. Two pages are written at
 * once, on two connections, so that one computes while the other waits for the disk. What keeps that right:
 * - pages that share a message never overlap, for what one decides depends on what the other stored;
 * - of one walk, a page's cursor is written only after its predecessor has been committed, so no cursor ever stands
 *   past a message that is not stored;
 * - a successor takes its connection only after its predecessor has one, so they cannot starve each other.
 */
export interface PageWrite {
  readonly source: PageSource;
  readonly entries: readonly unknown[];
  readonly walk: WalkStep | null;
  readonly after: Turn | null;
}

/** How a page moves its walk on. */
export interface WalkStep {
  readonly update: CursorUpdate;
  /** Graph's id of the folder, empty for the whole mailbox. */
  readonly folderId: string;
  /** The first page of a walk over everything. */
  readonly begins: boolean;
  /** Whether rows noted at the beginning of the walk are still to be met. */
  readonly meets: boolean;
}

/** A write that others may have to wait for. */
export interface Turn {
  /** Settles when the write has its transaction, or will never have one. */
  readonly started: Promise<void>;
  /** Rejects when the write failed. */
  readonly done: Promise<void>;
}

/** Beyond a page: messages that are settled by this write, whatever became of them. */
interface Extra {
  readonly settled?: readonly string[];
  /** Messages that were deferred and have been asked about now. */
  readonly asked?: readonly string[];
}

const slots = 2;

export class PageWriter {
  readonly #context: SyncContext;
  readonly #categories: Categories;
  #quarantineInUse: boolean;
  readonly #slots = new Turnstile(slots);
  #writing: { ids: ReadonlySet<string>; done: Promise<void> }[] = [];

  constructor(context: SyncContext, categories: Categories, quarantineInUse: boolean) {
    this.#context = context;
    this.#categories = categories;
    this.#quarantineInUse = quarantineInUse;
  }

  /** Begins to write a page; the turn tells how it goes. */
  write(page: PageWrite): Turn {
    let start = (): void => undefined;
    const started = new Promise<void>((resolve) => (start = resolve));
    const reduced = reducePage(page.entries);
    const { messages, removed, contradictory } = reduced;
    const ids = new Set([...messages.keys(), ...removed, ...contradictory]);
    const blockers = this.#writing.filter((other) => !ids.isDisjointFrom(other.ids)).map(({ done }) => done);
    const done = this.#write(page, { reduced, blockers, start }).finally(() => {
      start();
      this.#writing = this.#writing.filter((one) => one.done !== done);
    });
    this.#writing.push({ ids, done });
    done.catch(() => undefined);
    return { started, done };
  }

  async #write(
    page: PageWrite,
    how: { reduced: Page; blockers: readonly Promise<void>[]; start: () => void },
  ): Promise<void> {
    await Promise.allSettled(how.blockers);
    const prepared = await preparePage(this.#context, page.source, how.reduced);
    await page.after?.started;
    await this.#store(prepared, { page, start: how.start }, {});
  }

  /** Writes what was prepared outside any walk. */
  async apply(prepared: Prepared, extra: Extra): Promise<void> {
    await this.#store(prepared, null, extra);
  }

  async #store(
    prepared: Prepared,
    step: { page: PageWrite; start: () => void } | null,
    extra: Extra,
  ): Promise<void> {
    await this.#categories.learn(prepared.rows.flatMap(({ labels }) => labels));
    await this.#slots.enter(isOfInbox(step?.page.source));
    try {
      await this.#commit(prepared, step, { ...extra, careful: false });
    } catch (error) {
      if (!isRowsFault(error)) throw error;
      await this.#commit(prepared, step, { ...extra, careful: true });
    } finally {
      this.#slots.leave();
    }
  }

  async #commit(
    prepared: Prepared,
    step: { page: PageWrite; start: () => void } | null,
    how: Extra & { careful: boolean },
  ): Promise<void> {
    const { pool, lease, owner, tally } = this.#context;
    const labels = this.#categories.unknown(prepared.rows.flatMap((row) => row.labels));
    const { walk = null, after = null, source } = step?.page ?? {};
    const folderId = source?.folderId ?? null;
    const written = await fenced(pool, lease, async (transaction) => {
      step?.start();
      if (walk?.begins === true) await this.#begin(transaction, walk);
      const input = { rows: prepared.rows, careful: how.careful };
      const { count, rejected } = await upsertMessages(transaction, owner, input);
      const removed = await deleteMessages(transaction, owner.providerId, prepared.deletions);
      if (walk) await this.#meet(transaction, walk, prepared.met);
      // Up to here two pages touch no row in common. From here on they may, so the earlier one goes first: it would
      // wait in the database for a lock of the later one, which waits here for it.
      await after?.done;
      await upsertLabels(transaction, owner, { names: labels, colors: this.#categories.colors });
      const aside = [...prepared.quarantined, ...rejected];
      await this.#setAside(transaction, prepared, { ...how, aside, folderId });
      if (walk) await this.#moveCursor(transaction, walk);
      return { upserted: count, removed, quarantined: aside.map(({ id }, place) => id || `entry ${place}`) };
    });
    this.#categories.stored(labels);
    if (written.quarantined.length > 0) this.#quarantineInUse = true;
    tally.add({ ...written, messages: prepared.met.length });
  }

  async #setAside(
    transaction: Queryable,
    prepared: Prepared,
    how: Extra & { aside: readonly Quarantined[]; folderId: string | null },
  ): Promise<void> {
    const { owner, lease, log } = this.#context;
    const { providerId } = owner;
    if (how.aside.length > 0) log.warn({ messages: how.aside.length }, 'Quarantined messages');
    if (this.#quarantineInUse) {
      await pardon(transaction, providerId, [...prepared.met, ...prepared.deletions]);
    }
    await quarantine(transaction, { providerId, folderId: how.folderId }, how.aside);
    const open = new Set([...prepared.deferred, ...prepared.unconfirmed]);
    await undefer(transaction, providerId, how.asked?.filter((id) => !open.has(id)) ?? []);
    const { epoch } = lease;
    await defer(transaction, providerId, { ids: prepared.deferred, unconfirmed: false, epoch });
    await defer(transaction, providerId, { ids: prepared.unconfirmed, unconfirmed: true, epoch });
    if (how.settled) await settle(transaction, providerId, how.settled);
  }

  async #begin(transaction: Queryable, { update, folderId }: WalkStep): Promise<void> {
    const { providerId } = this.#context.owner;
    await beginWalk(transaction, {
      cursorId: update.id,
      providerId,
      wholeMailbox: folderId === wholeMailbox,
    });
  }

  async #meet(
    transaction: Queryable,
    { update, begins, meets }: WalkStep,
    ids: readonly string[],
  ): Promise<void> {
    const { providerId } = this.#context.owner;
    if ((begins || meets) && ids.length > 0)
      await meet(transaction, { cursorId: update.id, providerId }, ids);
  }

  async #moveCursor(transaction: Queryable, { update, folderId }: WalkStep): Promise<void> {
    await updateCursor(transaction, update);
    if (folderId !== wholeMailbox) return;
    await savePrimaryCursor(transaction, this.#context.owner.providerId, update.link);
  }
}

function isOfInbox(source: PageSource | undefined): boolean {
  const folderId = source?.folderId ?? null;
  return folderId !== null && source?.folders.get(folderId)?.label === 'INBOX';
}
