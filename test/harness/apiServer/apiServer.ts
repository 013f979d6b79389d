// A scripted API server in this process: it keeps objects and versions and lets them be watched as the real one does,
// and does wrong what a test asks for. It serves any kind and knows none: no schema, no defaults, no admission. What
// it claims about the real one is what test/integration/kube/contract.ts checks on both.
import { once } from 'node:events';
import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type Fault, Faults, type RequestRecord } from './faults.ts';
import { type Json, ObjectStore, type StoredObject } from './objectStore.ts';
import { badRequest, notFound, Refusal } from './refusal.ts';
import { type Route, routeOf } from './route.ts';
import { selectionOf } from './selection.ts';
import { Verbs } from './verbs.ts';
import { OpenWatch } from './watches.ts';

export interface ApiServerOptions {
  /** Serves https with it; http without. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly clientCa?: string };
  /** The bearer tokens that are accepted; may change. Absent: everybody is let in. */
  readonly tokens?: ReadonlySet<string>;
}

/** Starts one on 127.0.0.1 and a free port. */
export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const server = new ApiServer(options);
  await server.listen();
  return server;
}

export class ApiServer {
  readonly store = new ObjectStore();
  /** All requests so far, watches too, in their order. */
  readonly requests: RequestRecord[] = [];
  readonly #options: ApiServerOptions;
  readonly #faults = new Faults();
  readonly #verbs = new Verbs(this.store);
  readonly #watches = new Set<OpenWatch>();
  readonly #waiting = new Set<() => void>();
  readonly #server: Server;
  #connections = 0;

  constructor(options: ApiServerOptions) {
    this.#options = options;
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    };
    const { tls } = options;
    this.#server =
      tls === undefined
        ? createPlainServer(answer)
        : createTlsServer(
            {
              cert: tls.certificate,
              key: tls.key,
              ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa, requestCert: true }),
            },
            answer,
          );
    this.#server.on(tls === undefined ? 'connection' : 'secureConnection', () => (this.#connections += 1));
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get url(): URL {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('Not listening');
    return new URL(`${this.#options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${address.port}`);
  }

  /** Connections that were ever made. */
  get connections(): number {
    return this.#connections;
  }

  /** Watches that are open now, the oldest first; of one path (a part of it), when given. */
  watches(path = ''): OpenWatch[] {
    return [...this.#watches].filter((watch) => watch.path.includes(path));
  }

  fault(fault: Fault): void {
    this.#faults.add(fault);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  /** From now on nothing can be created there. */
  terminate(namespace: string): void {
    this.#verbs.terminating.add(namespace);
  }

  /** Puts an object there as another client would. */
  put(
    object: { readonly apiVersion: string; readonly kind: string; readonly metadata: object },
    plural: string,
  ): StoredObject {
    return this.store.put(`${object.apiVersion}/${plural}`, { ...object });
  }

  /** Resolves once it holds; asked after each request, answer, event and end of a watch. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const wake = (): void => resolve(undefined);
      this.#waiting.add(wake);
      await promise;
      this.#waiting.delete(wake);
    }
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #happened(): void {
    for (const wake of this.#waiting) wake();
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const record = await recordOf(incoming);
    this.requests.push(record);
    this.#happened();
    const fault = this.#faults.take(record);
    await fault?.holdUntil;
    if (fault?.hang === true) return;
    if (fault?.reset === true) {
      incoming.socket.resetAndDestroy();
      return;
    }
    if (fault?.status !== undefined)
      this.#send(response, record, fault.status, fault.body ?? '', fault.headers);
    else this.#serve(record, incoming, response, fault?.resetAfter === true);
  }

  #serve(record: RequestRecord, incoming: IncomingMessage, response: ServerResponse, resets: boolean): void {
    try {
      this.#authenticate(record);
      const route = routeOf(record.path);
      if (route === undefined) throw notFound('path', record.path);
      if (record.method === 'GET' && record.query['watch'] === 'true') {
        this.#watch(record, route, response);
        return;
      }
      const { status, body } = this.#verbs.answer(this.#verbRequest(record, route));
      if (resets) incoming.socket.resetAndDestroy();
      else this.#send(response, record, status, shaped(body, record));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#send(response, record, error.status, error.body);
    }
  }

  #verbRequest(record: RequestRecord, route: Route): Parameters<Verbs['answer']>[0] {
    const { method, query, body, headers } = record;
    if (body !== undefined && (typeof body !== 'object' || body === null)) throw badRequest('not an object');
    return {
      method,
      route,
      query,
      contentType: headers['content-type'] ?? '',
      body: body as Json | undefined,
    };
  }

  #authenticate({ headers }: RequestRecord): void {
    const { tokens } = this.#options;
    const token = /^Bearer (.+)$/.exec(headers['authorization'] ?? '')?.[1];
    if (tokens !== undefined && (token === undefined || !tokens.has(token)))
      throw new Refusal(401, 'Unauthorized', 'Unauthorized');
  }

  #watch(record: RequestRecord, { collection, namespace }: Route, response: ServerResponse): void {
    record.status = 200;
    const { path, query } = record;
    const shape = (object: StoredObject): unknown => shaped(object, record);
    const selection = selectionOf(query, namespace);
    const options = { store: this.store, response, path, collection, selection, query, shape };
    const watch = new OpenWatch(options, (closed) => {
      this.#watches.delete(closed);
      this.#happened();
    });
    this.#watches.add(watch);
    this.#happened();
  }

  #send(
    response: ServerResponse,
    record: RequestRecord,
    ...[status, body, headers]: [number, unknown, Readonly<Record<string, string>>?]
  ): void {
    record.status = status;
    const isText = typeof body === 'string';
    const type = isText ? 'text/plain' : 'application/json';
    response.writeHead(status, { 'content-type': type, ...headers });
    response.end(isText ? body : JSON.stringify(body), () => this.#happened());
  }
}

async function recordOf(incoming: IncomingMessage): Promise<RequestRecord> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const url = new URL(incoming.url ?? '/', 'http://localhost');
  const headers = Object.entries(incoming.headers).map(
    ([name, value]) => [name, String(value ?? '')] as const,
  );
  return {
    method: incoming.method ?? 'GET',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: Object.fromEntries(headers),
    body: text === '' ? undefined : (JSON.parse(text) as unknown),
    status: 0,
  };
}

/** The answer as the Accept header wants it: whole, or metadata only. */
function shaped(body: Json, { headers }: RequestRecord): Json {
  if (headers['accept']?.includes('as=PartialObjectMetadata') !== true) return body;
  const partial = { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata' };
  const items = body['items'] as Json[] | undefined;
  if (items === undefined) return { ...partial, metadata: body['metadata'] };
  const shapedItems = items.map(({ metadata }) => ({ ...partial, metadata }));
  return { ...partial, kind: 'PartialObjectMetadataList', metadata: body['metadata'], items: shapedItems };
}
