/**
 * The three delta resources. Options count on the first request only and live in the token from then on; a link
 * to which somebody has added options is refused. Preferences, the id form among them, count on every page.
 */
import { FOLDER_LIST_SCOPE, MAILBOX_SCOPE } from './changeLog.ts';
import { linkTo, odataContext, type RouteContext } from './context.ts';
import { folderSource, messageSource } from './deltaSources.ts';
import { refuse } from './graphError.ts';
import { pathFolder } from './listRoutes.ts';
import { FOLDER_PROPERTIES, FOLDER_TYPE, MESSAGE_PROPERTIES, MESSAGE_TYPE } from './properties.ts';
import { allowOnly, readDeltaFilter, readOrderBy, readSelect } from './query.ts';
import { hash } from './random.ts';
import { deltaPage, type DeltaSource } from './rounds.ts';
import { decodeCursor, encodeCursor, type Cursor, type DeltaOptions } from './tokens.ts';

const DEFAULT_PAGE = 10;
const LARGEST_PAGE = 1000;
const TOKENS = ['$skiptoken', '$deltatoken'];

function firstCursor(context: RouteContext, scope: string, options: DeltaOptions): Cursor {
  const { mailbox } = context;
  const started = { until: mailbox.log.sequence, epoch: mailbox.epochOf(scope) };
  return { kind: 'next', scope, ...started, given: 0, page: 0, stalled: 0, options };
}

function syncStateGone(context: RouteContext): never {
  const form = context.mailbox.tokenExpiryForm;
  if (form === '400') refuse(400, 'syncStateNotFound', 'The sync state was not found. Start a new round.');
  const location = linkTo(context, [['$deltatoken', '']]);
  const message = 'The sync state generation is not found; continuation token: generation=1.';
  return refuse(410, 'SyncStateNotFound', message, form === '410-location' ? { location } : {});
}

/** Whether options stand beside the token; they would be ignored, so Graph refuses them. */
function hasMoreThanToken(context: RouteContext): boolean {
  return [...context.options.keys()].some((name) => !TOKENS.includes(name) && /^(\$|changeType$)/.test(name));
}

/** The token of the URL and its kind; undefined for none, an empty one (start anew) and `latest` (ignored on mail). */
function readToken(context: RouteContext): { text: string; kind: Cursor['kind'] } | undefined {
  const found = TOKENS.filter((name) => context.options.has(name));
  const name = found[0] ?? '';
  const text = context.options.get(name) ?? '';
  if (text === '' || text === 'latest') return undefined;
  if (hasMoreThanToken(context) || found.length > 1) {
    refuse(400, 'BadRequest', 'Query options cannot be combined with a state token: they are encoded in it.');
  }
  return { text, kind: name === '$skiptoken' ? 'next' : 'delta' };
}

/** The cursor of a link; undefined for a first request. */
function linkCursor(context: RouteContext, scope: string): Cursor | undefined {
  const { mailbox } = context;
  const token = readToken(context);
  if (token === undefined) return undefined;
  const cursor = decodeCursor(token.text, mailbox.userId);
  if (cursor?.scope !== scope || cursor.kind !== token.kind)
    return refuse(400, 'BadRequest', 'Badly formed token.');
  if (cursor.epoch !== mailbox.epochOf(scope)) syncStateGone(context);
  return token.kind === 'next' ? cursor : { ...cursor, until: mailbox.log.sequence };
}

function answer(context: RouteContext, source: DeltaSource, cursor: Cursor, type: string): object {
  const { prefer, settings, mailbox } = context;
  const size = Math.min(prefer.maxPageSize ?? DEFAULT_PAGE, LARGEST_PAGE);
  const seed = hash(settings.seed, mailbox.seed);
  const page = deltaPage(source, {
    cursor,
    size,
    seed,
    immutable: prefer.immutable,
    oddities: settings.oddities,
  });
  const token = encodeCursor(page.cursor, mailbox.userId);
  const link =
    page.cursor.kind === 'next'
      ? { '@odata.nextLink': linkTo(context, [['$skiptoken', token]]) }
      : { '@odata.deltaLink': linkTo(context, [['$deltatoken', token]]) };
  return { '@odata.context': odataContext(context, `Collection(${type})`), value: page.value, ...link };
}

const CHANGE_TYPES = ['created', 'updated', 'deleted'] as const;

function messageOptions(context: RouteContext): DeltaOptions {
  const { options } = context;
  allowOnly(options, ['$select', '$filter', '$orderby', '$top', 'changeType', ...TOKENS]);
  const select = readSelect(options, MESSAGE_PROPERTIES, MESSAGE_TYPE);
  const filter = readDeltaFilter(options);
  const ordering = readOrderBy(options);
  if (ordering !== undefined && !(ordering.property === 'receivedDateTime' && ordering.descending)) {
    const only = "only a value of 'receivedDateTime desc' is supported";
    refuse(
      400,
      'ErrorInvalidUrlQuery',
      `The '$orderby' parameter value is not supported for 'Messages' resource; ${only}.`,
    );
  }
  const asked = options.get('changeType');
  const changeType = CHANGE_TYPES.find((name) => name === asked);
  if (asked !== undefined && changeType === undefined)
    refuse(400, 'BadRequest', `Invalid changeType '${asked}'.`);
  return {
    ...(select === undefined ? {} : { select }),
    ...(filter === undefined ? {} : { filter }),
    ...(ordering === undefined ? {} : { newestFirst: true }),
    ...(changeType === undefined ? {} : { changeType }),
  };
}

/** `/mailFolders/{id}/messages/delta`: the one message delta that Graph has. */
export function folderMessagesDelta(context: RouteContext): object {
  const folder = pathFolder(context);
  const cursor = linkCursor(context, folder.id) ?? firstCursor(context, folder.id, messageOptions(context));
  return answer(context, messageSource(context, folder.id), cursor, MESSAGE_TYPE);
}

function changeTrackingRefused(type: string): never {
  refuse(400, 'BadRequest', `Unsupported request: Change tracking is not supported against '${type}'`);
}

/** `/messages/delta`: in the metadata, so SDKs offer it, but the service refuses it (msgraph-metadata #607). */
export function mailboxMessagesDelta(context: RouteContext): object {
  if (!context.settings.allowMailboxDelta) changeTrackingRefused(MESSAGE_TYPE);
  const cursor =
    linkCursor(context, MAILBOX_SCOPE) ?? firstCursor(context, MAILBOX_SCOPE, messageOptions(context));
  return answer(context, messageSource(context, undefined), cursor, MESSAGE_TYPE);
}

/** `/mailFolders/delta`: every folder of the tree, flat. 21Vianet has no such thing. */
export function foldersDelta(context: RouteContext): object {
  if (!context.settings.allowFolderListDelta) changeTrackingRefused(FOLDER_TYPE);
  let cursor = linkCursor(context, FOLDER_LIST_SCOPE);
  if (cursor === undefined) {
    allowOnly(context.options, ['$select', '$top', ...TOKENS]);
    const select = readSelect(context.options, FOLDER_PROPERTIES, FOLDER_TYPE);
    cursor = firstCursor(context, FOLDER_LIST_SCOPE, select === undefined ? {} : { select });
  }
  return answer(context, folderSource(context), cursor, FOLDER_TYPE);
}
