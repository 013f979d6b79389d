/**
 * Regular expressions of the OutlookProvider, which zod and the API server both apply: RE2 syntax, anchored, no
 * look-around.
 */
const list = (item: string): string => `${item}(,${item})*`;

/** One cron field: `*`, values, ranges and lists of them with steps, or `H` for a stable value of its own. */
function field(value: string, hashed: boolean): string {
  const step = '(/[1-9][0-9]?)?';
  const hash = hashed ? `|H(\\([0-9]{1,2}-[0-9]{1,2}\\))?${step}` : '';
  return list(`(\\*${step}|(${value})(-(${value}))?${step}${hash})`);
}

const minute = field('[0-5]?[0-9]', true);
const hour = field('[01]?[0-9]|2[0-3]', true);
const dayOfMonth = field('0?[1-9]|[12][0-9]|3[01]', true);
const month = field('0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC', true);
const dayOfWeek = field('[0-6]|SUN|MON|TUE|WED|THU|FRI|SAT', true);

/** Five fields with one blank between them, as Kubernetes' CronJob reads them, and `H`. */
export const schedulePattern = `^${[minute, hour, dayOfMonth, month, dayOfWeek].join(' ')}$`;

export const emailPattern = '^[^\\s@]+@[^\\s@]+$';
export const uuidPattern = '^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$';

/** A name of the time zone database, such as `Europe/Berlin`; whether it exists is asked separately. */
export const timeZonePattern = '^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$';

/** `All`, or an ISO 8601 duration longer than nothing. */
export const historyPattern =
  '^(All|P([0-9]{1,4}Y)?([0-9]{1,4}M)?([0-9]{1,4}W)?([0-9]{1,5}D)?(T([0-9]{1,6}H)?([0-9]{1,6}M)?([0-9]{1,6}S)?)?)$';

/** A tenant's id, or one of its domains, or one of Microsoft's names for many tenants. */
export const tenantPattern = '^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$';

/** A Kubernetes object's name (RFC 1123 subdomain). */
export const objectNamePattern = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$';
