import * as client from 'openid-client';
import { exitCodes } from '../api/exitCodes.ts';
import { Failure, stopped } from './failure.ts';
import { grantsMail } from './plan/scopes.ts';
import { loginRefusal } from './plan/loginRefusal.ts';
import type { Endpoints } from './request.ts';

/**
 * The sign-in by device code (RFC 8628): a code for the person, then polls until the person has decided. The protocol is
 * openid-client's; what is ours is what a failure means, and that a fault on the way does not end the wait.
 */
export interface LoginOptions {
  readonly endpoints: Endpoints;
  readonly clientId: string;
  /** Empty for a public client. */
  readonly clientSecret: string;
  readonly scopes: string;
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  /** Tells the person where to go with which code, and for how many seconds. */
  readonly tell: (page: string, code: string, seconds: number) => void;
}

export interface Grant {
  readonly accessToken: string;
  readonly refreshToken: string;
}

const requestSeconds = 20;
const longestPause = 60;

function configuration({ endpoints, clientId, clientSecret }: LoginOptions): client.Configuration {
  const { tokenUrl, deviceUrl } = endpoints;
  const server = {
    issuer: new URL(tokenUrl).origin,
    token_endpoint: tokenUrl,
    device_authorization_endpoint: deviceUrl,
  };
  const auth = clientSecret === '' ? client.None() : client.ClientSecretPost(clientSecret);
  const config = new client.Configuration(server, clientId, undefined, auth);
  // Only where isTokenUrl has let it pass.
  if (tokenUrl.startsWith('http:')) client.allowInsecureRequests(config);
  config.timeout = requestSeconds;
  return config;
}

const isFault = (error: unknown): boolean =>
  (error instanceof TypeError && error.message === 'fetch failed') ||
  (error instanceof client.ClientError && error.code === 'OAUTH_TIMEOUT');

/** Whether the next poll may go better. RFC 8628, 3.5: a fault of the connection is one to wait after. */
function mayPass(error: unknown): boolean {
  if (isFault(error)) return true;
  if (error instanceof client.ResponseBodyError) return error.status === 429;
  return error instanceof client.ClientError && error.cause instanceof Response && error.cause.status >= 500;
}

/** Neither an answer nor a request is repeated: both hold tokens. */
function failureOf(error: unknown): unknown {
  if (error instanceof Failure) return error;
  if (error instanceof client.ResponseBodyError) return loginRefusal(error.status, error.cause);
  if (isFault(error))
    return new Failure(exitCodes.transient, `Microsoft’s login cannot be reached${reasonOf(error)}`, {
      cause: error,
    });
  if (!(error instanceof client.ClientError)) return error;
  return error.cause instanceof Response
    ? loginRefusal(error.cause.status, undefined)
    : new Failure(exitCodes.protocol, `Microsoft’s login answered with what is no answer (${error.message})`);
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
}

/** The library looks at the signal every few seconds; a person who stops it is not to wait for that. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal, failure: () => Failure): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(failure());
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  work.catch(() => undefined);
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function poll(
  config: client.Configuration,
  begun: client.DeviceAuthorizationResponse,
  signal: AbortSignal,
): Promise<client.TokenEndpointResponse> {
  for (let interval = begun.interval ?? 5; ; interval = Math.min(interval * 2, longestPause)) {
    try {
      return await client.pollDeviceAuthorizationGrant(config, { ...begun, interval }, undefined, { signal });
    } catch (error) {
      if (signal.aborted || !mayPass(error)) throw error;
    }
  }
}

/** A sign-in without these is of no use to the job, and better told now than by its first run. */
function grantOf({ access_token, refresh_token, scope }: client.TokenEndpointResponse, asked: string): Grant {
  if (refresh_token === undefined)
    throw new Failure(
      exitCodes.refused,
      'Microsoft gave no refresh token: the app has to be granted offline_access. Nothing was written',
    );
  if (!grantsMail(scope ?? asked))
    throw new Failure(
      exitCodes.refused,
      'Microsoft did not grant Mail.Read: add it to the app’s permissions, and consent. Nothing was written',
    );
  return { accessToken: access_token, refreshToken: refresh_token };
}

/** @throws Failure */
export async function signIn(options: LoginOptions): Promise<Grant> {
  const { scopes, signal, tell, timeoutSeconds } = options;
  const config = configuration(options);
  try {
    const beginning = client.initiateDeviceAuthorization(config, { scope: scopes });
    const begun = await orAborted(beginning, signal, stopped);
    const seconds = Math.min(begun.expires_in, timeoutSeconds);
    tell(begun.verification_uri, begun.user_code, seconds);
    const ending = AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]);
    const tooLate = (): Failure =>
      signal.aborted
        ? stopped()
        : new Failure(
            exitCodes.transient,
            `Nobody signed in within ${seconds} seconds. Nothing was written. Run it again for a new code`,
          );
    return grantOf(await orAborted(poll(config, begun, ending), ending, tooLate), scopes);
  } catch (error) {
    throw failureOf(error);
  }
}
