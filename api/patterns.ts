/**
 * Regular expressions of the OutlookProvider, which zod and the API server both apply: RE2 syntax, anchored, no
 * look-around, no single quote (CEL quotes with it), `\s` and the like avoided where the two differ.
 */
const list = (item: string): string => `${item}(,${item})*`;

/** In any case, as Kubernetes reads names. */
const anyCase = (words: readonly string[]): string => `(?i:${words.join('|')})`;

/**
 * One cron field, as the parser of Kubernetes' CronJob reads it (robfig/cron v3, parser.go): `*` or `?`, values, ranges
 * and lists of them with steps; `n/step` runs from n to the end. `H` is ours: see schedule.ts.
 */
function field(value: string, names: readonly string[] = []): string {
  const step = '(/[1-9][0-9]?)?';
  const range = (one: string): string => `(${one})(-(${one}))?`;
  const named = names.length === 0 ? '' : `|${range(anyCase(names))}`;
  return list(`([*?]|${range(value)}${named}|H(\\((${value})-(${value})\\))?)${step}`);
}

export const monthNames = [
  'JAN',
  'FEB',
  'MAR',
  'APR',
  'MAY',
  'JUN',
  'JUL',
  'AUG',
  'SEP',
  'OCT',
  'NOV',
  'DEC',
] as const;
export const dayNames = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] as const;

const minute = field('[0-5]?[0-9]');
const hour = field('[01]?[0-9]|2[0-3]');
const dayOfMonth = field('0?[1-9]|[12][0-9]|3[01]');
const month = field('0?[1-9]|1[0-2]', monthNames);
const dayOfWeek = field('0?[0-6]', dayNames);

/** Five fields with one blank between them, as Kubernetes' CronJob reads them, and `H`. */
export const schedulePattern = `^${[minute, hour, dayOfMonth, month, dayOfWeek].join(' ')}$`;

const shortMonths = `(0?[2469]|11|${anyCase(['FEB', 'APR', 'JUN', 'SEP', 'NOV'])})`;
const february = `(0?2|${anyCase(['FEB'])})`;

/** A schedule that never fires: its days are none of its months'. */
export const noSuchDayPattern = `^[^ ]+ [^ ]+ (${list('(30|31|30-31)')} ${list(february)}|${list('31')} ${list(shortMonths)}) [*?]$`;

const atom = '[^\\x00-\\x20\\x7f@.<>()\\[\\]\\\\,;:"]+';
const domainEdge = '([A-Za-z0-9]|[^\\x00-\\x7f])';
const domainLabel = `${domainEdge}(([A-Za-z0-9-]|[^\\x00-\\x7f])*${domainEdge})?`;

export const emailPattern = `^${atom}(\\.${atom})*@${domainLabel}(\\.${domainLabel})+$`;
export const uuidPattern = '^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$';

/** A name of the time zone database, such as `Europe/Berlin`; whether it exists is asked separately. */
export const timeZonePattern = '^[A-Z][A-Za-z0-9_+-]{0,13}(/[A-Z][A-Za-z0-9_+-]{0,13}){0,2}$';

/** `All`, or an ISO 8601 duration, of no unit more than about a century. */
export const historyPattern =
  '^(All|P([0-9]{1,2}Y)?([0-9]{1,3}M)?([0-9]{1,3}W)?([0-9]{1,4}D)?(T([0-9]{1,6}H)?([0-9]{1,6}M)?([0-9]{1,6}S)?)?)$';

/** A tenant's id, or one of its domains, or one of Microsoft's names for many tenants. */
export const tenantPattern = '^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$';

/** A Kubernetes object's name (RFC 1123 subdomain). */
export const objectNamePattern = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$';

/** What can stand in an environment variable and in a line of a log. */
export const printablePattern = '^[^\\x00-\\x1f\\x7f]+$';

/** A folder as the job takes it, in a list with commas, each entry trimmed. */
export const folderPattern = '^[^\\x00-\\x20\\x7f,]([^\\x00-\\x1f\\x7f,]*[^\\x00-\\x20\\x7f,])?$';
