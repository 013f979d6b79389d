import { createHash } from 'node:crypto';
import { type Fields, overlay, readEntry } from './message.ts';

/** One page of entries, each message once. */
export interface Page {
  readonly messages: ReadonlyMap<string, Seen>;
  /** Ids that `@removed` names and nothing else on the page. */
  readonly removed: ReadonlySet<string>;
  /** Ids that are both removed and present: entries of a page have no order, so only Graph can tell. */
  readonly contradictory: ReadonlySet<string>;
  readonly unstorable: readonly { readonly id: string; readonly reason: string }[];
}

export interface Seen {
  readonly fields: Fields;
  /** Names all that was selected. */
  readonly complete: boolean;
  /** Says enough for a row of its own. */
  readonly sufficient: boolean;
  readonly raw: object;
}

export function reducePage(entries: readonly unknown[]): Page {
  const messages = new Map<string, Seen>();
  const removed = new Set<string>();
  const contradictory = new Set<string>();
  const unstorable: { id: string; reason: string }[] = [];
  for (const one of entries) {
    const entry = readEntry(one);
    if (entry.kind === 'unstorable') unstorable.push(entry);
    else if (entry.kind === 'removed') removed.add(entry.id);
    else messages.set(entry.id, joined(messages.get(entry.id), entry));
  }
  for (const id of removed) {
    if (messages.delete(id)) contradictory.add(id);
  }
  for (const id of contradictory) removed.delete(id);
  return { messages, removed, contradictory, unstorable };
}

/** Two entries of one message: the later one's keys win. */
function joined(earlier: Seen | undefined, later: Seen): Seen {
  if (!earlier) return later;
  return {
    fields: overlay(earlier.fields, later.fields),
    complete: earlier.complete || later.complete,
    sufficient: earlier.sufficient || later.sufficient,
    raw: { ...earlier.raw, ...later.raw },
  };
}

const short = (text: string): string => createHash('sha1').update(text).digest('base64url').slice(0, 12);

const told = (value: unknown): string => (value === undefined ? '' : JSON.stringify(value));

/** What makes a page the same page again: ids and versions, whatever its links say. */
function fingerprint(entries: readonly unknown[]): string {
  const lines = entries.map((entry) => {
    if (typeof entry !== 'object' || entry === null) return told(entry);
    const one = entry as Record<string, unknown>;
    return [
      one['id'],
      one['@odata.etag'],
      one['@removed'],
      one['isRead'],
      one['parentFolderId'],
      one['categories'],
    ]
      .map(told)
      .join(' ');
  });
  return short(lines.join('\n'));
}

const remembered = 32;
const mostIdentical = 4;
const mostEmptyInARow = 200;

/**
 * The loop guard. Graph has been seen to repeat one nextLink for ever (microsoft-graph-docs#4897) and to serve
 * identical pages under ever-changing links (msgraph-sdk-dotnet#3082); a page that comes twice or thrice, or many
 * empty ones in a row (microsoft-graph-docs#20637), is legal. The memory of the walk's last pages is kept with the
 * cursor, so a loop is found even where each run takes one page.
 * @returns the memory with this page added, or null when the walk is a loop
 */
export function rememberPage(
  memory: readonly string[],
  page: { entries: readonly unknown[]; nextLink: string },
): string[] | null {
  const link = `l${short(page.nextLink)}`;
  const marks = page.entries.length > 0 ? [`p${fingerprint(page.entries)}`, link] : [link];
  const empty = page.entries.length > 0 ? 0 : emptyRun(memory) + 1;
  const kept = memory.filter((mark) => !mark.startsWith('e'));
  const next = [...kept, ...marks].slice(-remembered);
  const looping = marks.some((mark) => next.filter((other) => other === mark).length >= mostIdentical);
  if (looping || empty >= mostEmptyInARow) return null;
  return empty === 0 ? next : [...next, `e${empty}`];
}

function emptyRun(memory: readonly string[]): number {
  const mark = memory.find((one) => one.startsWith('e'));
  return mark === undefined ? 0 : Number(mark.slice(1));
}
