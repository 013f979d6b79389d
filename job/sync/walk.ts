import { SyncError } from '../errors.ts';
import { isNotFound, isReset, isUnsupported, type Refusal } from '../graph/answer.ts';
import { graphLink } from '../graph/links.ts';
import { type GraphPage, readDeltaPage, unexpectedRefusal } from '../graph/page.ts';
import { rememberPage } from '../plan/page.ts';
import { type Folder, updateCursor, wholeMailbox } from '../store/folders.ts';
import { fenced } from '../store/lease.ts';
import { translated } from '../store/pool.ts';
import { hasUnseen } from '../store/walks.ts';
import { type FolderIndex, isStopping, type SyncContext } from './context.ts';
import type { Turnstile } from './turnstile.ts';
import type { PageWriter, Turn } from './writer.ts';

/**
 * One cursor, walked from where it stands until its deltaLink, its page limit or the end of the run. Page N+1 is
 * fetched, and its rows are written, while page N is written. Only a reset code makes the walk begin anew, and only
 * this one; every other failure leaves the cursor where it is.
 */
export interface WalkRooms {
  readonly context: SyncContext;
  /** Bounds the pages that are in memory, over all walks: from before they are fetched until they are stored. */
  readonly pages: Turnstile;
  readonly writer: PageWriter;
  readonly folders: FolderIndex;
  /** ISO 8601; what is older is not asked for. */
  readonly historyFrom: string | null;
}

interface Position {
  readonly link: string | null;
  /** Where to begin if not at our own start URL: the `Location` of a 410. */
  readonly location: string | null;
  readonly pages: readonly string[];
  readonly walked: number;
  readonly filteredFrom: string | null;
  readonly unfiltered: boolean;
  /** Whether this is a walk over everything, as opposed to a round of changes. */
  readonly whole: boolean;
  readonly meets: boolean;
}

type Ending =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'again'; readonly position: Position; readonly reset: boolean };

type Fetched =
  | { readonly kind: 'page'; readonly page: GraphPage; readonly url: string }
  | { readonly kind: 'refused'; readonly answer: Refusal };

/** With a filter, Graph ends the first round of a delta after so many messages. Source: Graph docs, delta-query-messages. */
const filterCap = 5_000;
const mostResets = 2;

export async function walkCursor(rooms: WalkRooms, folder: Folder): Promise<void> {
  let position = await resume(rooms, folder);
  for (let resets = 0; ;) {
    const ending = await new Walk(rooms, folder).run(position);
    if (ending.kind === 'stopped') return;
    if (ending.reset) resets += 1;
    if (resets > mostResets) {
      throw new SyncError('CursorExpired', 'Graph resets the cursor of a folder again and again');
    }
    ({ position } = ending);
  }
}

async function resume({ context, historyFrom }: WalkRooms, folder: Folder): Promise<Position> {
  const { cursor: link, pages, walked, unfiltered } = folder;
  if (link === null) return atStart(historyFrom, unfiltered, null);
  const whole = !folder.steady && walked > 0;
  const meets = whole && (await translated(() => hasUnseen(context.pool, folder.id)));
  return { link, location: null, pages, walked, filteredFrom: folder.filteredFrom, unfiltered, whole, meets };
}

function atStart(historyFrom: string | null, unfiltered: boolean, location: string | null): Position {
  const filteredFrom = unfiltered ? null : historyFrom;
  return { link: null, location, pages: [], walked: 0, filteredFrom, unfiltered, whole: true, meets: false };
}

class Walk {
  readonly #rooms: WalkRooms;
  readonly #folder: Folder;
  /** The last two writes, oldest first. */
  readonly #turns: Turn[] = [];
  #coming: Promise<Fetched> | null = null;
  /** Pages of this walk that are in memory. */
  #held = 0;

  constructor(rooms: WalkRooms, folder: Folder) {
    this.#rooms = rooms;
    this.#folder = folder;
  }

