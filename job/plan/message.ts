import { labelsOf, longestCategory, unread, categoriesOf } from './labels.ts';

/**
 * From an entry of a message list or delta to what is known of the message: by the keys that are present, for Graph
 * sends updates that name only what has changed (microsoft-graph-docs#7776). Absent means unchanged, null means
 * cleared. Tolerant by design: a field of the wrong shape counts as null, and only an entry without a usable id
 * cannot be read at all.
 */
export interface Fields {
  readonly parentFolderId?: string;
  readonly threadId?: string | null;
  readonly from?: string | null;
  readonly to?: string[];
  readonly subject?: string | null;
  readonly snippet?: string | null;
  /** ISO 8601 in UTC without a zone, as a `timestamp` column takes it. */
  readonly internalDate?: string | null;
  readonly isRead?: boolean | null;
  readonly categories?: string[];
}

export type Entry =
  | { readonly kind: 'removed'; readonly id: string }
  | {
      readonly kind: 'message';
      readonly id: string;
      readonly fields: Fields;
      /** Whether it names all that was selected, so that nothing of a stored row has to be kept. */
      readonly complete: boolean;
      /** Whether it says enough for a row of its own. */
      readonly sufficient: boolean;
      readonly raw: object;
    }
  | { readonly kind: 'unstorable'; readonly id: string; readonly reason: string };

/** What the `$select` of every list and delta asks for. Read state is only tracked by a delta that selects it. */
export const selectedProperties = [
  'id',
  'parentFolderId',
  'conversationId',
  'from',
  'toRecipients',
  'subject',
  'bodyPreview',
  'receivedDateTime',
  'isRead',
  'categories',
] as const;

/** A whole representation has all of these; `from` and some others are absent from drafts and system items. */
const sufficientKeys = [
  'parentFolderId',
  'subject',
  'receivedDateTime',
  'isRead',
  'categories',
  'toRecipients',
] as const;

/** A B-tree entry of Postgres may have 2,704 bytes; EWS advice is to reserve 512 characters for an id. */
const longestId = 1024;

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const asText = (value: unknown): string | null => (typeof value === 'string' ? value : null);

function asBoolean(value: unknown): boolean | null {
  if (value === 'true' || value === 'false') return value === 'true';
  return typeof value === 'boolean' ? value : null;
}

/** Null for what is no date, the year 1 (Outlook's "unset") among it. */
function asTimestamp(value: unknown): string | null {
  const date = typeof value === 'string' ? new Date(value) : null;
  if (!date || Number.isNaN(date.getTime())) return null;
  const year = date.getUTCFullYear();
  return year <= 1 || year > 9999 ? null : date.toISOString().slice(0, -1);
}

/** `Name <address>`, or what there is of the two; null for neither. */
function asMailbox(value: unknown): string | null {
  const emailAddress = isObject(value) ? value['emailAddress'] : undefined;
  if (!isObject(emailAddress)) return null;
  const name = (asText(emailAddress['name']) ?? '').trim();
  const address = (asText(emailAddress['address']) ?? '').trim();
  if (name !== '' && address !== '') return `${name} <${address}>`;
  return [name, address].find((part) => part !== '') ?? null;
}

const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

const asMailboxes = (value: unknown): string[] => asList(value).flatMap((one) => asMailbox(one) ?? []);

const asCategories = (value: unknown): string[] =>
  asList(value).filter(
    (one): one is string => typeof one === 'string' && one.trim() !== '' && one.length <= longestCategory,
  );

function readFields(entry: Json): Fields {
  const parentFolderId = asText(entry['parentFolderId']);
  return {
    ...(parentFolderId === null ? {} : { parentFolderId }),
    ...('conversationId' in entry && { threadId: asText(entry['conversationId']) }),
    ...('from' in entry && { from: asMailbox(entry['from']) }),
    ...('toRecipients' in entry && { to: asMailboxes(entry['toRecipients']) }),
    ...('subject' in entry && { subject: asText(entry['subject']) }),
    ...('bodyPreview' in entry && { snippet: asText(entry['bodyPreview']) }),
    ...('receivedDateTime' in entry && { internalDate: asTimestamp(entry['receivedDateTime']) }),
    ...('isRead' in entry && { isRead: asBoolean(entry['isRead']) }),
    ...('categories' in entry && { categories: asCategories(entry['categories']) }),
  };
}

/** Reads one entry of `value`. Never throws. */
export function readEntry(entry: unknown): Entry {
  if (!isObject(entry)) return { kind: 'unstorable', id: '', reason: 'the entry is no object' };
  const id = entry['id'];
  if (typeof id !== 'string' || id === '')
    return { kind: 'unstorable', id: '', reason: 'the entry has no id' };
  if (id.length > longestId) {
    return { kind: 'unstorable', id: id.slice(0, 64), reason: `the id has ${id.length} characters` };
  }
  if ('@removed' in entry) return { kind: 'removed', id };
  const complete = selectedProperties.every((key) => key in entry);
  const sufficient = complete || sufficientKeys.every((key) => key in entry);
  return { kind: 'message', id, fields: readFields(entry), complete, sufficient, raw: entry };
}

/** A message as its row has it. */
export interface Content {
  readonly threadId: string | null;
  readonly from: string | null;
  readonly to: readonly string[];
  readonly subject: string | null;
  readonly snippet: string | null;
  readonly internalDate: string | null;
  readonly labels: readonly string[];
}

const blank: Content = {
  threadId: null,
  from: null,
  to: [],
  subject: null,
  snippet: null,
  internalDate: null,
  labels: [],
};

/** What a message's row becomes: the stored one, or a blank, overlaid by the keys that are present. */
export function mergeContent(stored: Content | null, fields: Fields, label: string | null): Content {
  const base = stored ?? blank;
  const isUnread = fields.isRead === undefined ? base.labels.includes(unread) : fields.isRead === false;
  return {
    threadId: fields.threadId === undefined ? base.threadId : fields.threadId,
    from: fields.from === undefined ? base.from : fields.from,
    to: fields.to ?? base.to,
    subject: fields.subject === undefined ? base.subject : fields.subject,
    snippet: fields.snippet === undefined ? base.snippet : fields.snippet,
    internalDate: fields.internalDate === undefined ? base.internalDate : fields.internalDate,
    labels: labelsOf(label, isUnread, fields.categories ?? categoriesOf(base.labels)),
  };
}

/** Two entries of one message on one page (msgraph-sdk-go#969): the later one's keys win. */
export function overlay(earlier: Fields, later: Fields): Fields {
  return { ...earlier, ...later };
}
