/** GET of messages and folders, one or a list: a live view paged by `$skip`, never a snapshot. */
import { linkTo, odataContext, type RouteContext } from './context.ts';
import type { FolderRecord } from './folders.ts';
import { itemNotFound, refuse } from './graphError.ts';
import { looksLikeId } from './ids.ts';
import type { MessageOrder, MessageRecord } from './messages.ts';
import {
  FOLDER_PROPERTIES,
  FOLDER_TYPE,
  folderProperties,
  MESSAGE_PROPERTIES,
  MESSAGE_TYPE,
  messageView,
} from './properties.ts';
import {
  allowOnly,
  project,
  readListFilter,
  readOrderBy,
  readSelect,
  readSkip,
  readTop,
  refuseInefficient,
  type Condition,
  type Ordering,
} from './query.ts';
import { WELL_KNOWN_NAMES } from './wellKnown.ts';

/** The folder of the path, by real id or alias; 404 when the mailbox lacks it, 400 when it could be no id. */
export function pathFolder(context: RouteContext): FolderRecord {
  const name = context.ids.folder ?? '';
  const record = context.mailbox.tree.resolve(name);
  if (record !== undefined) return record;
  if (WELL_KNOWN_NAMES.has(name.toLowerCase()) || looksLikeId(name)) itemNotFound();
  return refuse(400, 'ErrorInvalidIdMalformed', 'Id is malformed.');
}

function pathMessage(context: RouteContext): MessageRecord {
  const id = context.ids.message ?? '';
  const record = context.mailbox.store.find(id);
  const folder = context.ids.folder === undefined ? undefined : pathFolder(context);
  if (record !== undefined && (folder === undefined || folder.id === record.folderId)) return record;
  return looksLikeId(id) ? itemNotFound() : refuse(400, 'ErrorInvalidIdMalformed', 'Id is malformed.');
}

const COMPARE = {
  ge: (a: number, b: number) => a >= b,
  gt: (a: number, b: number) => a > b,
  le: (a: number, b: number) => a <= b,
  lt: (a: number, b: number) => a < b,
  eq: (a: number, b: number) => a === b,
};

function satisfies(record: MessageRecord, condition: Condition): boolean {
  const actual = condition.property === 'isRead' ? record.isRead : record.received;
  return COMPARE[condition.operator](Number(actual), Number(condition.value));
}

function orderOf(ordering: Ordering | undefined): { order: MessageOrder; reversed: boolean } {
  if (ordering?.property === 'subject') return { order: 'subject', reversed: ordering.descending };
  const ascending = ordering?.descending === false;
  return { order: ascending ? 'received-ascending' : 'received', reversed: false };
}

/** One page of a list and, when more is left, a link whose `$skip` the server has counted. */
function pageOf<T>(context: RouteContext, items: readonly T[]): { items: T[]; link: Record<string, string> } {
  const skip = readSkip(context.options);
  const top = readTop(context.options);
  const rest = [...context.options].filter(([name]) => name !== '$skip');
  const link = linkTo(context, [...rest, ['$skip', String(skip + top)]]);
  const more = skip + top < items.length;
  return { items: items.slice(skip, skip + top), link: more ? { '@odata.nextLink': link } : {} };
}

/** List entries carry a type only where it is a derived one, e.g. a meeting request. */
function withoutBaseType(item: Record<string, unknown>): Record<string, unknown> {
  if (item['@odata.type'] === `#${MESSAGE_TYPE}`) delete item['@odata.type'];
  return item;
}

/** The whole mailbox, or one folder, newest first unless told otherwise. */
export function listMessages(context: RouteContext): object {
  const { mailbox, options, prefer } = context;
  const folder = context.ids.folder === undefined ? undefined : pathFolder(context);
  allowOnly(options, ['$top', '$skip', '$select', '$filter', '$orderby']);
  const select = readSelect(options, MESSAGE_PROPERTIES, MESSAGE_TYPE);
  const conditions = readListFilter(options);
  const ordering = readOrderBy(options);
  refuseInefficient(conditions, ordering);
  const { order, reversed } = orderOf(ordering);
  const all = mailbox.store.sorted(folder?.id, order);
  const found =
    conditions.length === 0 ? all : all.filter((one) => conditions.every((c) => satisfies(one, c)));
  const { items, link } = pageOf(context, reversed ? found.toReversed() : found);
  const view = { immutable: prefer.immutable, select };
  const value = items.map((record) => withoutBaseType(project(messageView(mailbox, record, view), select)));
  return { '@odata.context': odataContext(context, 'messages'), value, ...link };
}

export function getMessage(context: RouteContext): object {
  allowOnly(context.options, ['$select']);
  const select = readSelect(context.options, MESSAGE_PROPERTIES, MESSAGE_TYPE);
  const record = pathMessage(context);
  const view = { immutable: context.prefer.immutable, select };
  const message = withoutBaseType(project(messageView(context.mailbox, record, view), select));
  return { '@odata.context': odataContext(context, 'messages/$entity'), ...message };
}

function folderSelect(context: RouteContext): string[] | undefined {
  return readSelect(context.options, FOLDER_PROPERTIES, FOLDER_TYPE);
}

/** The folders directly below one: of the root for `/mailFolders`. */
export function listFolders(context: RouteContext): object {
  const { mailbox, options } = context;
  const parent = context.ids.folder === undefined ? mailbox.tree.root : pathFolder(context);
  allowOnly(options, ['$top', '$skip', '$select']);
  const select = folderSelect(context);
  const { items, link } = pageOf(context, mailbox.tree.children(parent.id));
  const value = items.map((record) => project(folderProperties(mailbox, record), select));
  return { '@odata.context': odataContext(context, 'mailFolders'), value, ...link };
}

export function getFolder(context: RouteContext): object {
  allowOnly(context.options, ['$select']);
  const select = folderSelect(context);
  const folder = project(folderProperties(context.mailbox, pathFolder(context)), select);
  return { '@odata.context': odataContext(context, 'mailFolders/$entity'), ...folder };
}

/** Needs MailboxSettings.Read, which Mail.Read does not contain. */
export function listMasterCategories(context: RouteContext): object {
  if (!context.mailbox.masterCategoriesReadable) {
    refuse(403, 'ErrorAccessDenied', 'Access is denied. Check credentials and try again.');
  }
  allowOnly(context.options, []);
  const value = context.mailbox.masterCategories.map((category, index) => ({
    id: `category-${index}`,
    ...category,
  }));
  return { '@odata.context': odataContext(context, 'outlook/masterCategories'), value };
}
