// One request and its answer.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Observer, Route } from './options.ts';
import { type Problem, problemText, problemType, statusOf } from './problem.ts';
import { requestIdOf } from './requestId.ts';

/** What holds for all answers. */
export interface Manners {
  readonly observe: Observer;
  /** Whether this is the last answer of its connection. */
  readonly isClosing: () => boolean;
}

export class Exchange {
  readonly request: IncomingMessage;
  readonly id: string;
  readonly route: Route;
  readonly #response: ServerResponse;
  readonly #manners: Manners;
  readonly #begun = performance.now();

  constructor(request: IncomingMessage, response: ServerResponse, route: Route, manners: Manners) {
    this.request = request;
    this.route = route;
    this.id = requestIdOf(request.headers['x-request-id']);
    this.#response = response;
    this.#manners = manners;
  }

  /** The first answer counts; a sender who has gone hears nothing. */
  answer(status: number, text: string, headers?: Readonly<Record<string, string>>): void {
    if (this.#response.headersSent) return;
    const { observe, isClosing } = this.#manners;
    observe.request(this.route, status, (performance.now() - this.#begun) / 1000);
    const always = { 'content-length': Buffer.byteLength(text), 'x-request-id': this.id };
    const own = headers === undefined ? always : { ...headers, ...always };
    this.#response.writeHead(status, isClosing() ? { ...own, connection: 'close' } : own);
    this.#response.end(text);
  }

  text(status: number, text: string): void {
    this.answer(status, text, {
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
  }

  refuse(problem: Problem): void {
    this.answer(statusOf(problem), problemText(problem, this.id), {
      'content-type': problemType,
      'cache-control': 'no-store',
      ...problem.headers,
    });
  }
}
