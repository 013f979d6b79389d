// A companion: Graph and its login as a sync sees them, canned. It knows one mailbox that never changes, checks
// nothing, and costs next to nothing, so that a figure is that of the sync and not of what it talks to.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { z } from 'zod';
import { monotonicMs } from '../clock.ts';
import { answerRequests } from '../companion.ts';
import { type BenchFolder, foldersOf, layouts, rootFolder } from './mailbox.ts';
import { DeltaPages, renderMessages } from './pages.ts';

const enquiry = z.object({
  statistics: z.boolean().optional(),
  behaviour: z
    .object({
      /** Messages of the mailbox, over all folders. */
      messages: z.number(),
      layout: z.enum(layouts),
      /** Milliseconds before a full page of messages, fractions allowed on average; less for a smaller page. */
      delayMs: z.number(),
      /** Rounds over all messages that each delta has; those after the first replay it. */
      rounds: z.number(),
    })
    .optional(),
});

type Behaviour = NonNullable<z.infer<typeof enquiry>['behaviour']>;

const port = z.object({ port: z.number() });
const root = '/v1.0/me';
const jsonType = { 'content-type': 'application/json' };

let current: Behaviour = { messages: 0, layout: 'usual', delayMs: 0, rounds: 1 };
let folders: BenchFolder[] = [];
let pages = new DeltaPages(0);
let origin = '';
let statistics = noStatistics();
/** Parts of a millisecond that timers could not wait; the next delay makes up for them. */
let owed = 0;

function noStatistics() {
  return { requests: 0, deltaPages: 0, messages: 0, bytes: 0, unexpected: [] as string[], firstAtMs: 0 };
}

const folderJson = ({ id, name, parent }: BenchFolder): object => ({
  id,
  displayName: name,
  ...(parent !== null && { parentFolderId: parent }),
});

const found = (idOrName: string): BenchFolder | undefined =>
  [rootFolder, ...folders].find(({ id, wellKnown }) => id === idOrName || wellKnown === idOrName);

interface Reply {
  readonly status: number;
  readonly parts: readonly (string | Buffer)[];
  /** Of the delay of a full page. */
  readonly delayed: number;
}

const json = (status: number, body: object): Reply => ({ status, parts: [JSON.stringify(body)], delayed: 0 });
const refused = (status: number, code: string): Reply => json(status, { error: { code, message: code } });

function deltaReply(folder: BenchFolder, url: URL, pageSize: number): Reply {
  const address = `${origin}${url.pathname}`;
  const { rounds } = current;
  const { head, value, messages } = pages.page({
    folder,
    address,
    query: url.searchParams,
    pageSize,
    rounds,
  });
  statistics.deltaPages += 1;
  statistics.messages += messages;
  return { status: 200, parts: [head, value], delayed: messages / pageSize };
}

function recentReply(url: URL, pageSize: number): Reply {
  const [inbox] = folders;
  const count = Math.min(Number(url.searchParams.get('$top') ?? 10), inbox?.messages ?? 0);
  const value = inbox ? renderMessages(inbox, 0, count) : '[]}';
  return { status: 200, parts: ['{"value":', value], delayed: count / pageSize };
}

const batchBody = z.object({ requests: z.array(z.object({ id: z.string(), url: z.string() })) });

function batchReply(body: string): Reply {
  const responses = batchBody.parse(JSON.parse(body)).requests.map(({ id, url }) => {
    const [, idOrName] = /^\/me\/mailFolders\/([^/?]+)/.exec(url) ?? [];
    if (idOrName === undefined) statistics.unexpected.push(`batched ${url}`);
    const folder = idOrName === undefined ? undefined : found(decodeURIComponent(idOrName));
    return folder
      ? { id, status: 200, body: folderJson(folder) }
      : { id, status: 404, body: { error: { code: 'ErrorItemNotFound', message: 'Not found' } } };
  });
  return json(200, { responses });
}

function folderListReply(url: URL): Reply {
  const value = url.searchParams.has('$deltatoken') ? [] : folders.map(folderJson);
  return json(200, { '@odata.deltaLink': `${origin}${url.pathname}?$deltatoken=1`, value });
}

function answer(url: URL, body: string, pageSize: number): Reply {
  const [, folder] = /^\/v1\.0\/me\/mailFolders\/([^/]+)\/messages\/delta$/.exec(url.pathname) ?? [];
  const known = folder === undefined ? undefined : found(decodeURIComponent(folder));
  if (known) return deltaReply(known, url, pageSize);
  switch (url.pathname) {
    case '/token':
      return json(200, { access_token: 'a', refresh_token: 'r', expires_in: 86_400, token_type: 'Bearer' });
    case '/v1.0/$batch':
      return batchReply(body);
    case `${root}/messages/delta`:
      return refused(400, 'BadRequest');
    case `${root}/messages`:
      return recentReply(url, pageSize);
    case `${root}/mailFolders/delta`:
      return folderListReply(url);
    case `${root}/outlook/masterCategories`:
      return json(200, { value: [{ displayName: 'Project X', color: 'preset3' }] });
    default:
      statistics.unexpected.push(url.pathname);
      return refused(404, 'ErrorItemNotFound');
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', origin);
  statistics.requests += 1;
  if (statistics.firstAtMs === 0 && url.pathname !== '/token') statistics.firstAtMs = monotonicMs();
  const body = request.method === 'POST' ? await bodyOf(request) : '';
  const [, pageSize = 100] = /odata\.maxpagesize=(\d+)/.exec(String(request.headers['prefer'])) ?? [];
  const reply = answer(url, body, Number(pageSize));
  const length = reply.parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0);
  statistics.bytes += length;
  const send = (): void => {
    response.writeHead(reply.status, { ...jsonType, 'content-length': length });
    response.cork();
    for (const part of reply.parts) response.write(part);
    response.end();
    response.uncork();
  };
  const wanted = current.delayMs * reply.delayed;
  const wait = wanted > 0 ? Math.round(wanted + owed) : 0;
  if (wanted > 0) owed += wanted - wait;
  if (wait > 0) setTimeout(send, wait);
  else send();
}

async function listen(): Promise<z.infer<typeof port>> {
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.keepAliveTimeout = 60_000;
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const bound = port.parse(server.address());
  origin = `http://127.0.0.1:${bound.port}`;
  return bound;
}

function behave(request: Behaviour): void {
  if (request.messages !== current.messages || request.layout !== current.layout) {
    folders = foldersOf(request.messages, request.layout);
    pages = new DeltaPages(request.messages);
  }
  current = request;
  statistics = noStatistics();
}

const listening = listen();
answerRequests((request) => {
  const { behaviour, statistics: asked } = enquiry.parse(request);
  if (behaviour) behave(behaviour);
  return asked === true ? statistics : listening;
});
