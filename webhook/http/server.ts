/**
 * The server that the Internet reaches. Written on Node's own: two routes need no framework, and one would take a
 * third of the requests per second. Everything that a sender can hold on to is bounded: headers, body, time, rate.
 */
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { lifecyclePath, pushPath } from '../../api/pushUrl.ts';
import { answerMalformed } from './malformed.ts';
import { Exchange, type Manners } from './exchange.ts';
import { verifierOf } from './knownStates.ts';
import type { Route, Server, ServerOptions } from './options.ts';
import { answerPush, type Push, wrongMethod } from './push.ts';
import { tokenCheck } from './queryToken.ts';
import { RateLimit } from './rateLimit.ts';
import { senderOf } from './sender.ts';
import { SparseLog } from './sparseLog.ts';

const maxHeaderBytes = 16_384;
// Longer than the proxies in front keep theirs, so that none sends into a connection that is being closed.
const keepAliveMs = 72_000;

const routesByPath = new Map<string, Route>([
  [pushPath, 'push'],
  [lifecyclePath, 'lifecycle'],
  ['/healthz', 'probe'],
  ['/readyz', 'probe'],
]);

/**
 * Listens before it resolves.
 *
 * Rejects with Node's error, such as EADDRINUSE, when it cannot.
 */
export async function openServer(options: ServerOptions): Promise<Server> {
  let isClosing = false;
  const manners = { observe: options.observe, isClosing: () => isClosing };
  const server = createServer(timeouts(options.limits), listener(options, manners));
  server.keepAliveTimeout = keepAliveMs;
  server.on('clientError', (error, socket) => answerMalformed(error, socket, options.observe));
  server.listen(options.port, options.host);
  await once(server, 'listening');
  const { address, family, port } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    port,
    close: () => {
      isClosing = true;
      return close(server, options.limits.drainMs);
    },
  };
}

function timeouts({ requestTimeoutMs }: ServerOptions['limits']): Parameters<typeof createServer>[0] {
  return {
    maxHeaderSize: maxHeaderBytes,
    requestTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs,
    // How often Node looks whether a time is up.
    connectionsCheckingInterval: Math.min(1000, Math.ceil(requestTimeoutMs / 2)),
    insecureHTTPParser: false,
    requireHostHeader: true,
  };
}

function listener(
  options: ServerOptions,
  manners: Manners,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { log, limits, trustProxy } = options;
  const warnings = new SparseLog(log, Date.now);
  const rate = new RateLimit(limits.ratePerSecond);
  const push = pushOf(options, warnings);
  return (request, response) => {
    const url = request.url ?? '';
    const mark = url.indexOf('?');
    const path = withoutSlash(mark < 0 ? url : url.slice(0, mark));
    const exchange = new Exchange(request, response, routesByPath.get(path) ?? 'other', manners);
    if (exchange.route === 'probe') {
      probe(exchange, path === '/healthz' ? null : missing(options, manners));
    } else if (limits.ratePerSecond > 0 && !rate.admits(senderOf(request, trustProxy), Date.now())) {
      const headers = { 'retry-after': '1' };
      exchange.refuse({ kind: 'tooMany', detail: 'This address has sent too many requests.', headers });
    } else if (exchange.route === 'other') {
      exchange.refuse({ kind: 'notFound', detail: 'No such path.' });
    } else {
      answerPush(exchange, mark < 0 ? '' : url.slice(mark), push).catch((error: unknown) => {
        // Not the message: nobody knows what stands in it.
        const frames =
          error instanceof Error ? error.stack?.split('\n').slice(1, 7).join('\n') : typeof error;
        log.error({ requestId: exchange.id, frames }, 'A bug: a request could not be answered');
        exchange.refuse({ kind: 'internal', detail: 'The log says more under this requestId.' });
      });
    }
  };
}

function withoutSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

function pushOf(options: ServerOptions, warnings: SparseLog): Push {
  const secrets = options.clientStateSecrets;
  return {
    routing: { directory: options.directory, verify: secrets.length === 0 ? null : verifierOf(secrets) },
    wakeUps: options.wakeUps,
    checkToken: tokenCheck(options.tokens),
    bodyLimit: options.limits.bodyLimitBytes,
    isReady: options.isReady,
    observe: options.observe,
    log: options.log,
    warnings,
  };
}

function missing({ isReady }: ServerOptions, { isClosing }: Manners): string | null {
  return isClosing() ? 'closing' : isReady();
}

function probe(exchange: Exchange, waitingFor: string | null): void {
  const { method } = exchange.request;
  if (method !== 'GET' && method !== 'HEAD') exchange.refuse(wrongMethod('GET, HEAD'));
  else exchange.text(waitingFor === null ? 200 : 503, `${waitingFor ?? 'ok'}\n`);
}

async function close(server: HttpServer, drainMs: number): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  const bound = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearTimeout(bound);
}
