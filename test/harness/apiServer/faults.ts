// What a scripted API server does wrong, and to which requests.
import type { Json } from './objectStore.ts';

export interface RequestRecord {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed; undefined when there was none. */
  readonly body: unknown;
  /** 0 until it is answered, and when it never was. */
  status: number;
}

export interface Fault {
  /** Which requests; a list is a GET without `watch`. */
  readonly method?: string;
  readonly isWatch?: boolean;
  /** Part of the path. */
  readonly path?: string;
  /** How many of them. Default: 1. */
  readonly times?: number;
  /** Answers so, without doing anything. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Json | string;
  /** Never answers. */
  readonly hang?: boolean;
  /** Breaks the connection, without doing anything. */
  readonly reset?: boolean;
  /** Does what is asked, and then breaks the connection. */
  readonly resetAfter?: boolean;
  /** Answers only when this has resolved. */
  readonly holdUntil?: Promise<unknown>;
}

export class Faults {
  readonly #scripted: { readonly fault: Fault; left: number }[] = [];

  add(fault: Fault): void {
    this.#scripted.push({ fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#scripted.length = 0;
  }

  /** The first that matches, once less. */
  take(request: RequestRecord): Fault | undefined {
    const found = this.#scripted.find(({ fault, left }) => left > 0 && isMeant(fault, request));
    if (found === undefined) return undefined;
    found.left -= 1;
    return found.fault;
  }
}

function isMeant(fault: Fault, { method, path, query }: RequestRecord): boolean {
  if (fault.method !== undefined && fault.method !== method) return false;
  if (fault.isWatch !== undefined && fault.isWatch !== (query['watch'] === 'true')) return false;
  return fault.path === undefined || path.includes(fault.path);
}
