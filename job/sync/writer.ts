import { type Page, reducePage } from '../plan/page.ts';
import { defer, pardon, quarantine, undefer } from '../store/asides.ts';
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
  #free = slots;
  readonly #queue: (() => void)[] = [];
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
    await this.#enter();
    try {
      await this.#commit(prepared, step, { ...extra, careful: false });
    } catch (error) {
      if (!isRowsFault(error)) throw error;
      await this.#commit(prepared, step, { ...extra, careful: true });
    } finally {
      this.#leave();
    }
  }

  async #commit(
    prepared: Prepared,
    step: { page: PageWrite; start: () => void } | null,
    how: Extra & { careful: boolean },
  ): Promise<void> {
    const { pool, lease, tally } = this.#context;
    const labels = this.#categories.unknown(prepared.rows.flatMap((row) => row.labels));
    const written = await fenced(pool, lease, async (transaction) => {
      step?.start();
      if (step?.page.walk?.begins === true) await this.#begin(transaction, step.page.walk);
      const folderId = step?.page.source.folderId ?? null;
      const counts = await this.#messages(transaction, prepared, { ...how, folderId });
      if (step?.page.walk) await this.#meet(transaction, step.page.walk, prepared.met);
      await upsertLabels(transaction, this.#context.owner, {
        names: labels,
        colors: this.#categories.colors,
      });
      if (step) await this.#moveCursor(transaction, step.page, counts.rejected);
      return counts;
    });
    this.#categories.stored(labels);
    const quarantined = prepared.quarantined.length + written.rejected.length;
    if (quarantined > 0) this.#quarantineInUse = true;
    tally.add({ ...written, quarantined, messages: prepared.met.length });
  }

  async #messages(
    transaction: Queryable,
    prepared: Prepared,
    how: Extra & { careful: boolean; folderId: string | null },
  ): Promise<{ upserted: number; removed: number; rejected: { id: string; reason: string }[] }> {
    const { owner } = this.#context;
    const { providerId } = owner;
    const { rows, deletions } = prepared;
    const { count, rejected } = await upsertMessages(transaction, owner, { rows, careful: how.careful });
    const removed = await deleteMessages(transaction, providerId, deletions);
    const aside = [...prepared.quarantined, ...rejected];
    if (this.#quarantineInUse) await pardon(transaction, providerId, [...prepared.met, ...deletions]);
    await quarantine(transaction, { providerId, folderId: how.folderId }, aside);
    const open = new Set([...prepared.deferred, ...prepared.unconfirmed]);
    await undefer(transaction, providerId, how.asked?.filter((id) => !open.has(id)) ?? []);
    const { epoch } = this.#context.lease;
    await defer(transaction, providerId, { ids: prepared.deferred, unconfirmed: false, epoch });
    await defer(transaction, providerId, { ids: prepared.unconfirmed, unconfirmed: true, epoch });
    if (how.settled) await settle(transaction, providerId, how.settled);
    return { upserted: count, removed, rejected: [...rejected] };
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

  async #moveCursor(
    transaction: Queryable,
    { walk, after }: PageWrite,
    rejected: readonly unknown[],
  ): Promise<void> {
    await after?.done;
    if (!walk) return;
    if (rejected.length > 0) this.#context.log.warn({ messages: rejected.length }, 'Quarantined messages');
    await updateCursor(transaction, walk.update);
    if (walk.folderId !== wholeMailbox) return;
    await savePrimaryCursor(transaction, this.#context.owner.providerId, walk.update.link);
  }

  async #enter(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((enter) => this.#queue.push(enter));
  }

  #leave(): void {
    const next = this.#queue.shift();
    if (next) next();
    else this.#free += 1;
  }
}
