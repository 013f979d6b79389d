import * as z from 'zod';
import { type ErrorCode, SyncError } from '../errors.ts';

/**
 * What a refusal of the token endpoint means. `error` decides, for numbers and texts change; the one exception is
 * AADSTS50196 (a loop was detected), which comes as `invalid_grant` and is a throttle, not a dead grant.
 * The text of an answer may name a person, so only `error` and the AADSTS number are repeated.
 * Source: Microsoft Entra docs, "reference-error-codes".
 */
const errorBody = z.object({
  error: z.string().regex(/^[\w.-]{1,64}$/),
  error_description: z.string().optional().catch(undefined),
  error_codes: z.array(z.number()).optional().catch(undefined),
});

const loopDetected = 50_196;

const meanings: Readonly<Record<string, { code: ErrorCode; text: string }>> = {
  invalid_grant: {
    code: 'ReauthorizationRequired',
    text: 'The grant is dead: the user has to sign in again',
  },
  interaction_required: { code: 'ReauthorizationRequired', text: 'The user has to sign in again' },
  consent_required: { code: 'ReauthorizationRequired', text: 'The user has to consent again' },
  login_required: { code: 'ReauthorizationRequired', text: 'The user has to sign in again' },
  invalid_client: {
    code: 'ClientCredentialsInvalid',
    text: 'OUTLOOK_CLIENT_ID or OUTLOOK_CLIENT_SECRET is wrong or has expired',
  },
  unauthorized_client: {
    code: 'ClientUnauthorized',
    text: 'The app is not allowed in this tenant or is disabled',
  },
  invalid_scope: { code: 'LoginRequestInvalid', text: 'The requested scope is refused' },
  invalid_request: { code: 'LoginRequestInvalid', text: 'The token request is refused' },
  invalid_resource: { code: 'LoginRequestInvalid', text: 'The requested resource is unknown in this tenant' },
  unsupported_grant_type: { code: 'LoginRequestInvalid', text: 'The token request is refused' },
};

function aadsts(body: z.infer<typeof errorBody>): number | undefined {
  const [, quoted] = /AADSTS(\d+)/.exec(body.error_description ?? '') ?? [];
  return body.error_codes?.[0] ?? (quoted === undefined ? undefined : Number(quoted));
}

/** @param body the parsed answer, or anything else where it was no JSON */
export function loginError(status: number, body: unknown): SyncError {
  const parsed = errorBody.safeParse(body);
  const unavailable = new SyncError('LoginUnavailable', `The token endpoint answered ${status}`);
  if (status === 429) return new SyncError('LoginThrottled', 'The token endpoint throttles (429)');
  if (!parsed.success || status >= 500) return unavailable;
  const number = aadsts(parsed.data);
  const named = `${parsed.data.error}${number === undefined ? '' : `, AADSTS${number}`}`;
  if (number === loopDetected)
    return new SyncError('LoginThrottled', `The token endpoint saw a loop (${named})`);
  const meaning = meanings[parsed.data.error];
  return meaning ? new SyncError(meaning.code, `${meaning.text} (${named})`) : unavailable;
}
