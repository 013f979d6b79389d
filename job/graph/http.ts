import { Agent } from 'undici';

/**
 * HTTP as this program speaks it: one pool of connections for a run, a limit on every wait, whole bodies as text.
 * Redirects are not followed: a bearer token goes where it was sent and nowhere else.
 */
export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Makes it a POST. */
  readonly body?: string;
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  /** By its name in lower case; of several values the first. */
  readonly header: (name: string) => string | undefined;
}

/** @param timeout milliseconds until the headers, and between two parts of the body */
export function openAgent(timeout: number): Agent {
  const connect = { timeout: Math.min(timeout, 10_000) };
  return new Agent({ bodyTimeout: timeout, connect, connections: 4, headersTimeout: timeout });
}

/** Rejects with undici's errors, whose `code` tells a timeout from a refused connection. */
export async function sendHttp(agent: Agent, request: HttpRequest): Promise<HttpAnswer> {
  const { origin, pathname, search } = new URL(request.url);
  const response = await agent.request({
    origin,
    path: `${pathname}${search}`,
    method: request.body === undefined ? 'GET' : 'POST',
    headers: request.headers,
    body: request.body ?? null,
    signal: request.signal ?? null,
  });
  const text = await response.body.text();
  const header = (name: string): string | undefined => [response.headers[name]].flat()[0];
  return { status: response.statusCode, text, header };
}
