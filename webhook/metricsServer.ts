// /metrics and the probes once more, on a port that the Internet is not to reach.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

export interface MetricsServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

export interface MetricsServerOptions {
  readonly registry: Registry;
  /** What is waited for; null: ready. */
  readonly isReady: () => string | null;
  readonly host: string;
  readonly port: number;
}

/** Listens before it resolves. Rejects with Node's error, such as EADDRINUSE. */
export async function serveMetrics(options: MetricsServerOptions): Promise<MetricsServer> {
  const { registry, isReady, host, port } = options;
  const server = createServer((request, response) => {
    const [path] = (request.url ?? '').split('?');
    const answer = (status: number, text: string, type = 'text/plain; charset=utf-8'): void => {
      response.writeHead(status, { 'content-type': type }).end(text);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') answer(405, 'GET only\n');
    else if (path === '/healthz') answer(200, 'ok\n');
    else if (path === '/readyz') answer(isReady() === null ? 200 : 503, `${isReady() ?? 'ok'}\n`);
    else if (path === '/metrics') {
      registry.metrics().then(
        (text) => answer(200, text, registry.contentType),
        () => answer(500, 'The metrics cannot be told\n'),
      );
    } else answer(404, 'Not found\n');
  });
  server.requestTimeout = 10_000;
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
