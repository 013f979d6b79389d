/** What a delta walk walks: the messages of a folder or of the whole mailbox, or the folders. */
import { FOLDER_LIST_SCOPE, MAILBOX_SCOPE } from './changeLog.ts';
import type { RouteContext } from './context.ts';
import type { Entry } from './delta.ts';
import type { MessageOrder, MessageRecord } from './messages.ts';
import { folderProperties, messageId, messageView } from './properties.ts';
import { project } from './query.ts';
import { hash } from './random.ts';
import type { DeltaSource, ListedItem } from './rounds.ts';
import type { Cursor, DeltaOptions } from './tokens.ts';

const REMOVED = { '@removed': { reason: 'deleted' } };

type Position = readonly [number, number];

function passes(record: MessageRecord, { filter }: DeltaOptions): boolean {
  if (filter === undefined) return true;
  return filter.operator === 'ge' ? record.received >= filter.value : record.received > filter.value;
}

function comesAfter(position: Position, after: Cursor['after']): boolean {
  if (after === undefined) return true;
  return position[0] > after[0] || (position[0] === after[0] && position[1] > after[1]);
}

/** The first index whose element comes after the position, in a list sorted by position. */
function firstAfter(length: number, positionAt: (index: number) => Position, after: Cursor['after']): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (comesAfter(positionAt(middle), after)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function wholeMessage(context: RouteContext, record: MessageRecord, select: DeltaOptions['select']): object {
  const view = { immutable: context.prefer.immutable, select };
  const item = project(messageView(context.mailbox, record, view), select);
  // Headers come on request with a single message, not through delta.
  Reflect.deleteProperty(item, 'internetMessageHeaders');
  return item;
}

/** Only what changed, so far as it is selected, and the folder: seen of read toggles (microsoft-graph-docs #7776). */
function partialMessage(
  context: RouteContext,
  record: MessageRecord,
  keys: readonly string[],
  select: DeltaOptions['select'],
): object {
  const names = ['parentFolderId', ...keys.filter((key) => select?.includes(key) ?? true)];
  return wholeMessage(context, record, names);
}

function updatedMessage(
  context: RouteContext,
  record: MessageRecord,
  changed: readonly string[],
  how: { options: DeltaOptions; sparse: boolean },
): object | undefined {
  const { select } = how.options;
  const readSelected = select?.includes('isRead') ?? true;
  const keys = changed.filter((key) => key !== 'isRead' || readSelected);
  if (keys.length === 0) return undefined;
  // Read state is told even of messages that the filter leaves out (microsoft-graph-docs-contrib #9760).
  if (!passes(record, how.options)) {
    return keys.includes('isRead') ? partialMessage(context, record, ['isRead'], select) : undefined;
  }
  return how.sparse ? partialMessage(context, record, keys, select) : wholeMessage(context, record, select);
}

/** The messages of one folder, or with no folder of the whole mailbox. */
export function messageSource(context: RouteContext, folderId: string | undefined): DeltaSource {
  const { mailbox, prefer } = context;
  const { store } = mailbox;
  const list: DeltaSource['list'] = ({ options, after }, skip, limit) => {
    const order: MessageOrder = options.newestFirst === true ? 'received' : 'arbitrary';
    const sorted = store.sorted(folderId, order);
    const positionAt = (index: number): Position => {
      const record = sorted[index] as MessageRecord;
      return [store.sortKey(record, order), record.serial];
    };
    const items: ListedItem[] = [];
    for (
      let i = firstAfter(sorted.length, positionAt, after);
      i < sorted.length && items.length < limit;
      i++
    ) {
      const record = sorted[i] as MessageRecord;
      if (skip.has(record.serial) || !passes(record, options)) continue;
      items.push({ position: positionAt(i), value: wholeMessage(context, record, options.select) });
    }
    return items;
  };
  const show = (serial: number, entry: Entry, options: DeltaOptions, sparse: boolean): object | undefined => {
    if (entry.kind === 'removed') {
      return { id: messageId(mailbox, serial, prefer.immutable, entry.moves), ...REMOVED };
    }
    const record = store.bySerial(serial);
    // Moved on or gone since the window closed: the next round tells.
    if (record === undefined) return undefined;
    if (folderId !== undefined && record.folderId !== folderId) return undefined;
    if (entry.kind === 'partial') return updatedMessage(context, record, entry.keys, { options, sparse });
    return passes(record, options) ? wholeMessage(context, record, options.select) : undefined;
  };
  const scope = folderId ?? MAILBOX_SCOPE;
  return { list, show, changes: (since, until) => mailbox.log.between(scope, since, until) };
}

/** Every folder of the mailbox, flat. */
export function folderSource(context: RouteContext): DeltaSource {
  const { mailbox } = context;
  const { tree } = mailbox;
  const list: DeltaSource['list'] = ({ options, after }, skip, limit) =>
    tree
      .all()
      .filter((record) => !skip.has(record.serial))
      .map((record) => {
        const position: Position = [hash(mailbox.seed, 'folders', record.serial), record.serial];
        return { record, position };
      })
      .toSorted((a, b) => a.position[0] - b.position[0] || a.position[1] - b.position[1])
      .filter((item) => comesAfter(item.position, after))
      .slice(0, limit)
      .map(({ record, position }) => {
        return { position, value: project(folderProperties(mailbox, record), options.select) };
      });
  const show: DeltaSource['show'] = (serial, entry, options, sparse) => {
    if (entry.kind === 'removed') return { id: tree.idOf(serial), ...REMOVED };
    const record = tree.bySerial(serial);
    if (record === undefined) return undefined;
    const names = entry.kind === 'partial' && sparse ? entry.keys : undefined;
    const chosen = names?.filter((name) => options.select?.includes(name) ?? true) ?? options.select;
    return project(folderProperties(mailbox, record), chosen);
  };
  return { list, show, changes: (since, until) => mailbox.log.between(FOLDER_LIST_SCOPE, since, until) };
}
