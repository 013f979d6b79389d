import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { type Agent, errors as undiciErrors } from 'undici';
import { type ErrorCode, Interrupted, SyncError } from '../errors.ts';
import { backoff, parseRetryAfter } from '../plan/retryAfter.ts';
import { type Answer, isCutOff, parseBody, refusalFromText } from './answer.ts';
import { type Clock, RequestGate, sleepUntil } from './gate.ts';
import { type HttpMethod, sendHttp } from './http.ts';
import { isOnOrigin } from './links.ts';

/**
 * One HTTP client for one mailbox. It answers what the caller has to interpret and deals with the rest: the bearer
 * token and its one renewal on 401, the hold of a 429, `Retry-After`, 5xx, timeouts, resets and bodies that are not
 * JSON. It never sends the token anywhere but to the configured Graph origin, and logs neither URLs' queries (they
 * hold cursors) nor bodies.
 */
export interface GraphClientOptions {
  /** Microsoft Graph with its version, without a slash at the end. */
  readonly baseUrl: string;
  readonly tokens: TokenSource;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whose timeouts hold for every request; closed by whoever opened it. */
  readonly agent: Agent;
  /** First wait after a failure, in milliseconds; doubled for each one after it. */
  readonly backoffBase: number;
  /** Messages asked for per delta page, until a 504 shrinks it. */
  readonly pageSize: number;
}

export interface TokenSource {
  /** A token that is good for some minutes. */
  current: () => Promise<string>;
  /** Another token than the one that Graph rejected. */
  renew: (rejected: string) => Promise<string>;
}

/** What a good answer to a batch tells of throttling. */
export interface Throttles {
  /** The `Retry-After` of each inner 429. */
  readonly waits: readonly (string | undefined)[];
  /** Whether something else was served: then the mailbox gets on, however slowly. */
  readonly servedSome: boolean;
}

export interface GraphRequest {
  /** Absolute, or a function of the page size for lists that carry it in the URL. */
  readonly url: string | ((pageSize: number) => string);
  readonly body?: unknown;
  /** Default: POST with a body, GET without. */
  readonly method?: HttpMethod;
  /** Not to be sent again where it is not known whether Graph has acted on it. */
  readonly once?: true;
  /** Milliseconds, in place of the agent's timeout. */
  readonly timeout?: number;
  /** How many requests Graph runs at once for this one; 1 but for a batch. */
  readonly weight?: number;
  /** Reads the inner 429s of a good answer to a batch. */
  readonly throttles?: (body: unknown) => Throttles;
  /** Messages to ask for, in place of the client's page size. */
  readonly pageSize?: number;
}

interface Tries {
  readonly most: number;
  failed: number;
  timedOut: number;
  renewed: boolean;
}

interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryAfter?: number | null;
  readonly cause?: unknown;
}

interface Received {
  readonly status: number;
  readonly retryAfter: number | null;
  readonly location: string | undefined;
  readonly text: string;
  /** Of a 2xx; undefined where it is no JSON. */
  readonly body: unknown;
}

const maxTries = 3;
const maxTimeouts = 2;
const maxThrottledInARow = 8;
const smallestPage = 10;
const nothingThrottled: Throttles = { waits: [], servedSome: true };
const unavailable = new Set([408, 425, 500, 502, 503, 504, 509]);

export class GraphClient {
  readonly baseUrl: string;
  readonly #options: GraphClientOptions;
  readonly #gate: RequestGate;
  /** Lowered by each 504. */
  #largestPage = Infinity;
  #requests = 0;

  constructor(options: GraphClientOptions) {
    this.#options = options;
    this.baseUrl = options.baseUrl;
    this.#gate = new RequestGate(options.clock);
  }

