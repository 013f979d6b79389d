/** How far back mail is kept: `All`, or an ISO 8601 duration such as `P90D`, `P1Y6M` or `PT36H`. */
const pattern =
  /^P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;

/** Before all mail; a duration that reaches further back is a slip. */
const earliest = Date.UTC(1, 0, 1);

/** Whether `value` is `All` or a duration that is longer than nothing and reaches back to a date after the year 1. */
export function isHistory(value: string): boolean {
  if (value === 'All') return true;
  const from = historyStart(value, new Date());
  return from !== null && from.getTime() > earliest && /[1-9]/.test(value);
}

/**
 * The earliest `receivedDateTime` that is kept, counted back from `now` in UTC calendar units and cut to the second
 * (Graph compares `receivedDateTime` in seconds); null for `All`.
 */
export function historyStart(history: string, now: Date): Date | null {
  const parts = pattern.exec(history);
  if (!parts) return null;
  const [years, months, weeks, days, hours, minutes, seconds] = parts
    .slice(1)
    .map((part: string | undefined) => Number(part ?? 0));
  const from = new Date(now);
  from.setUTCFullYear(from.getUTCFullYear() - (years ?? 0));
  from.setUTCMonth(from.getUTCMonth() - (months ?? 0));
  from.setUTCDate(from.getUTCDate() - 7 * (weeks ?? 0) - (days ?? 0));
  from.setTime(from.getTime() - (((hours ?? 0) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * 1000);
  from.setUTCMilliseconds(0);
  return from;
}
