import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { exitCodes } from '../api/exitCodes.ts';
import { Failure, stopped } from './failure.ts';
import type { Account } from './plan/account.ts';

/** Who a bearer is, by Graph. Asked after a person has taken the trouble to sign in, so an outage is waited for. */
const account = z.object({ mail: z.string().nullish(), userPrincipalName: z.string().nullish() });

const requestMs = 20_000;
/** Milliseconds before each further try. */
const pauses = [1_000, 4_000, 10_000];

type Answer = Account | { readonly failure: Failure; readonly mayPass: boolean };

const unanswered = (what: string, mayPass: boolean): Answer => ({
  mayPass,
  failure: new Failure(
    mayPass ? exitCodes.transient : exitCodes.refused,
    `Graph does not tell who has signed in: ${what}. Nothing was written`,
  ),
});

async function read(response: Response): Promise<Answer> {
  const { status } = response;
  if (status !== 200) {
    const hint = status === 403 ? '. Does --scopes have User.Read?' : '';
    return unanswered(`it answered ${status}${hint}`, status === 429 || status >= 500);
  }
  const parsed = account.safeParse(await response.json());
  if (!parsed.success) return unanswered('its answer is none', false);
  const { mail, userPrincipalName } = parsed.data;
  return { mail: mail === '' ? null : (mail ?? null), userPrincipalName: userPrincipalName ?? null };
}

async function ask(url: string, accessToken: string, signal: AbortSignal): Promise<Answer> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(requestMs)]);
  const headers = { authorization: `Bearer ${accessToken}`, accept: 'application/json' };
  try {
    // Not followed: it would take the bearer elsewhere.
    return await read(await fetch(url, { headers, redirect: 'manual', signal: limit }));
  } catch {
    if (signal.aborted) throw stopped();
    return unanswered('it cannot be reached', true);
  }
}

/** @throws Failure */
export async function whoami(
  graphBaseUrl: string,
  accessToken: string,
  signal: AbortSignal,
): Promise<Account> {
  const url = `${graphBaseUrl}/me?$select=mail,userPrincipalName`;
  for (let tries = 0; ; tries += 1) {
    const answer = await ask(url, accessToken, signal);
    if (!('failure' in answer)) return answer;
    const pause = pauses[tries];
    if (!answer.mayPass || pause === undefined) throw answer.failure;
    await sleep(pause, undefined, { signal }).catch(() => {
      throw stopped();
    });
  }
}
