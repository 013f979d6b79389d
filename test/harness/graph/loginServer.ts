/** The login endpoints over HTTP: reads the form, lets faults have their way, logs, and answers. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Faults } from './faults.ts';
import type { Login } from './login.ts';
import { appendBounded, readable, type TokenRequestRecord } from './requestLog.ts';
import { faultedReply, flatHeaders, readBody, send, survives } from './transport.ts';

export interface LoginServerOptions {
  login: Login;
  faults: Faults;
  tokenRequests: TokenRequestRecord[];
  clock: () => number;
  nextNumber: () => number;
}

export interface LoginTarget {
  readonly tenant: string;
  readonly endpoint: 'token' | 'devicecode';
}

/** What a POST to `/{tenant}/oauth2/v2.0/{token or devicecode}` is for; undefined for any other request. */
export function loginTarget(request: IncomingMessage): LoginTarget | undefined {
  const path = (request.url ?? '').split('?')[0] ?? '';
  const [, tenant, endpoint] = /^\/([^/]+)\/oauth2\/v2\.0\/(token|devicecode)$/.exec(path) ?? [];
  if (request.method !== 'POST' || tenant === undefined) return undefined;
  return { tenant: readable(tenant), endpoint: endpoint === 'token' ? 'token' : 'devicecode' };
}

function errorOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined;
  return typeof body.error === 'string' ? body.error : undefined;
}

export async function serveLogin(
  options: LoginServerOptions,
  { tenant, endpoint }: LoginTarget,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { login, faults, tokenRequests, clock, nextNumber } = options;
  const body = await readBody(request);
  if (body === undefined) {
    response.destroy();
    return;
  }
  const grantType =
    endpoint === 'token' ? (new URLSearchParams(body).get('grant_type') ?? '') : 'device authorization';
  const record: TokenRequestRecord = { grantType, tenant, status: 0, at: clock() };
  appendBounded(tokenRequests, record);
  const headers = flatHeaders(request);
  const sent = { method: 'POST', path: readable(request.url ?? ''), query: '', prefer: [], headers };
  const fault = faults.take({ kind: 'token', ...sent, inFlight: 0, number: nextNumber() });
  if (!(await survives(fault, response, 0))) return;
  const type = headers['content-type'] ?? '';
  const reply = faultedReply(fault, () =>
    endpoint === 'token' ? login.answer(tenant, type, body, record) : login.answerDevice(tenant, type, body),
  );
  record.status = reply.status;
  const error = errorOf(reply.body);
  if (error !== undefined) record.error = error;
  send(response, reply, fault?.truncate);
}
