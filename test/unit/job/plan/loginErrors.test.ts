// What a refusal of the token endpoint means, and how long the other side wants us to wait.
import { describe, expect, it } from 'vitest';
import { loginError } from '../../../../job/plan/loginError.ts';
import { backoff, parseRetryAfter } from '../../../../job/plan/retryAfter.ts';

const refusal = (error: string, number: number): object => ({
  error,
  error_description: `AADSTS${number}: The user anna@contoso.com did something. Trace ID: 1`,
  error_codes: [number],
});

describe('a refusal of the login', () => {
  it.each([
    [400, refusal('invalid_grant', 50173), 'ReauthorizationRequired', 77],
    [400, refusal('invalid_grant', 700082), 'ReauthorizationRequired', 77],
    [400, refusal('invalid_grant', 65001), 'ReauthorizationRequired', 77],
    [400, refusal('invalid_grant', 99999999), 'ReauthorizationRequired', 77],
    [400, { error: 'invalid_grant' }, 'ReauthorizationRequired', 77],
    [400, refusal('interaction_required', 50076), 'ReauthorizationRequired', 77],
    [400, refusal('consent_required', 65001), 'ReauthorizationRequired', 77],
    [401, refusal('invalid_client', 7000215), 'ClientCredentialsInvalid', 77],
    [401, refusal('invalid_client', 7000222), 'ClientCredentialsInvalid', 77],
    [400, refusal('unauthorized_client', 700016), 'ClientUnauthorized', 77],
    [400, refusal('invalid_scope', 70011), 'LoginRequestInvalid', 77],
    [400, refusal('invalid_request', 900144), 'LoginRequestInvalid', 77],
    [400, refusal('invalid_grant', 50196), 'LoginThrottled', 75],
    [400, { error: 'invalid_grant', error_description: 'AADSTS50196: loop' }, 'LoginThrottled', 75],
    [429, refusal('temporarily_unavailable', 90055), 'LoginThrottled', 75],
    [429, undefined, 'LoginThrottled', 75],
    [503, refusal('temporarily_unavailable', 90033), 'LoginUnavailable', 75],
    [400, refusal('temporarily_unavailable', 90033), 'LoginUnavailable', 75],
    [500, refusal('server_error', 90012), 'LoginUnavailable', 75],
    [500, refusal('invalid_grant', 70000), 'LoginUnavailable', 75],
    [502, undefined, 'LoginUnavailable', 75],
    [200, undefined, 'LoginUnavailable', 75],
    [200, {}, 'LoginUnavailable', 75],
    [400, { error: { code: 'x' } }, 'LoginUnavailable', 75],
  ])('%i %j means %s', (status, body, code, exitCode) => {
    const error = loginError(status, body);
    expect(error).toMatchObject({ code, exitCode });
    expect(error.message).not.toContain('anna');
    expect(error.message).not.toContain('Trace');
  });

  it('names the error and the number, for people', () => {
    expect(loginError(400, refusal('invalid_grant', 50173)).message).toContain('invalid_grant, AADSTS50173');
  });
});

describe('Retry-After', () => {
  const now = Date.UTC(2026, 10, 20, 12);

  it.each([
    ['30', 30_000],
    [' 5 ', 5_000],
    ['1.5', 1_500],
    ['Fri, 20 Nov 2026 12:00:20 GMT', 20_000],
  ])('%j is %i ms', (value, wait) => {
    expect(parseRetryAfter(value, undefined, now)).toBe(wait);
  });

  it('as a date counts from the answer’s own, so that a clock of ours that is behind or ahead does no harm', () => {
    const date = 'Fri, 20 Nov 2026 11:00:00 GMT';
    expect(parseRetryAfter('Fri, 20 Nov 2026 11:00:20 GMT', date, now)).toBe(20_000);
    const later = 'Fri, 20 Nov 2026 13:00:00 GMT';
    expect(parseRetryAfter('Fri, 20 Nov 2026 13:00:20 GMT', later, now)).toBe(20_000);
  });

  it.each([
    undefined,
    '',
    '0',
    '-5',
    'soon',
    '12abc',
    'Fri, 20 Nov 2020 12:00:20 GMT',
    '99999999999999',
    '1e9',
  ])('%j is useless', (value) => {
    expect(parseRetryAfter(value, undefined, now)).toBeNull();
  });
});

describe('backoff', () => {
  it('doubles, up to its cap, and is spread over its upper half', () => {
    const at = (tries: number, chance: number): number => backoff(tries, 250, 8_000, () => chance);
    expect([0, 1, 2, 3].map((tries) => at(tries, 1))).toEqual([250, 500, 1_000, 2_000]);
    expect(at(50, 1)).toBe(8_000);
    expect(at(2, 0)).toBe(500);
  });
});
