import type { Logger } from 'pino';
import type { Agent } from 'undici';
import * as z from 'zod';
import { Interrupted, SyncError } from '../errors.ts';
import { loginError } from '../plan/loginError.ts';
import { backoff, parseRetryAfter } from '../plan/retryAfter.ts';
import { parseBody } from './answer.ts';
import { type Clock, sleepUntil } from './gate.ts';
import { sendHttp } from './http.ts';

/**
 * The token endpoint of the Microsoft identity platform: one form in, tokens or a meaning out. It keeps nothing.
 */
export interface LoginOptions {
  readonly tokenUrl: string;
  readonly clientId: string;
  /** Empty for a public client. */
  readonly clientSecret: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly agent: Agent;
  readonly backoffBase: number;
}

export interface IssuedTokens {
  readonly accessToken: string;
  /** Null where none came: the one that was used stays good. */
  readonly refreshToken: string | null;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export type Grant =
  | { readonly type: 'refresh_token'; readonly refreshToken: string }
  | { readonly type: 'client_credentials'; readonly scope: string };

const issued = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1).optional().catch(undefined),
  expires_in: z.coerce.number().positive().catch(3599),
});

const maxTries = 3;

function form({ clientId, clientSecret }: LoginOptions, grant: Grant): string {
  const fields = new URLSearchParams({ client_id: clientId, grant_type: grant.type });
  if (clientSecret !== '') fields.set('client_secret', clientSecret);
  // A refresh without `scope` renews exactly what was consented to; naming more would be a consent error.
  if (grant.type === 'refresh_token') fields.set('refresh_token', grant.refreshToken);
  else fields.set('scope', grant.scope);
  return fields.toString();
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfter: number | null;
}

async function post(options: LoginOptions, body: string): Promise<Reply> {
  const { agent, clock, tokenUrl } = options;
  const { status, text, header } = await sendHttp(agent, {
    url: tokenUrl,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body,
    signal: clock.signal,
  });
  const retryAfter = parseRetryAfter(header('retry-after'), header('date'), clock.now());
  return { status, body: parseBody(text), retryAfter };
}

async function attempt(options: LoginOptions, grant: Grant): Promise<IssuedTokens | Failed> {
  const { clock } = options;
  const asked = clock.now();
  let reply: Reply;
  try {
    reply = await post(options, form(options, grant));
  } catch (error) {
    if (clock.signal.aborted) throw new Interrupted('Stopped during a login', { cause: error });
    const message = 'The token endpoint cannot be reached';
    return { error: new SyncError('LoginUnavailable', message, { cause: error }), retryAfter: null };
  }
  const parsed = issued.safeParse(reply.body);
  if (reply.status !== 200 || !parsed.success) {
    return { error: loginError(reply.status, reply.body), retryAfter: reply.retryAfter };
  }
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: seconds } = parsed.data;
  return { accessToken, refreshToken: refreshToken ?? null, expiresAt: asked + seconds * 1000 };
}

interface Failed {
  readonly error: SyncError;
  readonly retryAfter: number | null;
}

/** Whether the failure may pass while the run waits: an outage always, a throttle where it says for how long. */
function mayPass({ error, retryAfter }: Failed): boolean {
  return error.code === 'LoginUnavailable' || (error.code === 'LoginThrottled' && retryAfter !== null);
}

/**
 * Redeems a grant.
 * @throws SyncError by the meaning of the refusal; Interrupted when the run is to stop
 */
export async function redeem(options: LoginOptions, grant: Grant): Promise<IssuedTokens> {
  const { clock, backoffBase, log } = options;
  for (let tries = 1; ; tries += 1) {
    const result = await attempt(options, grant);
    if (!('error' in result)) return result;
    const { error, retryAfter } = result;
    if (!mayPass(result) || tries >= maxTries) throw error;
    const until = clock.now() + Math.max(retryAfter ?? 0, backoff(tries, backoffBase, 8_000, clock.random));
    if (until > clock.deadline) throw new SyncError(error.code, error.message, { until: new Date(until) });
    log.info({ code: error.code }, 'A login failed and is tried again');
    await sleepUntil(until, clock);
  }
}
