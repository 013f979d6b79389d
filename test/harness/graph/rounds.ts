/**
 * One page of a delta round. A first round lists what is there, in an order of its own; a later one tells the
 * changes of a closed window. Either way the next cursor is the whole state, and a round ends in a delta cursor
 * that starts where this round BEGAN: what changes between two pages is told in this round or the next, never lost.
 */
import type { Change } from './changeLog.ts';
import { byItem, entriesOf, type Entry } from './delta.ts';
import { coin, hash, shuffled } from './random.ts';
import type { Cursor, DeltaOptions } from './tokens.ts';

/** With a filter, a first round gives at most this many (Graph docs: delta query for messages). */
const FILTERED_LIMIT = 5000;

export interface Oddities {
  /** An update names only what changed. */
  sparseUpdates: number;
  /** One entry of the page stands in it twice. */
  duplicateEntries: number;
  /** The page is given again under a new nextLink. */
  duplicatePages: number;
  /** The page is empty and the walk goes on. */
  emptyPages: number;
  /** isRead is a string. */
  stringBooleans: number;
}

/** What is walked: the messages of a folder, of the mailbox, or the folders. */
export interface DeltaSource {
  /** The present items after the cursor's position, in the order of the walk and without `skip`; at most `limit`. */
  list(cursor: Cursor, skip: ReadonlySet<number>, limit: number): ListedItem[];
  changes(since: number, until: number): Change[];
  /** What a later round shows for one entry; undefined when the options hide it. */
  show(item: number, entry: Entry, options: DeltaOptions, sparse: boolean): object | undefined;
}

export interface ListedItem {
  position: readonly [number, number];
  value: object;
}

export interface PageRequest {
  cursor: Cursor;
  size: number;
  immutable: boolean;
  seed: number;
  oddities: Oddities;
}

export interface Page {
  value: object[];
  cursor: Cursor;
}

function finished(cursor: Cursor): Cursor {
  const { scope, epoch, until, options } = cursor;
  return { kind: 'delta', scope, epoch, until, options, since: until, given: 0, page: 0, stalled: 0 };
}

function advanced(cursor: Cursor, given: number, after?: readonly [number, number]): Cursor {
  const next: Cursor = {
    ...cursor,
    kind: 'next',
    given: cursor.given + given,
    page: cursor.page + 1,
    stalled: 0,
  };
  return after === undefined ? next : { ...next, after };
}

function firstRound(source: DeltaSource, request: PageRequest): Page {
  const { cursor } = request;
  const left = cursor.options.filter === undefined ? Infinity : FILTERED_LIMIT - cursor.given;
  const size = Math.min(request.size, left);
  // What came in since the walk began is told by the next round. Shown here as well, it could leave again and be
  // taken, in that round, for something the client never saw.
  const entries = source
    .changes(cursor.until, Infinity)
    .filter(({ kind }) => kind === 'added' || kind === 'moved');
  const found = source.list(cursor, new Set(entries.map((change) => change.item)), size + 1);
  const items = found.slice(0, size);
  const ends = found.length <= size || size === left;
  const value = items.map((item) => item.value);
  return { value, cursor: ends ? finished(cursor) : advanced(cursor, items.length, items.at(-1)?.position) };
}

const TYPE_OF_ENTRY = { whole: 'created', partial: 'updated', removed: 'deleted' } as const;

function laterRound(source: DeltaSource, request: PageRequest): Page {
  const { cursor, seed } = request;
  const { options, since = 0, until } = cursor;
  const items = shuffled([...byItem(source.changes(since, until))], hash(seed, cursor.scope, since, until));
  const part = items.slice(cursor.given, cursor.given + request.size);
  const value = part.flatMap(([item, history]) => {
    const draw = (probability: number, what: string): boolean => coin(probability, seed, what, item, until);
    return entriesOf(history, request.immutable, draw(0.5, 'mention unseen'))
      .filter((entry) => options.changeType === undefined || options.changeType === TYPE_OF_ENTRY[entry.kind])
      .flatMap(
        (entry) => source.show(item, entry, options, draw(request.oddities.sparseUpdates, 'sparse')) ?? [],
      );
  });
  const ends = cursor.given + part.length >= items.length;
  return { value, cursor: ends ? finished(cursor) : advanced(cursor, part.length) };
}

function withOddEntries(value: object[], request: PageRequest): object[] {
  const { cursor, oddities, seed } = request;
  const draw = (probability: number, what: string): boolean =>
    coin(probability, seed, what, cursor.scope, cursor.until, cursor.page);
  const odd = value.map((entry, index) => {
    const isRead: unknown = Object.entries(entry).find(([name]) => name === 'isRead')?.[1];
    const stringly = typeof isRead === 'boolean' && draw(oddities.stringBooleans, `string ${index}`);
    return stringly ? { ...entry, isRead: String(isRead) } : entry;
  });
  const again = odd[hash(seed, 'again', cursor.page) % Math.max(1, odd.length)];
  return again !== undefined && draw(oddities.duplicateEntries, 'duplicate') ? [...odd, { ...again }] : odd;
}

/**
 * The page that a cursor names, and the cursor that follows. A page that stalls (empty, or given twice) leads to
 * itself under another token, at most twice in a row, so that every walk ends.
 */
export function deltaPage(source: DeltaSource, request: PageRequest): Page {
  const { cursor, oddities, seed } = request;
  const stall: Cursor = { ...cursor, kind: 'next', stalled: cursor.stalled + 1 };
  const mayStall = (probability: number, what: string, most: number): boolean =>
    cursor.stalled < most &&
    coin(probability, seed, what, cursor.scope, cursor.until, cursor.page, cursor.stalled);
  if (mayStall(oddities.emptyPages, 'empty', 2)) return { value: [], cursor: stall };
  const page = cursor.since === undefined ? firstRound(source, request) : laterRound(source, request);
  const value = withOddEntries(page.value, request);
  const repeats = value.length > 0 && mayStall(oddities.duplicatePages, 'repeat', 1);
  return { value, cursor: repeats ? stall : page.cursor };
}
