import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Agent } from 'undici';

/**
 * HTTP as this program speaks it: one pool of connections for a run, a limit on every wait, whole bodies as text.
 * Redirects are not followed: a bearer token goes where it was sent and nowhere else.
 */
export type HttpMethod = 'GET' | 'POST' | 'PATCH' | 'DELETE';

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Default: POST with a body, GET without. */
  readonly method?: HttpMethod;
  /** Milliseconds, in place of the agent's, for an answer that takes its time. */
  readonly timeout?: number;
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

/** Rejects with errors of undici or zlib, whose `code` tells a timeout from a refused connection or a cut-off body. */
export async function sendHttp(agent: Agent, request: HttpRequest): Promise<HttpAnswer> {
  const { origin, pathname, search } = new URL(request.url);
  const response = await agent.request({
    origin,
    path: `${pathname}${search}`,
    method: request.method ?? (request.body === undefined ? 'GET' : 'POST'),
    headers: { 'accept-encoding': 'gzip', ...request.headers },
    body: request.body ?? null,
    signal: request.signal ?? null,
    ...(request.timeout !== undefined && { headersTimeout: request.timeout, bodyTimeout: request.timeout }),
  });
  const bytes = Buffer.from(await response.body.arrayBuffer());
  const header = (name: string): string | undefined => [response.headers[name]].flat()[0];
  const plain =
    header('content-encoding') === 'gzip' ? await unzip(bytes, { maxOutputLength: largestBody }) : bytes;
  return { status: response.statusCode, text: plain.toString(), header };
}

/** Mail compresses to a tenth; the unpacking is Node's thread pool's, beside everything else. */
const unzip = promisify(gunzip) as (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

/** Bytes; the largest page of Graph is some megabytes. */
const largestBody = 256 * 1024 * 1024;