  async run(start: Position): Promise<Ending> {
    try {
      const ending = await this.#pages(start);
      await this.#drain(0);
      return ending;
    } finally {
      // What was fetched before a failure is stored before the failure is told.
      await Promise.allSettled([...this.#turns.map(({ done }) => done), this.#coming]);
      while (this.#held > 0) this.#release();
    }
  }

  async #pages(start: Position): Promise<Ending> {
    let position = start;
    this.#coming = this.#next(position);
    while (this.#coming !== null) {
      const fetched = await this.#coming;
      if (fetched.kind === 'refused') return this.#refused(fetched, position);
      const { page } = fetched;
      const after = this.#advance(position, page);
      this.#coming = page.nextLink === null ? null : this.#next(after);
      this.#coming?.catch(() => undefined);
      await this.#write(page, position, after);
      if (after.link === null) return { kind: 'again', position: after, reset: false };
      position = { ...after, meets: after.whole && (await this.#meets(position)) };
    }
    return { kind: 'stopped' };
  }

  /** Fetches the page at `position`, unless the run is stopping or the cursor's budget is used up. */
  #next(position: Position): Promise<Fetched> | null {
    const { context } = this.#rooms;
    if (isStopping(context) || !context.budget.take(this.#folder.folderId)) return null;
    return this.#fetch(position.link ?? position.location ?? this.#startUrl(position));
  }

  async #fetch(url: string): Promise<Fetched> {
    const { client } = this.#rooms.context;
    await this.#rooms.pages.enter(this.#folder.wellKnownName === 'inbox');
    this.#held += 1;
    const answer = await client.send({ url });
    if (!answer.ok) return { kind: 'refused', answer };
    return { kind: 'page', page: readDeltaPage(answer, url, client.baseUrl), url };
  }

  #release(): void {
    this.#held -= 1;
    this.#rooms.pages.leave();
  }

  #startUrl({ filteredFrom }: Position): string {
    const { urls } = this.#rooms.context;
    const { folderId } = this.#folder;
    return folderId === wholeMailbox
      ? urls.mailboxDelta(filteredFrom)
      : urls.folderDelta(folderId, filteredFrom);
  }

  /** Where the walk stands once this page is stored. */
  #advance(position: Position, page: GraphPage): Position {
    const { entries, nextLink, deltaLink } = page;
    const counted = position.whole ? Math.max(1, position.walked + entries.length) : 0;
    const here = { ...position, location: null };
    if (nextLink !== null) {
      const pages = rememberPage(position.pages, { entries, nextLink });
      if (pages === null)
        throw new SyncError('PageLoop', 'Graph serves the same pages of a folder again and again');
      return { ...here, link: nextLink, pages, walked: counted };
    }
    if (position.filteredFrom !== null && position.whole && counted >= filterCap) {
      this.#rooms.context.log.info('A filtered folder hit the cap of Graph and is walked whole');
      return atStart(position.filteredFrom, true, null);
    }
    return { ...here, link: deltaLink, pages: [], walked: 0, whole: false };
  }

  async #write(page: GraphPage, before: Position, after: Position): Promise<void> {
    const { writer, folders, historyFrom } = this.#rooms;
    const { id, folderId } = this.#folder;
    const { link, pages, walked, filteredFrom, unfiltered } = after;
    const steady = page.nextLink === null && link !== null;
    const begins = before.link === null;
    if (page.entries.length === 0 && link === before.link && steady) {
      this.#release();
      return;
    }
    const turn = writer.write({
      source: { folders, folderId: folderId === wholeMailbox ? null : folderId, historyFrom },
      entries: page.entries,
      walk: {
        update: { id, link, steady, pages, walked, filteredFrom, unfiltered },
        folderId,
        begins,
        meets: before.meets,
      },
      after: this.#turns.at(-1) ?? null,
    });
    this.#turns.push(turn);
    const stored = (): void => {
      this.#release();
    };
    turn.done.then(stored, stored);
    // What the first page notes of the walk must be there before the second one strikes off of it.
    await this.#drain(begins ? 0 : 1);
  }

  /** Whether rows are left that this walk over everything should meet; a first backfill has none. */
  async #meets(before: Position): Promise<boolean> {
    if (before.link !== null) return before.meets;
    return translated(() => hasUnseen(this.#rooms.context.pool, this.#folder.id));
  }

  /** Waits until at most `open` writes are under way. */
  async #drain(open: number): Promise<void> {
    while (this.#turns.length > open) {
      await this.#turns[0]?.done;
      this.#turns.shift();
    }
  }

  async #refused({ answer }: { answer: Refusal }, position: Position): Promise<Ending> {
    const { context, historyFrom } = this.#rooms;
    await this.#drain(0);
    const whole = atStart(historyFrom, position.unfiltered, this.#location(answer));
    if (isReset(answer)) {
      context.log.warn(
        { status: answer.status, code: answer.code },
        'Graph dropped the cursor of a folder; walking it anew',
      );
      return { kind: 'again', reset: true, position: whole };
    }
    if (isNotFound(answer) && this.#folder.folderId !== wholeMailbox) {
      context.log.warn(
        { code: answer.code },
        'Graph finds no such folder any more; leaving it to the next folder list',
      );
      if (position.link === null) await this.#passOver(position);
      return { kind: 'stopped' };
    }
    if (position.link === null && position.filteredFrom !== null && isUnsupported(answer)) {
      context.log.warn(
        { code: answer.code },
        'Graph refused the filter of a delta; walking the folder whole',
      );
      return { kind: 'again', reset: true, position: atStart(historyFrom, true, null) };
    }
    throw unexpectedRefusal(answer);
  }

  /**
   * A folder that is listed and cannot be walked, another mailbox's perhaps (microsoft-graph-docs#12427), must not
   * keep the mailbox from ever being steady. Without a link its walk begins anew in each run.
   */
  async #passOver({ filteredFrom, unfiltered }: Position): Promise<void> {
    const { pool, lease } = this.#rooms.context;
    const { id, steady } = this.#folder;
    if (steady) return;
    const nothingWalked = { link: null, steady: true, pages: [], walked: 0, filteredFrom, unfiltered };
    await fenced(pool, lease, (transaction) => updateCursor(transaction, { id, ...nothingWalked }));
  }

  /** The `Location` of a 410, where it leads to the same delta on the configured Graph; our own start URL will do else. */
  #location({ status, location }: Refusal): string | null {
    if (status !== 410 || location === undefined) return null;
    const { client, log } = this.#rooms.context;
    const own = this.#startUrl(atStart(null, true, null));
    try {
      const url = graphLink(location, own, client.baseUrl);
      if (new URL(url).pathname === new URL(own).pathname) return url;
    } catch {
      log.warn('The Location of a reset leads away from Graph and is not followed');
    }
    return null;
  }
}
