// The webhook's server on a port of this machine. What it would ask of the cluster is answered by a list of providers;
// whom it wakes is written down.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { signClientState } from '../../../api/clientState.ts';
import { pushPath } from '../../../api/pushUrl.ts';
import type { Outcome, Route, Server, ServerLimits, ServerOptions } from '../../../webhook/http/options.ts';
import { openServer } from '../../../webhook/http/server.ts';
import type { Provider, SubscriptionEvent } from '../../../webhook/wakeUp.ts';

export const token = 'T0P-SECRET-TOKEN';
export const secret = 'T0P-SECRET-OF-CLIENT-STATE';

export const idOf = (n: number): string => `0b7e2f8a-0d7a-4c55-9d37-${String(n).padStart(12, '0')}`;
export const addressOf = (n: number): string => `person-${n}@private.example`;
/** A notification as Graph sends it. */
export const notificationOf = (n: number, more: object = {}): object => ({
  subscriptionId: `sub-${n}`,
  subscriptionExpirationDateTime: '2026-11-27T00:00:00Z',
  clientState: signClientState(secret, idOf(n)),
  changeType: 'Created',
  resource: `Users/u${n}/Messages/AAMk`,
  resourceData: { '@odata.type': '#Microsoft.Graph.Message', id: 'AAMk' },
  ...more,
});

export interface SceneOptions {
  readonly limits?: Partial<ServerLimits>;
  readonly options?: Partial<ServerOptions>;
  /** What happens when one is told; by default it is kept. */
  readonly keep?: (provider: Provider) => Promise<void>;
}

export interface Scene {
  readonly server: Server;
  /** Keys, and events behind a blank, in the order in which they were told. */
  readonly told: string[];
  readonly counted: Partial<Record<Outcome, number>>;
  readonly requests: [Route, number][];
  readonly lines: { readonly level: string; readonly fields: object; readonly message: string }[];
  /** POST with the token to /push, unless said otherwise. */
  readonly send: (request?: Sent) => Promise<Answer>;
}

interface Sent {
  readonly method?: string;
  readonly path?: string;
  /** Behind the question mark; without the token where it says so. */
  readonly query?: string;
  readonly token?: string | null;
  /** Text as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Twenty providers, p0 to p19, of which p0 is suspended. */
const providers = Array.from({ length: 20 }, (_, n): Provider => ({ key: `team/p${n}`, isActive: n !== 0 }));
const one = (n: number): readonly Provider[] => providers.slice(n, n + 1);
const byId = new Map(providers.map((_, n) => [idOf(n), one(n)]));
const byAddress = new Map(providers.map((_, n) => [addressOf(n), one(n)]));
const bySubscription = new Map(providers.map((_, n) => [`sub-${n}`, one(n)]));

export async function openScene({ limits, options, keep }: SceneOptions = {}): Promise<Scene> {
  const told: string[] = [];
  const counted: Scene['counted'] = {};
  const requests: Scene['requests'] = [];
  const lines: Scene['lines'] = [];
  const line = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields, message });
  const tell = async (provider: Provider, event?: SubscriptionEvent): Promise<void> => {
    await keep?.(provider);
    told.push(event === undefined ? provider.key : `${provider.key} ${event}`);
  };
  const server = await openServer({
    directory: {
      byProviderId: (id) => byId.get(id.toLowerCase()) ?? [],
      byAddress: (address) => byAddress.get(address.toLowerCase()) ?? [],
      bySubscription: (id) => bySubscription.get(id) ?? [],
    },
    wakeUps: { wake: (provider) => tell(provider), tell },
    tokens: [token],
    clientStateSecrets: [secret],
    limits: {
      bodyLimitBytes: 1_048_576,
      ratePerSecond: 0,
      requestTimeoutMs: 10_000,
      drainMs: 5000,
      ...limits,
    },
    trustProxy: false,
    host: '127.0.0.1',
    port: 0,
    log: { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') },
    observe: {
      request: (route, status) => void requests.push([route, status]),
      notifications: (outcome, count) => void (counted[outcome] = (counted[outcome] ?? 0) + count),
    },
    isReady: () => null,
    ...options,
  });
  onTestFinished(() => server.close());
  return { server, told, counted, requests, lines, send: (request) => send(server.url, request) };
}

async function send(url: string, request: Sent = {}): Promise<Answer> {
  const { method = 'POST', path = pushPath, body, headers = {} } = request;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${url}${path}?${queryOf(request)}`, {
    method,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    ...(body !== undefined && { body: text }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

function queryOf({ query = '', token: shown = token }: Sent): string {
  return [query, shown === null ? '' : `token=${encodeURIComponent(shown)}`].filter(Boolean).join('&');
}

export function problemOf({ headers, text }: Answer): Record<string, unknown> {
  if (headers.get('content-type') !== 'application/problem+json') throw new Error(`Not a problem: ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

/** A plain connection. */
export async function dial(server: Server): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** All that comes until the other side ends the connection. */
export async function heard(socket: Socket): Promise<string> {
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  await once(socket, 'close');
  return Buffer.concat(parts).toString();
}
