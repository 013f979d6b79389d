/**
 * Answers requests to Graph over HTTP: counts them, logs them, breaks those that a script wants broken, and leaves
 * what is answered to the routes. A request is logged at arrival, so one that hangs is seen too.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerBatch, readBatch, type InnerRequest } from './batch.ts';
import { readPreferences } from './context.ts';
import type { FaultReply, Faults, RequestInfo } from './faults.ts';
import { errorBody, type Reply, type RequestIdentity } from './graphError.ts';
import { guid } from './ids.ts';
import { appendBounded, close, readable, type RequestRecord } from './requestLog.ts';
import {
  answerGraph,
  authenticate,
  guarded,
  namedMailbox,
  refusalOf,
  type GraphRequest,
  type GraphService,
} from './routes.ts';
import { Subscriptions } from './subscriptions.ts';
import { Traffic, overConcurrencyLimit } from './traffic.ts';
import { faultedReply, flatHeaders, readBody, send, survives } from './transport.ts';

export interface GraphServerOptions {
  service: GraphService;
  subscriptions: Subscriptions;
  faults: Faults;
  requests: RequestRecord[];
  concurrencyLimit: number;
  latencyMs: number;
  /** The number of the next request, all kinds together. */
  nextNumber: () => number;
}

interface Exchange {
  request: GraphRequest;
  body: string;
  identity: RequestIdentity;
  number: number;
  record: RequestRecord;
  /** The inner requests of a batch; undefined for any other request, and for a batch that is refused as a whole. */
  inner: InnerRequest[] | undefined;
  /** Requests to the same mailbox that were open before this one. */
  openBefore: number;
}

interface Outcome {
  reply?: Reply;
  truncate?: true | 'json';
}

export class GraphServer {
  readonly #options: GraphServerOptions;
  readonly #traffic = new Traffic();

  constructor(options: GraphServerOptions) {
    this.#options = options;
  }

  async handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(incoming);
    if (body === undefined) {
      response.destroy();
      return;
    }
    const exchange = this.#open(incoming, body);
    const { record } = exchange;
    const leave = this.#traffic.enter(placeOf(exchange.request, record.mailbox), slotsOf(exchange));
    const { clock } = this.#options.service;
    response.once('close', () => {
      leave();
      if (record.endedAt === 0) close(record, 0, clock());
    });
    const { reply, truncate } = await this.#decide(exchange, response);
    if (reply === undefined) return;
    // Given back before the last byte leaves: the client may ask again the moment it has the answer.
    leave();
    close(record, reply.status, clock(), reply.headers);
    send(
      response,
      { ...reply, headers: { ...standardHeaders(exchange.identity), ...reply.headers } },
      truncate,
    );
  }

  /** The reply of a request, after its delay; none for one that a script breaks off or the client gave up. */
  async #decide(exchange: Exchange, response: ServerResponse): Promise<Outcome> {
    const { concurrencyLimit, faults, latencyMs } = this.#options;
    if (exchange.inner === undefined && exchange.openBefore >= concurrencyLimit) {
      // Refused at the door: no latency, so the refusal cannot be mistaken for a slow success.
      return { reply: overConcurrencyLimit(exchange.identity) };
    }
    const fault = faults.take(infoOf('graph', exchange));
    if (!(await survives(fault, response, latencyMs * roundsOf(exchange)))) return {};
    const ready = fault?.status === undefined ? await this.#answerSubscription(exchange) : undefined;
    const reply = faultedReply(fault, () => ready ?? this.#answer(exchange));
    return fault?.truncate === undefined ? { reply } : { reply, truncate: fault.truncate };
  }

  #open(incoming: IncomingMessage, body: string): Exchange {
    const { service, requests, nextNumber } = this.#options;
    const number = nextNumber();
    const headers = flatHeaders(incoming);
    const [path = '', query = ''] = (incoming.url ?? '').split(/\?(.*)/s);
    const request: GraphRequest = {
      method: incoming.method ?? 'GET',
      path,
      query,
      headers,
      origin: `http://${headers['host'] ?? 'localhost'}`,
    };
    const clientRequestId = headers['client-request-id'] ?? guid('client request', number);
    const identity = { requestId: guid('request', number), clientRequestId, now: service.clock() };
    const mailbox = this.#mailboxOf(request);
    const openBefore = this.#traffic.inFlight(placeOf(request, mailbox));
    const inner = isBatch(request) ? this.#innerOf(request, body) : undefined;
    const record = newRecord(request, identity.now, mailbox);
    if (headers['client-request-id'] !== undefined) record.clientRequestId = clientRequestId;
    const exchange: Exchange = { request, body, identity, number, record, inner, openBefore };
    record.inFlight = openBefore + slotsOf(exchange);
    appendBounded(requests, record);
    return exchange;
  }

  /** Whose request it is, so far as that can be told; a request that will be refused may be nobody's. */
  #mailboxOf(request: GraphRequest): string | undefined {
    const { service } = this.#options;
    const bearer = /^Bearer\s+(\S+)$/i.exec(request.headers['authorization'] ?? '')?.[1] ?? '';
    try {
      return namedMailbox(service, request.path, service.login.find(bearer))?.email;
    } catch {
      return undefined;
    }
  }

  #innerOf(request: GraphRequest, body: string): InnerRequest[] | undefined {
    try {
      authenticate(this.#options.service, request.headers);
      return readBatch(request, body);
    } catch {
      return undefined;
    }
  }

  /** Creating a subscription waits for its receiver; hence these are answered apart from all others. */
  async #answerSubscription({ request, body, identity }: Exchange): Promise<Reply | undefined> {
    if (!Subscriptions.owns(request.path)) return undefined;
    const { subscriptions } = this.#options;
    return subscriptions.answer(request, body).catch((error: unknown) => refusalOf(error, identity));
  }

  #answer(exchange: Exchange): Reply {
    const { request, identity, inner, body } = exchange;
    if (!isBatch(request)) return answerGraph(this.#options.service, request, identity);
    if (inner !== undefined)
      return answerBatch(inner, exchange.number, (one) => this.#answerInner(one, exchange));
    // Not readable as a batch: said again here, this time to the client.
    return guarded(identity, () => {
      authenticate(this.#options.service, request.headers);
      readBatch(request, body);
      return { status: 400, headers: {}, body: errorBody('BadRequest', 'Invalid batch.', identity) };
    });
  }

  #answerInner(inner: InnerRequest, outer: Exchange): Reply {
    const { service, nextNumber, concurrencyLimit, faults } = this.#options;
    const mailbox = this.#mailboxOf(inner.request);
    const record = newRecord(inner.request, service.clock(), mailbox);
    record.inFlight = outer.record.inFlight;
    (outer.record.batch ??= []).push(record);
    const number = nextNumber();
    const identity = { ...outer.identity, requestId: guid('request', number) };
    const exchange: Exchange = {
      ...outer,
      request: inner.request,
      identity,
      number,
      record,
      inner: undefined,
    };
    // Outlook runs a batch in up to four lanes; lanes that find no place are refused, request by request.
    const lane = (outer.inner ?? []).indexOf(inner) % slotsOf(outer);
    const reply =
      lane + outer.openBefore >= concurrencyLimit
        ? overConcurrencyLimit(identity)
        : faultedReply(withinBatch(faults.take(infoOf('batched', exchange))), () =>
            answerGraph(service, inner.request, identity),
          );
    close(record, reply.status, service.clock(), reply.headers);
    return reply;
  }
}

