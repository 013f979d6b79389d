/** What was asked of the simulator and how it went: the evidence tests judge a client by. */

export interface RequestRecord {
  method: string;
  /** Percent-decoded, from `/v1.0` on. */
  path: string;
  /** Percent-decoded, without the question mark. */
  query: string;
  /** Every preference of the request, as sent. */
  prefer: string[];
  /** 0 while it is open, and for one that was never answered. */
  status: number;
  /** Arrival, in ms. */
  at: number;
  /** End of the answer, in ms; 0 while it is open. */
  endedAt: number;
  /** For a 429 or 503 with a usable Retry-After: until when the client was told to wait, in ms. */
  retryAfterUntil?: number;
  mailbox?: string;
  /** The inner requests of a `$batch`. */
  batch?: RequestRecord[];
  /** Requests to that mailbox open at arrival, itself included; a batch counts as up to four. */
  inFlight: number;
  clientRequestId?: string;
}

export interface TokenRequestRecord {
  grantType: string;
  tenant: string;
  status: number;
  error?: string;
  mailbox?: string;
  at: number;
}

/** Drops the oldest entries beyond the limit; the array stays the same object. */
export function appendBounded<T>(list: T[], entry: T, limit = 100_000): void {
  list.push(entry);
  if (list.length > limit) list.splice(0, list.length - limit);
}

/** Percent-decoding for people: what cannot be decoded stays as it is. */
export function readable(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The end of the wait a reply asks for, in ms; undefined when it names none that can be read. */
function retryAfterUntil(status: number, header: string | undefined, now: number): number | undefined {
  if ((status !== 429 && status !== 503) || header === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(header.trim())) return now + Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : date;
}

/** Notes how a request ended. */
export function close(
  record: RequestRecord,
  status: number,
  now: number,
  headers: Readonly<Record<string, string>> = {},
): void {
  record.status = status;
  record.endedAt = now;
  const retryAfter = Object.entries(headers).find(([name]) => name.toLowerCase() === 'retry-after')?.[1];
  const until = retryAfterUntil(status, retryAfter, now);
  if (until !== undefined) record.retryAfterUntil = until;
}
