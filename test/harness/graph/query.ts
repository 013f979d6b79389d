/**
 * The query options of a Graph URL, read strictly: an option that a resource does not take is refused, never
 * ignored. Error codes and texts as reported of the service (OpenArchiver #44, microsoft-graph-docs #18636).
 */
import { refuse } from './graphError.ts';

export type Options = ReadonlyMap<string, string>;

const SYSTEM_OPTIONS = [
  'select',
  'filter',
  'orderby',
  'top',
  'skip',
  'expand',
  'search',
  'count',
  'format',
  'skiptoken',
  'deltatoken',
];

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return refuse(400, 'BadRequest', 'The query string is not validly percent-encoded.');
  }
}

/** The options by name; system options also without their `$`, as Graph accepts them. Doubled ones are refused. */
export function parseQuery(raw: string): Options {
  const options = new Map<string, string>();
  for (const part of raw.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const written = decode(equals < 0 ? part : part.slice(0, equals));
    const name = SYSTEM_OPTIONS.includes(written) ? `$${written}` : written;
    if (options.has(name)) {
      refuse(
        400,
        'BadRequest',
        `Query option '${name}' was specified more than once, but it must be specified at most once.`,
      );
    }
    options.set(name, equals < 0 ? '' : decode(part.slice(equals + 1)));
  }
  return options;
}

/** Refuses every system option (and `changeType`) that is not among the allowed ones. */
export function allowOnly(options: Options, allowed: readonly string[]): void {
  for (const name of options.keys()) {
    const known = name.startsWith('$') || name === 'changeType';
    if (known && !allowed.includes(name)) {
      refuse(400, 'BadRequest', `The query option '${name}' is not supported on this resource.`);
    }
  }
}

function wholeNumber(options: Options, name: string, least: number, most: number): number | undefined {
  const text = options.get(name);
  if (text === undefined) return undefined;
  if (!/^-?\d+$/.test(text)) {
    refuse(400, 'BadRequest', `Invalid value '${text}' for ${name} query option found.`);
  }
  const value = Number(text);
  if (value < least || value > most) {
    const range = `must be between ${least} and ${most} inclusive`;
    refuse(
      400,
      'ErrorInvalidUrlQuery',
      `The query option '${name}' with value ${value} is invalid: it ${range}.`,
    );
  }
  return value;
}

/** Page size of a list: 1 to 1000, default 10 (Graph docs: list messages). */
export function readTop(options: Options): number {
  return wholeNumber(options, '$top', 1, 1000) ?? 10;
}

export function readSkip(options: Options): number {
  return wholeNumber(options, '$skip', 0, 2 ** 31 - 1) ?? 0;
}

/** The selected property names, or undefined for all. Unknown ones, `@removed` among them, are refused. */
export function readSelect(options: Options, known: readonly string[], type: string): string[] | undefined {
  const text = options.get('$select');
  if (text === undefined) return undefined;
  const names = text.split(',').map((name) => name.trim());
  for (const name of names) {
    if (name === '')
      refuse(400, 'BadRequest', 'Parsing OData Select and Expand failed: an empty term was found.');
    if (name !== '*' && !known.includes(name)) {
      refuse(400, 'RequestBroker--ParseUri', `Could not find a property named '${name}' on type '${type}'.`);
    }
  }
  return names.includes('*') ? undefined : names;
}

/** The chosen properties of an item; annotations and `id` always come along. */
export function project(item: object, select: readonly string[] | undefined): Record<string, unknown> {
  const entries = Object.entries(item);
  if (select === undefined) return Object.fromEntries(entries);
  return Object.fromEntries(
    entries.filter(([name]) => name === 'id' || name.startsWith('@odata.') || select.includes(name)),
  );
}

export interface Condition {
  property: 'receivedDateTime' | 'isRead';
  operator: 'ge' | 'gt' | 'le' | 'lt' | 'eq';
  value: number | boolean;
}

const TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,7})?)?(Z|[+-]\d{2}:\d{2}))?$/;

function readCondition(text: string): Condition {
  const match = /^(receivedDateTime|isRead)\s+(ge|gt|le|lt|eq)\s+(\S+)$/.exec(text.trim());
  const [, property, operator, literal = ''] = match ?? [];
  if (property === 'isRead' && operator === 'eq' && /^(true|false)$/.test(literal)) {
    return { property, operator, value: literal === 'true' };
  }
  if (property === 'receivedDateTime' && TIME.test(literal) && !Number.isNaN(Date.parse(literal))) {
    return { property, operator: operator as Condition['operator'], value: Date.parse(literal) };
  }
  return refuse(400, 'BadRequest', `Invalid filter clause: '${text}'.`);
}

/** The filter of a message list: conditions joined by `and`. Graph knows more; what is not modelled is refused. */
export function readListFilter(options: Options): Condition[] {
  const text = options.get('$filter');
  return text === undefined ? [] : text.split(/\s+and\s+/).map(readCondition);
}

/** Delta takes one comparison with a full UTC time and nothing else; a date alone is refused. */
export function readDeltaFilter(options: Options): { operator: 'ge' | 'gt'; value: number } | undefined {
  const text = options.get('$filter');
  if (text === undefined) return undefined;
  const match = /^receivedDateTime\s+(ge|gt)\s+(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,7})?Z)$/.exec(
    text.trim(),
  );
  const value = Date.parse(match?.[2] ?? '');
  if (Number.isNaN(value)) {
    const only = "only a value of 'receivedDateTime ge value' is supported";
    refuse(
      400,
      'ErrorInvalidUrlQuery',
      `The '$filter' parameter value is not supported for 'Messages' resource; ${only}.`,
    );
  }
  return { operator: match?.[1] === 'gt' ? 'gt' : 'ge', value };
}

export interface Ordering {
  property: 'receivedDateTime' | 'subject';
  descending: boolean;
}

export function readOrderBy(options: Options): Ordering | undefined {
  const text = options.get('$orderby');
  if (text === undefined) return undefined;
  const match = /^(receivedDateTime|subject)(?:\s+(asc|desc))?$/.exec(text.trim());
  if (match === null) refuse(400, 'BadRequest', `Invalid $orderby clause: '${text}'.`);
  return {
    property: match[1] === 'subject' ? 'subject' : 'receivedDateTime',
    descending: match[2] === 'desc',
  };
}

/** Properties in `$orderby` must stand in `$filter` too, and first there (Graph docs: list messages). */
export function refuseInefficient(conditions: readonly Condition[], ordering: Ordering | undefined): void {
  const first = conditions[0];
  if (first === undefined || ordering === undefined || first.property === ordering.property) return;
  refuse(400, 'InefficientFilter', 'The restriction or sort order is too complex for this operation.');
}
