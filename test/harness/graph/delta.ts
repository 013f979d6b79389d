/**
 * From changes to what a delta round says about one item. Pure. The rules are those observed of Outlook:
 * - what left and was never shown may appear as `@removed` or not at all;
 * - with immutable ids an item that left and came back within one window (A -> B -> A) is told as removed and
 *   NOT shown again until something touches it (microsoft-graph-docs #21752);
 * - with mutable ids every move makes a new id, so the same story is `@removed` of the old and the whole new item.
 */
import type { Change } from './changeLog.ts';

export type Entry =
  { kind: 'removed'; moves: number } | { kind: 'whole' } | { kind: 'partial'; keys: readonly string[] };

/** The changes of a window by item, items in order of first change. */
export function byItem(changes: readonly Change[]): Map<number, Change[]> {
  const items = new Map<number, Change[]>();
  for (const change of changes) {
    const list = items.get(change.item);
    if (list === undefined) items.set(change.item, [change]);
    else list.push(change);
  }
  return items;
}

function keysOf(changes: readonly Change[]): string[] {
  return [...new Set(changes.flatMap((change) => change.keys))];
}

function asSeenWith(immutable: boolean, change: Change): Change[] {
  if (change.kind !== 'moved') return [change];
  if (immutable) return [{ ...change, kind: 'updated', keys: ['parentFolderId'] }];
  return [
    { ...change, kind: 'removed' },
    { ...change, kind: 'added', moves: change.moves + 1 },
  ];
}

interface Story {
  /** Whether the client may hold the item from before the window. */
  knownBefore: boolean;
  /** How it lies at the end: changed in place, gone, or come (back) in. */
  ending: 'stayed' | 'gone' | 'came';
  /** Whether anything happened to it after it came in for the last time, or in place. */
  touched: boolean;
  /** How often it had moved when the client's id of it died. */
  removedMoves: number;
}

function storyOf(changes: readonly Change[]): Story {
  const knownBefore = changes[0]?.kind !== 'added';
  const removals = changes.filter((change) => change.kind === 'removed');
  const removedMoves = (knownBefore ? removals[0] : removals.at(-1))?.moves ?? 0;
  const last = changes.findLastIndex((change) => change.kind !== 'updated');
  const ending = last < 0 ? 'stayed' : changes[last]?.kind === 'removed' ? 'gone' : 'came';
  return { knownBefore, ending, touched: last + 1 < changes.length, removedMoves };
}

/**
 * What a round says about one item, given its changes since the client's token (oldest first, at least one).
 * `mentionUnseen` decides the case that is open in reality: whether an item that came and went is mentioned.
 */
export function entriesOf(history: readonly Change[], immutable: boolean, mentionUnseen: boolean): Entry[] {
  const changes = history.flatMap((change) => asSeenWith(immutable, change));
  const story = storyOf(changes);
  const removed: Entry = { kind: 'removed', moves: story.removedMoves };
  if (story.ending === 'stayed') return [{ kind: 'partial', keys: keysOf(changes) }];
  if (story.ending === 'gone') return story.knownBefore || mentionUnseen ? [removed] : [];
  if (!story.knownBefore) return [{ kind: 'whole' }];
  if (!immutable) return [removed, { kind: 'whole' }];
  return story.touched ? [{ kind: 'whole' }] : [removed];
}
