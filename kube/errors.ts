// What can go wrong with a call, in one closed set. The API server's Status is read once, here; a message is built
// from the Status' own words and a code, bounded, and never from headers, which carry tokens.

/**
 * - `conflict`: the object has changed since it was read (or, in an apply, a field has another owner).
 * - `alreadyExists`: the other meaning of 409.
 * - `gone`: the resourceVersion, or the place in a list, is too old: list anew.
 * - `namespaceTerminating`: nothing can be created there any more; told as 403.
 * - `throttled`: 429, after the tries that the client makes by itself.
 * - `network`: no answer, or only half of one. `protocol`: an answer that is none.
 */
export type KubeErrorKind =
  | 'notFound'
  | 'conflict'
  | 'alreadyExists'
  | 'gone'
  | 'forbidden'
  | 'unauthorized'
  | 'throttled'
  | 'invalid'
  | 'namespaceTerminating'
  | 'network'
  | 'timeout'
  | 'server'
  | 'protocol';

export interface KubeErrorCause {
  readonly field?: string;
  readonly message: string;
}

interface Details {
  readonly status?: number | undefined;
  readonly reason?: string | undefined;
  readonly causes?: readonly KubeErrorCause[];
  readonly retryAfterMs?: number | undefined;
  readonly uncertain?: boolean;
  readonly cause?: unknown;
}

export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly kind: KubeErrorKind;
  /** Of HTTP, or of the Status inside a watch. */
  readonly status: number | undefined;
  /** The Status' reason, such as `AlreadyExists`. */
  readonly reason: string | undefined;
  readonly causes: readonly KubeErrorCause[];
  readonly retryAfterMs: number | undefined;
  /** A write that may have happened all the same: read before doing it again. */
  readonly uncertain: boolean;

  constructor(kind: KubeErrorKind, message: string, details: Details = {}) {
    super(message, { cause: details.cause });
    this.kind = kind;
    this.status = details.status;
    this.reason = details.reason;
    this.causes = details.causes ?? [];
    this.retryAfterMs = details.retryAfterMs;
    this.uncertain = details.uncertain ?? false;
  }
}

/** Whether it is a KubeError of one of these kinds; of any kind when none is named. */
export function isKubeError(error: unknown, ...kinds: readonly KubeErrorKind[]): error is KubeError {
  return error instanceof KubeError && (kinds.length === 0 || kinds.includes(error.kind));
}

/** A call as its errors speak of it. */
export interface Attempt {
  /** Such as `Create Job a/b`. */
  readonly what: string;
  readonly isWrite: boolean;
}

const longestMessage = 500;
const mostCauses = 10;

/** @param body the answer's text, a Status or not */
export function refusalOf(
  attempt: Attempt,
  answer: { readonly status: number; readonly body: string; readonly retryAfterMs?: number | undefined },
): KubeError {
  const parsed = parsedStatus(answer.body);
  const kind = kindOf(answer.status, parsed);
  return new KubeError(kind, messageOf(attempt.what, answer.status, parsed), {
    status: answer.status,
    reason: textOf(parsed['reason']),
    causes: causesOf(parsed),
    retryAfterMs: answer.retryAfterMs,
    uncertain: attempt.isWrite && answer.status >= 500 && kind !== 'invalid',
  });
}

/** The error that a watch delivers inside its stream, as the Status that it is. */
export function streamErrorOf(what: string, status: unknown): KubeError {
  const parsed = isRecord(status) ? status : {};
  const code = typeof parsed['code'] === 'number' ? parsed['code'] : 0;
  const kind = parsed['reason'] === 'Expired' ? 'gone' : kindOf(code, parsed);
  return new KubeError(kind, messageOf(what, code, parsed), {
    status: code,
    reason: textOf(parsed['reason']),
    causes: causesOf(parsed),
  });
}

const timeouts = /^UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT$/;
/** No connection was made, so nothing was sent. */
const neverSent =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|(ERR_TLS|ERR_SSL|CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)_.*)$/;

/** What undici or the network threw. */
export function failureOf({ what, isWrite }: Attempt, error: unknown): KubeError {
  const code = isRecord(error) ? (textOf(error['code']) ?? '') : '';
  const timedOut = timeouts.test(code);
  const words = code === '' ? (timedOut ? 'timed out' : 'failed on the way') : code;
  return new KubeError(timedOut ? 'timeout' : 'network', `${what}: no answer (${words})`, {
    uncertain: isWrite && !neverSent.test(code),
    cause: error,
  });
}

function kindOf(status: number, parsed: Readonly<Record<string, unknown>>): KubeErrorKind {
  if (rawCauses(parsed).some((cause) => cause['reason'] === 'NamespaceTerminating'))
    return 'namespaceTerminating';
  if (status === 409 && parsed['reason'] === 'AlreadyExists') return 'alreadyExists';
  const known = kindByStatus.get(status);
  if (known !== undefined) return known;
  if (isUnfit(status, parsed)) return 'invalid';
  if (status >= 500) return 'server';
  return status >= 400 ? 'invalid' : 'protocol';
}

/**
 * An apply of what the kind's schema does not know: an unknown field, a text for a number, a quantity that is none. The
 * API server answers 500 to it, though it will never be anything else.
 */
function isUnfit(status: number, parsed: Readonly<Record<string, unknown>>): boolean {
  const said = textOf(parsed['message']) ?? '';
  return status === 500 && /^failed to (create typed patch object|convert new object) /.test(said);
}

const kindByStatus = new Map<number, KubeErrorKind>([
  [401, 'unauthorized'],
  [403, 'forbidden'],
  [404, 'notFound'],
  [408, 'timeout'],
  [409, 'conflict'],
  [410, 'gone'],
  [429, 'throttled'],
  [504, 'timeout'],
]);

/** The Status' words for a refusal; of what is not the caller's fault only its name, for a proxy may have said it. */
function messageOf(what: string, status: number, parsed: Readonly<Record<string, unknown>>): string {
  const reason = textOf(parsed['reason']);
  const isCallers = (status >= 400 && status < 500) || isUnfit(status, parsed);
  const said = isCallers ? textOf(parsed['message']) : undefined;
  const name = [status, reason].filter((part) => part !== undefined && part !== '').join(' ');
  return bounded(said === undefined ? `${what}: ${name}` : `${what}: ${said} (${name})`);
}

function causesOf(parsed: Readonly<Record<string, unknown>>): KubeErrorCause[] {
  return rawCauses(parsed)
    .slice(0, mostCauses)
    .map(({ field, message }) => {
      const words = bounded(textOf(message) ?? '');
      return typeof field === 'string' ? { field, message: words } : { message: words };
    });
}

function rawCauses(parsed: Readonly<Record<string, unknown>>): Record<string, unknown>[] {
  const details = parsed['details'];
  const causes = isRecord(details) ? details['causes'] : undefined;
  return Array.isArray(causes) ? causes.filter(isRecord) : [];
}

function parsedStatus(body: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(body);
    return isRecord(parsed) && parsed['kind'] === 'Status' ? parsed : {};
  } catch {
    return {};
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function bounded(text: string): string {
  return text.length <= longestMessage ? text : `${text.slice(0, longestMessage - 1)}…`;
}
