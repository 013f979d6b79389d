// One call to the API server: the limit on its time, the tries it is worth, and every failure as a KubeError.
import type { Dispatcher } from 'undici';
import { type Clock, sleep, systemClock } from './clock.ts';
import type { Connection } from './connection.ts';
import { type Attempt, failureOf, isKubeError, KubeError, refusalOf } from './errors.ts';

export interface ExchangeOptions {
  readonly userAgent: string;
  /** For one try of a call; of a watch, until it begins. Default: 15 s. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
  /** Told of every try. `code` is HTTP's, or `<error>` where there was no answer, as client-go has it. */
  readonly onRequest?: (request: RequestReport) => void;
  /** Throws when nothing may be written now; asked right before every write. */
  readonly guard?: () => void;
}

export interface RequestReport {
  readonly method: string;
  readonly code: string;
  readonly host: string;
  readonly durationMs: number;
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query. */
  readonly path: string;
  /** As errors speak of it, such as `Create Job a/b`. */
  readonly what: string;
  readonly accept?: string | undefined;
  readonly contentType?: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** How often a throttled call is tried, and the longest that a single wait may last, whatever the server asks for. */
const tries = 4;
const longestWait = 30_000;

type Body = Dispatcher.ResponseData['body'];

export class Exchange {
  readonly #connection: Connection;
  readonly #options: ExchangeOptions;
  readonly #clock: Clock;

  constructor(connection: Connection, options: ExchangeOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Resolves to the answer's text.
   * @throws KubeError, or the reason of `call.signal`
   */
  async text(call: Call): Promise<string> {
    return this.#patiently(call, async (deadline) => {
      const body = await this.#answer(call, deadline);
      const text = await body.text();
      deadline.release();
      return text;
    });
  }

  /**
   * Resolves to the answer's body as it arrives; `call.signal` ends it. Only its begin is limited in time.
   * @throws KubeError, or the reason of `call.signal`
   */
  async stream(call: Call): Promise<Body> {
    return this.#patiently(call, async (deadline) => {
      const body = await this.#answer(call, deadline, 0);
      body.once('close', () => deadline.release());
      return body;
    });
  }

  /** Waits where the server asks for it, and shows fresh credentials once where it refuses those it got. */
  async #patiently<T>(call: Call, attempt: (deadline: Deadline) => Promise<T>): Promise<T> {
    let renewed = false;
    for (let made = 1; ; made += 1) {
      call.signal?.throwIfAborted();
      const failed = await this.#try(call, attempt);
      if (!(failed instanceof KubeError)) return failed.value;
      if (failed.kind === 'unauthorized' && !renewed) {
        renewed = true;
        this.#connection.invalidate?.();
        continue;
      }
      if (!isWorthWaiting(failed) || made >= tries) throw failed;
      await sleep(this.#clock, this.#pause(failed, made), call.signal);
    }
  }

  async #try<T>(call: Call, attempt: (deadline: Deadline) => Promise<T>): Promise<{ value: T } | KubeError> {
    if (call.method !== 'GET') this.#options.guard?.();
    const deadline = new Deadline(this.#options.timeoutMs ?? 15_000, call.signal);
    try {
      return { value: await attempt(deadline) };
    } catch (error) {
      deadline.release();
      call.signal?.throwIfAborted();
      if (deadline.passed) return timeoutOf(attemptOf(call), error);
      return isKubeError(error) ? error : failureOf(attemptOf(call), error);
    } finally {
      deadline.stopClock();
    }
  }

  /** @param bodyTimeout milliseconds between two parts of the body; 0: no limit */
  async #answer(call: Call, deadline: Deadline, bodyTimeout?: number): Promise<Body> {
    const headers = await this.#headers(call);
    const started = this.#clock.monotonic();
    const report = (code: string): void => {
      const { host } = this.#connection.server;
      const durationMs = this.#clock.monotonic() - started;
      this.#options.onRequest?.({ method: call.method, code, host, durationMs });
    };
    const asked = this.#connection.dispatcher.request({
      origin: this.#connection.server.origin,
      path: `${this.#connection.server.pathname.replace(/\/$/, '')}${call.path}`,
      method: call.method,
      headers,
      body: call.body === undefined ? null : JSON.stringify(call.body),
      signal: deadline.signal,
      headersTimeout: 0,
      bodyTimeout: bodyTimeout ?? null,
    });
    const answer = await Promise.race([asked, deadline.over]).catch((error: unknown) => {
      report('<error>');
      throw error;
    });
    report(String(answer.statusCode));
    if (answer.statusCode >= 200 && answer.statusCode < 300) return answer.body;
    throw refusalOf(attemptOf(call), {
      status: answer.statusCode,
      body: await answer.body.text(),
      retryAfterMs: retryAfterOf(answer.headers['retry-after'], this.#clock.now()),
    });
  }

  async #headers(call: Call): Promise<Record<string, string>> {
    try {
      const headers: Record<string, string> = {
        ...(await this.#connection.headers()),
        'user-agent': this.#options.userAgent,
        accept: call.accept ?? 'application/json',
      };
      if (call.body !== undefined) headers['content-type'] = call.contentType ?? 'application/json';
      return headers;
    } catch (cause) {
      const words = cause instanceof Error ? cause.message : 'no credentials';
      throw new KubeError('unauthorized', `${call.what}: ${words}`, { cause });
    }
  }

  /** Up to a quarter more than what was asked for, so that all who were refused do not come back at once. */
  #pause(error: KubeError, made: number): number {
    const asked = error.retryAfterMs ?? 500 * 2 ** made;
    return Math.min(asked, longestWait) * (1 + this.#clock.random() / 4);
  }
}

/** 429 says that nothing was done; 503 says so only with the time at which it is to be tried again. */
function isWorthWaiting({ kind, status, retryAfterMs }: KubeError): boolean {
  return kind === 'throttled' || (status === 503 && retryAfterMs !== undefined);
}

function attemptOf({ what, method }: Call): Attempt {
  return { what, isWrite: method !== 'GET' };
}

function timeoutOf({ what, isWrite }: Attempt, cause: unknown): KubeError {
  return new KubeError('timeout', `${what}: no answer in time`, { uncertain: isWrite, cause });
}

/** Seconds or a date. */
function retryAfterOf(header: string | string[] | undefined, now: number): number | undefined {
  const text = [header].flat()[0];
  if (text === undefined || text === '') return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/**
 * Aborts when time is up or the caller wants no more. Once its clock is stopped only the caller can: a stream outlives the limit.
 * By hand rather than by AbortSignal.any, whose signals stay with a long-lived source.
 */
class Deadline {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #outer: AbortSignal | undefined;
  readonly #abort = (): void => this.#controller.abort();
  passed = false;

  constructor(ms: number, outer: AbortSignal | undefined) {
    this.#timer = setTimeout(() => {
      this.passed = true;
      this.#controller.abort();
    }, ms);
    this.#outer = outer;
    outer?.addEventListener('abort', this.#abort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Rejects when aborted. undici would tell a request that waits for its connection only once there is one. */
  get over(): Promise<never> {
    const { signal } = this.#controller;
    return new Promise((_, reject) => {
      const tell = (): void => reject(new Error('Aborted'));
      if (signal.aborted) tell();
      else signal.addEventListener('abort', tell, { once: true });
    });
  }

  stopClock(): void {
    clearTimeout(this.#timer);
  }

  /** The caller's signal outlives the call and must not keep it. */
  release(): void {
    this.#outer?.removeEventListener('abort', this.#abort);
  }
}