/** One inner request cannot lose its socket: what would do so outside is a gateway timeout inside. */
function withinBatch(fault: FaultReply | undefined): FaultReply | undefined {
  const breaks = fault?.reset === true || fault?.hang === true || fault?.truncate !== undefined;
  return breaks
    ? { status: 504, body: { error: { code: 'UnknownError', message: 'Gateway timeout.' } } }
    : fault;
}

function standardHeaders(identity: RequestIdentity): Record<string, string> {
  return {
    'request-id': identity.requestId,
    'client-request-id': identity.clientRequestId,
    date: new Date(identity.now).toUTCString(),
    'x-ms-ags-diagnostic': '{"ServerInfo":{"DataCenter":"Simulated","Slice":"E","Ring":"1"}}',
  };
}

function isBatch(request: GraphRequest): boolean {
  return /^\/v1\.0\/\$batch\/?$/i.test(readable(request.path));
}

/** Whose places a request takes: nobody's when it means no mailbox, and for push, which is no part of Outlook. */
function placeOf(request: GraphRequest, mailbox: string | undefined): string | undefined {
  return Subscriptions.owns(request.path) ? undefined : mailbox;
}

/** How many of the mailbox's four places a request takes. */
function slotsOf(exchange: Exchange): number {
  return Math.max(1, Math.min(4, exchange.inner?.length ?? 1));
}

function roundsOf(exchange: Exchange): number {
  return Math.ceil((exchange.inner?.length ?? 1) / slotsOf(exchange));
}

function newRecord(request: GraphRequest, at: number, mailbox: string | undefined): RequestRecord {
  const record: RequestRecord = {
    method: request.method,
    path: readable(request.path),
    query: readable(request.query),
    prefer: readPreferences(request.headers['prefer'], false).all,
    status: 0,
    at,
    endedAt: 0,
    inFlight: 1,
  };
  if (mailbox !== undefined) record.mailbox = mailbox;
  return record;
}

function infoOf(kind: RequestInfo['kind'], { record, request, number }: Exchange): RequestInfo {
  const { method, path, query, prefer, inFlight, mailbox } = record;
  const info: RequestInfo = { kind, method, path, query, prefer, inFlight, number, headers: request.headers };
  if (mailbox !== undefined) info.mailbox = mailbox;
  return info;
}
