/** The login endpoint over HTTP: reads the form, lets faults have their way, logs, and answers. */
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

/** The tenant of a POST to `/{tenant}/oauth2/v2.0/token`; undefined for any other request. */
export function tenantOf(request: IncomingMessage): string | undefined {
  const path = (request.url ?? '').split('?')[0] ?? '';
  const tenant = /^\/([^/]+)\/oauth2\/v2\.0\/token$/.exec(path)?.[1];
  return request.method === 'POST' && tenant !== undefined ? readable(tenant) : undefined;
}

function errorOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined;
  return typeof body.error === 'string' ? body.error : undefined;
}

export async function serveToken(
  options: LoginServerOptions,
  tenant: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { login, faults, tokenRequests, clock, nextNumber } = options;
  const body = await readBody(request);
  if (body === undefined) {
    response.destroy();
    return;
  }
  const grantType = new URLSearchParams(body).get('grant_type') ?? '';
  const record: TokenRequestRecord = { grantType, tenant, status: 0, at: clock() };
  appendBounded(tokenRequests, record);
  const headers = flatHeaders(request);
  const sent = { method: 'POST', path: readable(request.url ?? ''), query: '', prefer: [], headers };
  const fault = faults.take({ kind: 'token', ...sent, inFlight: 0, number: nextNumber() });
  if (!(await survives(fault, response, 0))) return;
  const reply = faultedReply(fault, () => login.answer(tenant, headers['content-type'] ?? '', body, record));
  record.status = reply.status;
  const error = errorOf(reply.body);
  if (error !== undefined) record.error = error;
  send(response, reply, fault?.truncate);
}