  /** Another client for the same mailbox that waits by a clock of its own, and is held by none of the other's 429s. */
  within(clock: Clock): GraphClient {
    return new GraphClient({ ...this.#options, clock });
  }

  /** HTTP requests sent so far, those that failed among them. */
  get requests(): number {
    return this.#requests;
  }

  /**
   * Sends a request until it is answered with something that the caller must interpret.
   * @throws SyncError when Graph stays unreachable, unavailable, throttled or garbled, or rejects the token;
   * Interrupted when the run is to stop
   */
  async send(request: GraphRequest): Promise<Answer> {
    const most = request.once ? 1 : maxTries;
    const tries: Tries = { most, failed: 0, timedOut: 0, renewed: false };
    let token = await this.#options.tokens.current();
    for (;;) {
      const answer = await this.#attempt(request, token, tries);
      if (answer === 'unauthorized') token = await this.#renew(token, tries);
      else if (answer !== 'again') return answer;
    }
  }

  /**
   * Waits as after a failed request, and no less than `atLeast` milliseconds.
   * @returns false where that would outlast the run's deadline; then it does not wait
   * @throws Interrupted when the run is to stop
   */
  async pause(tries: number, atLeast: number): Promise<boolean> {
    const { clock, backoffBase } = this.#options;
    const until = clock.now() + Math.max(atLeast, backoff(tries, backoffBase, 8_000, clock.random));
    if (until > clock.deadline) return false;
    await sleepUntil(until, clock);
    return true;
  }

  async #renew(rejected: string, tries: Tries): Promise<string> {
    if (tries.renewed)
      throw new SyncError('AccessTokenRejected', 'Graph rejects a token that was just issued (401)');
    tries.renewed = true;
    return this.#options.tokens.renew(rejected);
  }

  async #attempt(
    request: GraphRequest,
    token: string,
    tries: Tries,
  ): Promise<Answer | 'again' | 'unauthorized'> {
    const pageSize = Math.min(request.pageSize ?? this.#options.pageSize, this.#largestPage);
    let received: Received;
    try {
      received = await this.#gate.pass(request.weight ?? 1, () => this.#exchange(request, token, pageSize));
    } catch (error) {
      await this.#afterNetworkFailure(error, tries);
      return 'again';
    }
    return this.#interpret(received, pageSize, tries);
  }

  async #interpret(
    received: Received,
    pageSize: number,
    tries: Tries,
  ): Promise<Answer | 'again' | 'unauthorized'> {
    const { status } = received;
    if (status === 429) return this.#afterThrottle();
    if (status === 401) return 'unauthorized';
    // What is to be sent once is no page, and may have been acted on.
    if (status === 504 && pageSize > smallestPage && tries.most > 1) this.#shrink(pageSize, tries);
    if (unavailable.has(status)) {
      const { retryAfter } = received;
      await this.#afterFailure(tries, {
        code: 'GraphUnavailable',
        message: `Graph answered ${status}`,
        retryAfter,
      });
      return 'again';
    }
    const answer = answerOf(received);
    if (answer) return answer;
    const message = `Graph answered ${status} with a body that is no JSON`;
    await this.#afterFailure(tries, { code: 'GraphResponseInvalid', message });
    return 'again';
  }

  async #exchange(request: GraphRequest, token: string, pageSize: number): Promise<Received> {
    const url = typeof request.url === 'function' ? request.url(pageSize) : request.url;
    if (!isOnOrigin(url, this.baseUrl)) throw new SyncError('ForeignLink', 'A link leads away from Graph');
    const requestId = randomUUID();
    const { now, signal } = this.#options.clock;
    const started = now();
    this.#requests += 1;
    const { body: payload, method, timeout } = request;
    const { status, text, header } = await sendHttp(this.#options.agent, {
      url,
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${token}`,
        'client-request-id': requestId,
        'return-client-request-id': 'true',
        prefer: `IdType="ImmutableId", odata.maxpagesize=${pageSize}`,
        'user-agent': 'outlook-sync/0.1',
        ...(payload !== undefined && { 'content-type': 'application/json' }),
      },
      ...(payload !== undefined && { body: JSON.stringify(payload) }),
      ...(method && { method }),
      ...(timeout !== undefined && { timeout }),
      signal,
    });
    const body = status >= 200 && status < 300 ? parseBody(text) : undefined;
    const retryAfter = parseRetryAfter(header('retry-after'), header('date'), now());
    this.#judge({ status, body, retryAfter, date: header('date') }, request);
    this.#options.log.debug(
      {
        status,
        durationMs: now() - started,
        bytes: text.length,
        requestId,
        graphRequestId: header('request-id'),
      },
      'Sent a request to Graph',
    );
    return { status, text, body, retryAfter, location: header('location') };
  }

  /** While the request still occupies its place, so that no other one slips through before the hold. */
  #judge(
    answer: { status: number; body: unknown; retryAfter: number | null; date: string | undefined },
    { throttles }: GraphRequest,
  ): void {
    if (answer.status === 429) {
      this.#hold(answer.retryAfter);
      return;
    }
    const { waits: inner, servedSome } = throttles?.(answer.body) ?? nothingThrottled;
    const { now } = this.#options.clock;
    const waits = inner.map((value) => parseRetryAfter(value, answer.date, now()) ?? 0);
    if (servedSome) this.#gate.served();
    if (inner.length > 0) this.#hold(Math.max(...waits));
  }

  #hold(retryAfter: number | null): void {
    const { now, random } = this.#options.clock;
    const own = backoff(this.#gate.throttledInARow, this.#options.backoffBase * 2, 8_000, random);
    const wait = Math.max(retryAfter ?? 0, own) + 50 * random();
    this.#gate.hold(now() + wait);
    this.#options.log.info({ waitMs: Math.round(wait) }, 'Graph throttled the mailbox');
  }

  #afterThrottle(): 'again' {
    if (this.#gate.throttledInARow < maxThrottledInARow) return 'again';
    throw new SyncError('GraphThrottled', `Graph throttled the mailbox ${maxThrottledInARow} times in a row`);
  }

  /** A page that takes Graph too long is asked for in smaller parts; those tries are not held against it. */
  #shrink(pageSize: number, tries: Tries): void {
    this.#largestPage = Math.max(smallestPage, Math.floor(pageSize / 2));
    tries.failed -= 1;
    this.#options.log.info(
      { pageSize: this.#largestPage },
      'Graph took too long for a page, asking for smaller ones',
    );
  }

  async #afterNetworkFailure(error: unknown, tries: Tries): Promise<void> {
    if (error instanceof SyncError || error instanceof Interrupted) throw error;
    if (this.#options.clock.signal.aborted)
      throw new Interrupted('Stopped during a request', { cause: error });
    const { code, message } = networkFailure(error);
    if (code === 'GraphTimeout') tries.timedOut += 1;
    if (tries.timedOut >= maxTimeouts) throw new SyncError(code, message, { cause: error });
    await this.#afterFailure(tries, { code, message, cause: error });
  }

  async #afterFailure(tries: Tries, failure: Failure): Promise<void> {
    const { code, message, retryAfter = null, cause } = failure;
    tries.failed += 1;
    if (tries.failed >= tries.most) throw new SyncError(code, message, { cause });
    const { clock, backoffBase } = this.#options;
    const wait = Math.max(retryAfter ?? 0, backoff(tries.failed, backoffBase, 8_000, clock.random));
    const until = clock.now() + wait;
    if (until > clock.deadline) throw new SyncError(code, message, { cause, until: new Date(until) });
    this.#options.log.info(
      { code, waitMs: Math.round(wait) },
      'A request to Graph failed and is tried again',
    );
    await sleepUntil(until, clock);
  }
}

/** Null where the body is not whole, so that nobody can tell what was meant. */
function answerOf({ status, text, location, body }: Received): Answer | null {
  if (status < 200 || status > 299) {
    return isCutOff(status, text) ? null : refusalFromText(status, text, location);
  }
  const hasNone = status === 204 && text === '';
  return body === undefined && !hasNone ? null : { ok: true, status, body, size: text.length };
}

function networkFailure(error: unknown): { code: ErrorCode; message: string } {
  if (
    error instanceof undiciErrors.HeadersTimeoutError ||
    error instanceof undiciErrors.BodyTimeoutError ||
    error instanceof undiciErrors.ConnectTimeoutError
  ) {
    return { code: 'GraphTimeout', message: `Graph did not answer in time (${error.code})` };
  }
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code === undefined) throw error;
  return { code: 'GraphUnreachable', message: `The connection to Graph failed (${code})` };
}
