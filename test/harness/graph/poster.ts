/** Requests from the simulated Graph to receivers: bounded in number and time. Redirects are not followed. */
import { Agent, request } from 'undici';

export interface Posted {
  /** 0 when nothing came in time, or nobody listens. */
  status: number;
  /** From the first byte sent to the last one read. */
  ms: number;
  type: string;
  text: string;
}

export interface Post {
  url: string;
  type: string;
  body: string;
  withinMs: number;
}

export function jsonPost(url: string, value: readonly object[], withinMs: number): Post {
  return { url, type: 'application/json; charset=utf-8', body: JSON.stringify({ value }), withinMs };
}

/** At most `connections` requests at a time; the others wait for their turn, and that wait is not measured. */
export class Poster {
  readonly #agent = new Agent();
  readonly #ended = new AbortController();
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(connections: number) {
    this.#free = connections;
  }

  async post(what: Post): Promise<Posted> {
    await this.#turn();
    const startedAt = performance.now();
    try {
      return { ...(await this.#send(what)), ms: performance.now() - startedAt };
    } catch {
      return { status: 0, ms: performance.now() - startedAt, type: '', text: '' };
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  async #turn(): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  async #send({ url, type, body, withinMs }: Post): Promise<Omit<Posted, 'ms'>> {
    const answer = await request(url, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
      dispatcher: this.#agent,
      signal: AbortSignal.any([this.#ended.signal, AbortSignal.timeout(withinMs)]),
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, type: String(answer.headers['content-type'] ?? ''), text };
  }

  /** Breaks off what is open; everything that is posted from now on is unanswered. */
  async close(): Promise<void> {
    this.#ended.abort();
    await this.#agent.destroy();
  }
}
