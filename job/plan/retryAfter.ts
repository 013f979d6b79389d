/**
 * `Retry-After` in both forms of RFC 9110 §10.2.3: seconds, or an HTTP date. Graph and the gateways before it also
 * send none, or `1` for ever (microsoftgraph/msgraph-sdk-javascript#297); the caller adds its own backoff to those.
 * @param date the answer's `Date`, against which an HTTP date is read, so that a skewed clock of ours does no harm
 * @returns milliseconds to wait from now, or null where the header is missing or useless
 */
export function parseRetryAfter(
  value: string | undefined,
  date: string | undefined,
  now: number,
): number | null {
  if (value === undefined) return null;
  const text = value.trim();
  if (/^\d{1,9}(?:\.\d+)?$/.test(text)) {
    const seconds = Number(text);
    return seconds > 0 ? seconds * 1000 : null;
  }
  if (!/[a-z]{3}/i.test(text)) return null;
  const at = Date.parse(text);
  if (Number.isNaN(at)) return null;
  const sent = date === undefined ? Number.NaN : Date.parse(date);
  const wait = at - (Number.isNaN(sent) ? now : sent);
  return wait > 0 ? wait : null;
}

/** Exponential backoff with full jitter on its upper half: between 1/2 and 1 of `base * 2^tries`, at most `cap`. */
export function backoff(tries: number, base: number, cap: number, random: () => number): number {
  const ceiling = Math.min(cap, base * 2 ** Math.min(tries, 20));
  return ceiling * (0.5 + 0.5 * random());
}
