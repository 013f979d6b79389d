// Probes and metrics. Nothing is asked of the API server here, and nothing is told that is not public in the cluster.
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface HttpRoutes {
  /** What is wrong; empty: alive. */
  readonly ailments: () => readonly string[];
  /** What is waited for; empty: ready. */
  readonly missing: () => readonly string[];
  readonly metricsType: string;
  readonly metrics: () => AsyncIterable<string>;
}

export interface HttpServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** The address or the port cannot be had. The message says why, and is safe to show. */
export class CannotListen extends Error {
  override readonly name = 'CannotListen';
  /** Which of the two is to blame. */
  readonly of: 'host' | 'port';

  constructor({ host, port }: { readonly host: string; readonly port: number }, cause: unknown) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    const isPort = code === 'EADDRINUSE' || code === 'EACCES';
    const why = code === 'EADDRINUSE' ? 'is in use already' : 'cannot be listened on';
    super(`${isPort ? port : host} ${why} (${code})`, { cause });
    this.of = isPort ? 'port' : 'host';
  }
}

/**
 * Listens before it resolves. Port 0 takes a free one.
 * @throws CannotListen
 */
export async function serveHttp(
  routes: HttpRoutes,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<HttpServer> {
  const server = createServer((request, response) => {
    const [path] = (request.url ?? '').split('?');
    if (request.method !== 'GET' && request.method !== 'HEAD') answer(response, 405, 'GET only');
    else if (path === '/healthz') probe(response, routes.ailments());
    else if (path === '/readyz') probe(response, routes.missing());
    else if (path === '/metrics') void scrape(response, routes);
    else answer(response, 404, 'Not found');
  });
  server.requestTimeout = 10_000;
  server.listen(port, host);
  await once(server, 'listening').catch((error: unknown) => {
    throw new CannotListen({ host, port }, error);
  });
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}

function probe(response: ServerResponse, problems: readonly string[]): void {
  if (problems.length === 0) answer(response, 200, 'ok');
  else answer(response, 503, problems.join('\n'));
}

async function scrape(response: ServerResponse, { metricsType, metrics }: HttpRoutes): Promise<void> {
  response.setHeader('content-type', metricsType);
  try {
    await pipeline(Readable.from(metrics()), response);
  } catch {
    // Who asked has gone; or a bug, which a broken answer shows to who asked.
    response.destroy();
  }
}

async function close(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}
