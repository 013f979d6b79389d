import * as z from 'zod';
import { type ExitCode, exitCodes } from '../../api/exitCodes.ts';
import { Failure } from '../failure.ts';

/**
 * What a refusal of Microsoft's login means to the person who waits. `error` decides; the AADSTS number, which may
 * change, only chooses a better hint. Of the answer's text, which may name people, nothing but the number is repeated.
 * Source: Microsoft Entra docs, "v2-oauth2-device-code" and "reference-error-codes".
 */
const refusal = z.object({
  error: z.string().regex(/^[\w.-]{1,64}$/),
  error_description: z.string().optional().catch(undefined),
  error_codes: z.array(z.number()).optional().catch(undefined),
});

interface Meaning {
  readonly exit: ExitCode;
  readonly text: string;
}

const refused = (text: string): Meaning => ({ exit: exitCodes.refused, text });
const again: Meaning = {
  exit: exitCodes.transient,
  text: 'Nobody signed in before the code expired. Run it again for a new code',
};

const meanings: Readonly<Record<string, Meaning>> = {
  authorization_declined: refused('The sign-in was declined'),
  access_denied: refused('The sign-in was declined, or a policy of the tenant forbids it'),
  expired_token: again,
  code_expired: again,
  bad_verification_code: {
    exit: exitCodes.protocol,
    text: 'Microsoft does not know the device code that it gave. Run it again for a new one',
  },
  invalid_client: refused('Microsoft refuses the app: see --client-id and --client-secret-file'),
  unauthorized_client: refused('The app is unknown or not allowed there: see --client-id and --tenant'),
  invalid_scope: refused('Microsoft refuses the scopes: see --scopes'),
  invalid_grant: refused('Microsoft refuses the sign-in'),
  interaction_required: refused('A policy of the tenant asks for more than a device code can show'),
  consent_required: refused('The app lacks consent: an administrator of the tenant has to give it'),
  invalid_request: refused('Microsoft refuses the request: see --tenant, --client-id and --scopes'),
  temporarily_unavailable: {
    exit: exitCodes.transient,
    text: 'Microsoft’s login asks to wait. Run it again later',
  },
};

const hints: Readonly<Record<number, string>> = {
  7000218:
    'the app does not allow public client flows: allow them under Authentication in its registration, or name its secret with --client-secret-file',
  700025:
    'the app allows public client flows, in which its secret must not be shown: leave out --client-secret-file and OUTLOOK_CLIENT_SECRET',
  7000215: 'the secret is wrong: --client-secret-file takes its value, not its id',
  7000222: 'the secret has expired: make a new one in the app’s registration',
  700016: 'no app of this id is known there: see --client-id, and --tenant',
  50059: 'the tenant cannot be told: see --tenant',
  90002: 'there is no such tenant: see --tenant',
  50194: 'the app is for one tenant only: name it with --tenant',
  9002331: 'the app is for personal accounts only: --tenant consumers',
  65001: 'nobody has consented to what the app asks for: an administrator may have to',
  90094: 'an administrator of the tenant has to consent first',
  53003: 'Conditional Access of the tenant forbids it; many tenants forbid device codes altogether',
  530033: 'Conditional Access of the tenant wants a managed device',
  70011: 'one of the scopes is unknown: see --scopes',
};

function aadsts({ error_description: said = '', error_codes: codes = [] }: z.infer<typeof refusal>): number {
  const [, quoted = '0'] = /AADSTS(\d+)/.exec(said) ?? [];
  return codes[0] ?? Number(quoted);
}

/** @param body the parsed answer */
export function loginRefusal(status: number, body: unknown): Failure {
  const parsed = refusal.safeParse(body);
  if (status >= 500)
    return new Failure(exitCodes.transient, `Microsoft’s login answered ${status}. Run it again later`);
  if (!parsed.success)
    return new Failure(
      exitCodes.protocol,
      `Microsoft’s login answered ${status} with what is no answer of a login. Is OUTLOOK_TOKEN_URL right, and is there a proxy in between?`,
    );
  const { error } = parsed.data;
  const number = aadsts(parsed.data);
  const { exit, text } = meanings[error] ?? refused('Microsoft refuses the sign-in');
  const hint = hints[number];
  const named = number === 0 ? error : `${error}, AADSTS${number}`;
  return new Failure(exit, `${hint === undefined ? text : `${text}: ${hint}`} (${named})`);
}
