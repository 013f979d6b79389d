/**
 * JSON batching: up to 20 requests in one POST, answered in any order, each with its own status and headers
 * (Graph docs: JSON batching). The outer 200 says nothing about the inner ones.
 */
import { refuse, type Reply } from './graphError.ts';
import { shuffled } from './random.ts';
import type { GraphRequest } from './routes.ts';

const MOST_REQUESTS = 20;

export interface InnerRequest {
  id: string;
  request: GraphRequest;
  dependsOn: readonly string[];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseBody(text: string): unknown[] {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    refuse(400, 'BadRequest', 'Invalid JSON in the batch payload.');
  }
  const requests = isRecord(body) ? body['requests'] : undefined;
  if (!Array.isArray(requests) || requests.length === 0) {
    return refuse(400, 'BadRequest', "Invalid batch payload format: 'requests' must be a non-empty array.");
  }
  if (requests.length > MOST_REQUESTS) {
    refuse(400, 'BadRequest', `Number of batch request steps exceeds the maximum value of ${MOST_REQUESTS}.`);
  }
  return requests;
}

function lowerCased(headers: unknown): Record<string, string> {
  if (!isRecord(headers)) return {};
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
}

function malformed(what: string): never {
  refuse(400, 'BadRequest', `Invalid batch payload format: ${what}`);
}

function idOf(entry: Record<string, unknown>, before: ReadonlySet<string>): string {
  const { id } = entry;
  if (typeof id !== 'string' || id === '') return malformed("each request needs an 'id'.");
  return before.has(id) ? malformed(`the id '${id}' is not unique.`) : id;
}

function targetOf(entry: Record<string, unknown>): { method: string; path: string; query: string } {
  const { method, url } = entry;
  if (typeof method !== 'string' || typeof url !== 'string')
    return malformed("'method' and 'url' must be strings.");
  if (/^[a-z]+:\/\//i.test(url)) malformed("'url' must be relative.");
  const [relative = '', query = ''] = url.split(/\?(.*)/s);
  const path = `/v1.0${relative.startsWith('/') ? '' : '/'}${relative}`;
  if (/^\/v1\.0\/\$batch/i.test(path)) malformed('a batch cannot contain a batch.');
  return { method: method.toUpperCase(), path, query };
}

function dependenciesOf(entry: Record<string, unknown>, before: ReadonlySet<string>): string[] {
  const { dependsOn = [] } = entry;
  if (!Array.isArray(dependsOn)) return malformed("'dependsOn' must be an array.");
  const names = dependsOn.map(String);
  return names.every((name) => before.has(name)) ? names : malformed("'dependsOn' names no earlier request.");
}

function innerRequest(entry: unknown, outer: GraphRequest, before: ReadonlySet<string>): InnerRequest {
  if (!isRecord(entry)) return malformed('a request must be an object.');
  const id = idOf(entry, before);
  const authorization = outer.headers['authorization'] ?? '';
  // Preferences of the outer request do not carry over; the bearer does.
  const headers = { ...lowerCased(entry['headers']), authorization };
  const request = { ...targetOf(entry), headers, origin: outer.origin };
  return { id, request, dependsOn: dependenciesOf(entry, before) };
}

/** The inner requests, or a refusal of the whole batch. */
export function readBatch(outer: GraphRequest, body: string): InnerRequest[] {
  if (outer.method !== 'POST') refuse(405, 'BadRequest', 'A batch must be sent with POST.');
  const seen = new Set<string>();
  return parseBody(body).map((entry) => {
    const inner = innerRequest(entry, outer, seen);
    seen.add(inner.id);
    return inner;
  });
}

function titleCase(name: string): string {
  return name.replaceAll(
    /(^|-)([a-z])/g,
    (_, dash: string, letter: string) => `${dash}${letter.toUpperCase()}`,
  );
}

/** Runs the requests by `run` and answers in shuffled order; a failed dependency is 424. */
export function answerBatch(
  requests: readonly InnerRequest[],
  seed: number,
  run: (inner: InnerRequest) => Reply,
): Reply {
  const failed = new Set<string>();
  const responses = requests.map((inner) => {
    const blocked = inner.dependsOn.some((id) => failed.has(id));
    const dependency = {
      error: { code: 'FailedDependency', message: 'A request this one depends on has failed.' },
    };
    const reply: Reply = blocked ? { status: 424, headers: {}, body: dependency } : run(inner);
    if (reply.status >= 400) failed.add(inner.id);
    const headers = Object.fromEntries(
      Object.entries(reply.headers).map(([name, value]) => [titleCase(name), value]),
    );
    return {
      id: inner.id,
      status: reply.status,
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: reply.body,
    };
  });
  return { status: 200, headers: {}, body: { responses: shuffled(responses, seed) } };
}
