/** What Graph says no with: a status, a code to branch on, and a message for people. */

export interface Reply {
  status: number;
  headers: Record<string, string>;
  /** JSON to be serialised, or a ready text (sent as it is). */
  body: unknown;
}

/** Thrown by the routes; the server turns it into Graph's error body. */
export class GraphRefusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Record<string, string>;

  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.name = 'GraphRefusal';
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export function refuse(
  status: number,
  code: string,
  message: string,
  headers?: Record<string, string>,
): never {
  throw new GraphRefusal(status, code, message, headers);
}

/** 404 as Outlook words it, for a message or folder that is not there. */
export function itemNotFound(): never {
  refuse(404, 'ErrorItemNotFound', 'The specified object was not found in the store.');
}

export interface RequestIdentity {
  requestId: string;
  clientRequestId: string;
  /** Milliseconds since the epoch. */
  now: number;
}

/** `{error:{code,message,innerError}}` (Graph docs: error responses). */
export function errorBody(code: string, message: string, identity: RequestIdentity): object {
  return {
    error: {
      code,
      message,
      innerError: {
        date: new Date(identity.now).toISOString().slice(0, 19),
        'request-id': identity.requestId,
        'client-request-id': identity.clientRequestId,
      },
    },
  };
}
