/**
 * The server that the Internet reaches. Everything that a sender can hold on to is bounded: headers, body, time, rate.
 * Whatever the framework would say in its own words is said in ours: see refusals.ts and malformed.ts.
 */
import { fastify, type FastifyInstance, type FastifyHttpOptions } from 'fastify';
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { lifecyclePath, pushPath } from '../../api/pushUrl.ts';
import { readOnlyJson } from './body.ts';
import { Door } from './door.ts';
import { verifierOf } from './knownStates.ts';
import { answerMalformed } from './malformed.ts';
import type { Server, ServerOptions } from './options.ts';
import { answerProbes } from './probes.ts';
import { Push } from './push.ts';
import { tokenCheck } from './queryToken.ts';
import { refuse, refusalOf } from './refusals.ts';
import { requestIdOf } from './requestId.ts';
import { routeOf } from './route.ts';
import { SparseLog } from './sparseLog.ts';

const maxHeaderBytes = 16_384;
// Longer than the proxies in front keep theirs, so that none sends into a connection that is being closed.
const keepAliveMs = 72_000;

/**
 * Listens before it resolves.
 *
 * Rejects with Node's error, such as EADDRINUSE, when it cannot.
 */
export async function openServer(options: ServerOptions): Promise<Server> {
  const { host, limits, port: wanted } = options;
  const app = fastify(settings(options));
  const closing = { hasBegun: false };
  observeAnswers(app, options, closing);
  refuseInOurWords(app, options);
  readOnlyJson(app);
  answerProbes(app, () => (closing.hasBegun ? 'closing' : options.isReady()));
  answerGraph(app, options);
  await app.listen({ host, port: wanted });
  const { address, family, port } = app.server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    port,
    close: () => {
      closing.hasBegun = true;
      return close(app, limits.drainMs);
    },
  };
}

function settings({ limits, observe }: ServerOptions): FastifyHttpOptions<HttpServer> {
  const { bodyLimitBytes, requestTimeoutMs } = limits;
  return {
    bodyLimit: bodyLimitBytes,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    http: {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: requestTimeoutMs,
      // How often Node looks whether a time is up.
      connectionsCheckingInterval: Math.min(1000, Math.ceil(requestTimeoutMs / 2)),
      insecureHTTPParser: false,
      requireHostHeader: true,
    },
    // What comes in on a connection that is open still is answered, and the connection then closed.
    return503OnClosing: false,
    requestIdHeader: false,
    genReqId: ({ headers }) => requestIdOf(headers['x-request-id']),
    routerOptions: { ignoreTrailingSlash: true },
    exposeHeadRoutes: false,
    clientErrorHandler: (error, socket) => answerMalformed(error, socket, observe),
    frameworkErrors: (_error, _request, reply) => {
      observe.request('other', refuse(reply, { kind: 'notFound', detail: 'No such path.' }), 0);
    },
  };
}

function observeAnswers(
  app: FastifyInstance,
  { observe }: ServerOptions,
  closing: { readonly hasBegun: boolean },
): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (closing.hasBegun) reply.header('connection', 'close');
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    observe.request(routeOf(request), reply.statusCode, reply.elapsedTime / 1000);
    done();
  });
}

function refuseInOurWords(app: FastifyInstance, { limits, log, trustProxy }: ServerOptions): void {
  const door = new Door(limits.ratePerSecond, trustProxy);
  app.addHook('onRequest', (request, reply, done) => {
    const problem = door.refusalOf(request);
    if (problem === null) done();
    else refuse(reply, problem);
  });
  app.setErrorHandler((error, request, reply) => {
    // The rest of the body flows by, for as long as a request may take: who is cut off does not hear why.
    reply.removeHeader('connection');
    request.raw.resume();
    refuse(reply, refusalOf(error, request, log));
  });
}

function answerGraph(app: FastifyInstance, options: ServerOptions): void {
  const { clientStateSecrets: secrets, directory, isReady, limits, log, observe, tokens, wakeUps } = options;
  const push = new Push({
    routing: { directory, verify: secrets.length === 0 ? null : verifierOf(secrets) },
    wakeUps,
    checkToken: tokenCheck(tokens),
    bodyLimit: limits.bodyLimitBytes,
    isReady,
    observe,
    log,
    warnings: new SparseLog(log, Date.now),
  });
  app.all(pushPath, { config: { route: 'push' }, onRequest: push.admit }, push.answer);
  app.all(lifecyclePath, { config: { route: 'lifecycle' }, onRequest: push.admit }, push.answer);
}

async function close(app: FastifyInstance, drainMs: number): Promise<void> {
  const bound = setTimeout(() => app.server.closeAllConnections(), drainMs);
  await app.close();
  clearTimeout(bound);
}
