/**
 * The refusals of Microsoft login in one table: status, `error`, AADSTS number, text. Clients must branch on `error`;
 * numbers and texts may change and are for people (Entra docs: error codes).
 */
import type { FaultReply } from './faults.ts';
import type { Reply } from './graphError.ts';
import { guid } from './ids.ts';

type Refusal = readonly [status: number, error: string, number: number, text: string];

const REFUSALS = {
  revoked: [
    400,
    'invalid_grant',
    50173,
    'The provided grant has expired due to it being revoked, a fresh auth token is needed.',
  ],
  expired: [400, 'invalid_grant', 700082, 'The refresh token has expired due to inactivity.'],
  replaced: [
    400,
    'invalid_grant',
    70000,
    'Provided grant is invalid or malformed: the refresh token was already used.',
  ],
  unknown: [400, 'invalid_grant', 70000, 'Provided grant is invalid or malformed.'],
  'consent-withdrawn': [
    400,
    'invalid_grant',
    65001,
    'The user or administrator has not consented to use the application.',
  ],
  'mfa-required': [
    400,
    'interaction_required',
    50076,
    'You must use multi-factor authentication to access this resource.',
  ],
  'sign-in-frequency': [
    400,
    'invalid_grant',
    70043,
    'The refresh token is invalid due to sign-in frequency checks.',
  ],
  loop: [
    400,
    'invalid_grant',
    50196,
    'The server terminated an operation because it encountered a client request loop.',
  ],
  'wrong-secret': [401, 'invalid_client', 7000215, 'Invalid client secret provided.'],
  'expired-secret': [
    401,
    'invalid_client',
    7000222,
    'The provided client secret keys for the app are expired.',
  ],
  'missing-secret': [
    401,
    'invalid_client',
    7000218,
    "The request body must contain 'client_assertion' or 'client_secret'.",
  ],
  'public-client': [
    401,
    'invalid_client',
    700025,
    "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
  ],
  'device-pending': [
    400,
    'authorization_pending',
    70016,
    'OAuth 2.0 device flow error. Authorization is pending. Continue polling.',
  ],
  'slow-down': [400, 'slow_down', 70016, 'Polled too often. Wait for longer between two requests.'],
  'device-declined': [400, 'authorization_declined', 65004, 'User declined to consent to access the app.'],
  'bad-device-code': [400, 'bad_verification_code', 70018, 'The device_code is not recognized.'],
  'device-code-expired': [400, 'expired_token', 70019, 'Verification code expired.'],
  'unknown-client': [400, 'unauthorized_client', 700016, 'Application was not found in the directory.'],
  'unknown-scope': [
    400,
    'invalid_scope',
    70011,
    "The provided value for the input parameter 'scope' is not valid.",
  ],
  'app-scope': [
    400,
    'invalid_scope',
    1002012,
    'Client credential flows must have a scope with /.default suffixed to the resource.',
  ],
  'grant-type': [400, 'unsupported_grant_type', 70003, 'The app requested an unsupported grant type.'],
  'no-tenant': [
    400,
    'invalid_request',
    50059,
    'No tenant-identifying information found in the request or implied by credentials.',
  ],
  'bad-tenant': [
    400,
    'invalid_request',
    900023,
    'Specified tenant identifier is neither a valid DNS name, nor a valid external domain.',
  ],
  missing: [400, 'invalid_request', 900144, 'The request body must contain the following parameter: '],
  throttled: [429, 'temporarily_unavailable', 90055, 'The tenant is throttled: too many requests.'],
  'temporarily-unavailable': [
    503,
    'temporarily_unavailable',
    90033,
    'A transient error has occurred. Please try again.',
  ],
  'server-error': [500, 'server_error', 90012, 'The request has timed out.'],
} satisfies Record<string, Refusal>;

export type LoginRefusal = keyof typeof REFUSALS;

/** The error body of Microsoft login. `now` (ms) fixes the time and the ids, so the same moment gives the same body. */
export function refusalReply(kind: LoginRefusal, now: number, detail = ''): Reply {
  const [status, error, number, text]: Refusal = REFUSALS[kind];
  const trace = guid('trace', now, number);
  const correlation = guid('correlation', now, number);
  const timestamp = `${new Date(now).toISOString().slice(0, 19).replace('T', ' ')}Z`;
  const ids = `Trace ID: ${trace} Correlation ID: ${correlation} Timestamp: ${timestamp}`;
  const body = {
    error,
    error_description: `AADSTS${number}: ${text}${detail} ${ids}`,
    error_codes: [number],
    timestamp,
    trace_id: trace,
    correlation_id: correlation,
    error_uri: `https://login.microsoftonline.com/error?code=${number}`,
  };
  return { status, headers: status === 429 ? { 'retry-after': '60' } : {}, body };
}

/** A refusal to script with `faults`: e.g. `loop` for AADSTS50196, `throttled` for a 429 with Retry-After: 60. */
export function loginFault(kind: LoginRefusal, headers: Record<string, string> = {}): FaultReply {
  const reply = refusalReply(kind, Date.UTC(2026, 10, 20));
  return { status: reply.status, headers: { ...reply.headers, ...headers }, body: reply.body };
}
