// Refusals, as problem documents (RFC 9457). Nothing of what was sent is repeated in them.

export interface Problem {
  readonly kind: keyof typeof kinds;
  /** A sentence for whoever sent the request. */
  readonly detail: string;
  /** The one to blame. */
  readonly field?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const kinds = {
  misunderstood: [400, 'The request says nothing that can be acted on'],
  malformed: [400, 'The request is malformed'],
  unauthorized: [401, 'The token is missing or wrong'],
  notFound: [404, 'There is nothing here'],
  methodNotAllowed: [405, 'The method is not allowed'],
  timeout: [408, 'The request took too long'],
  tooLarge: [413, 'The body is too large'],
  mediaType: [415, 'The body is not of a known type'],
  tooMany: [429, 'Too many requests'],
  headersTooLarge: [431, 'The headers are too large'],
  internal: [500, 'Something went wrong'],
  notKept: [503, 'The notification could not be kept'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export const problemType = 'application/problem+json';

export function statusOf({ kind }: Problem): number {
  return kinds[kind][0];
}

/** @param requestId by which the log has it */
export function problemText({ kind, detail, field }: Problem, requestId: string): string {
  const [status, title] = kinds[kind];
  const type = `tag:outlooksync.dev,2026:problem/${kind}`;
  return JSON.stringify({ type, title, status, detail, ...(field && { field }), requestId });
}

export function wrongMethod(allowed: string): Problem {
  return {
    kind: 'methodNotAllowed',
    detail: `Only ${allowed} is answered here.`,
    headers: { allow: allowed },
  };
}
