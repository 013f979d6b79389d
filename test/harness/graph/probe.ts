/**
 * A bare client for tests of the simulator: sends what it is told, judges nothing. Not a model of a good client;
 * `replay.ts` is nearer to one.
 */
import type { GraphSimulator } from './simulator.ts';

export interface Answer {
  status: number;
  headers: Headers;
  /** The parsed JSON, or the text where it is none. */
  body: unknown;
}

export interface Item {
  id: string;
  '@removed'?: { reason: string };
  [property: string]: unknown;
}

export interface Probe {
  /** GET of a path below /v1.0 or of a whole URL; `prefer` replaces the immutable-id preference sent by default. */
  get(url: string, prefer?: string): Promise<Answer>;
  send(method: string, url: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Follows nextLinks to the end; throws at the first answer that is no 200. */
  walk(url: string, prefer?: string): Promise<Walk>;
}

interface Walk {
  pages: Item[][];
  items: Item[];
  deltaLink: string;
}

export const IMMUTABLE = 'IdType="ImmutableId"';
const MOST_PAGES = 2000;

/** A property of a parsed body, or undefined. */
export function field(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
}

export function errorCode(answer: Answer): string | undefined {
  const code = field(field(answer.body, 'error'), 'code');
  return typeof code === 'string' ? code : undefined;
}

export function itemsOf(answer: Answer): Item[] {
  const value = field(answer.body, 'value');
  return Array.isArray(value) ? (value as Item[]) : [];
}

export function link(answer: Answer, name: 'nextLink' | 'deltaLink'): string | undefined {
  const value = field(answer.body, `@odata.${name}`);
  return typeof value === 'string' ? value : undefined;
}

async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  const json = (response.headers.get('content-type') ?? '').startsWith('application/json');
  return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
}

/** A probe with a bearer for one mailbox; `token` replaces it (an app-only or a broken one). */
export function createProbe(simulator: GraphSimulator, email: string, token?: string): Probe {
  const authorization = `Bearer ${token ?? simulator.issueAccessToken(email)}`;
  const resolve = (url: string): string => {
    if (/^https?:/.test(url)) return url;
    return url.startsWith('/v1.0/')
      ? new URL(url, simulator.graphBaseUrl).href
      : simulator.graphBaseUrl + url;
  };
  const get = async (url: string, prefer = IMMUTABLE): Promise<Answer> =>
    read(
      await fetch(resolve(url), { headers: prefer === '' ? { authorization } : { authorization, prefer } }),
    );
  const send: Probe['send'] = async (method, url, body, headers = {}) => {
    const payload =
      body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
    const all = { authorization, 'content-type': 'application/json', ...headers };
    return read(await fetch(resolve(url), { method, headers: all, ...payload }));
  };
  const walk: Probe['walk'] = async (url, prefer) => {
    const pages: Item[][] = [];
    let next: string | undefined = url;
    while (next !== undefined && pages.length < MOST_PAGES) {
      const answer: Answer = await get(next, prefer);
      if (answer.status !== 200) throw new Error(`${answer.status} ${errorCode(answer) ?? ''} at ${next}`);
      pages.push(itemsOf(answer));
      const deltaLink = link(answer, 'deltaLink');
      next = link(answer, 'nextLink');
      if (deltaLink !== undefined) return { pages, items: pages.flat(), deltaLink };
    }
    throw new Error('The walk ended without a deltaLink.');
  };
  return { get, send, walk };
}
