// What a run does about its subscription, and what Graph's refusals of one mean.
import { describe, expect, it } from 'vitest';
import { refusalFromText } from '../../../../job/graph/answer.ts';
import {
  isGone,
  isOurUrl,
  nextStep,
  type Observed,
  shorterLife,
  type StoredSubscription,
} from '../../../../job/plan/subscription.ts';

const minute = 60_000;
const now = Date.parse('2026-11-25T08:00:00Z');
const at = (minutes: number): Date => new Date(now + minutes * minute);

const stored: StoredSubscription = { id: 's1', expiresAt: at(2000), lastRenewedAt: at(-880), terms: 'a' };
const observed: Observed = { terms: 'a', stored, eventAt: null, now, threshold: 120 * minute };

const step = (change: Partial<Observed>, row: Partial<StoredSubscription> = {}): string =>
  nextStep({ ...observed, stored: { ...stored, ...row }, ...change });

describe('the step', () => {
  it.each([
    ['none', { terms: null, stored: null }, {}],
    ['remove', { terms: null }, {}],
    ['create', { stored: null }, {}],
    ['create', {}, { terms: 'b' }],
    ['create', {}, { terms: null }],
    ['create', {}, { expiresAt: null }],
    ['create', {}, { expiresAt: at(0) }],
    ['check', {}, {}],
    ['check', {}, { expiresAt: at(121) }],
    ['renew', {}, { expiresAt: at(120) }],
    ['renew', {}, { expiresAt: at(120), lastRenewedAt: null }],
    ['check', {}, { expiresAt: at(31), lastRenewedAt: at(-29) }],
    ['renew', {}, { expiresAt: at(30), lastRenewedAt: at(-30) }],
    ['check', { eventAt: at(-881) }, {}],
    ['renew', { eventAt: at(-879) }, {}],
    ['renew', { eventAt: at(-879) }, { lastRenewedAt: null }],
    ['remove', { terms: null, eventAt: at(0) }, {}],
  ] as const)('is %s for %j, %j', (wanted, change, row) => {
    expect(step(change, row)).toBe(wanted);
  });
});

const refused = (status: number, code: string, message = '') =>
  refusalFromText(status, JSON.stringify({ error: { code, message } }));

describe('a shorter life', () => {
  it.each<[[number, string, string], number, number | null]>([
    [
      [400, 'InvalidRequest', 'Subscription expiration can only be 4230 minutes in the future.'],
      10_080,
      4230,
    ],
    [[400, 'ErrorInvalidParameter', 'It CAN ONLY be 45 minutes in the future'], 2880, 45],
    [[400, 'ExtensionError', 'Operation: Create; can only be 1440 minutes in the future'], 2880, 1440],
    [[400, 'InvalidRequest', 'Subscription expiration can only be 4230 minutes in the future.'], 4230, 1440],
    [[400, 'ErrorInvalidParameter', 'expirationDateTime is out of range'], 2880, 1440],
    [[400, 'InvalidRequest', 'The expiration is too far away'], 1440, 720],
    [[400, 'InvalidRequest', 'The expiration is too far away'], 60, null],
    [[400, 'InvalidRequest', 'can only be 0 minutes in the future'], 2880, 1440],
    [[400, 'ValidationError', 'Subscription validation request failed.'], 2880, null],
    [
      [400, 'InvalidRequest', 'Subscription validation request failed: a certificate has expired.'],
      2880,
      null,
    ],
    [[400, 'InvalidRequest', 'The URL must use HTTPS.'], 2880, null],
    [[403, 'InvalidRequest', 'can only be 4230 minutes in the future'], 10_080, null],
  ])('of %j, asked for %i, is %s', (words, asked, wanted) => {
    expect(shorterLife(refused(...words), asked)).toBe(wanted);
  });

  it('comes to an end, whatever Graph says', () => {
    for (const message of ['can only be 9999 minutes in the future', 'expires too late']) {
      let [minutes, asked]: [number | null, number] = [4230, 0];
      for (; minutes !== null; asked += 1) {
        minutes = shorterLife(refused(400, 'InvalidRequest', message), minutes);
      }
      expect(asked).toBeLessThan(7);
    }
  });
});

describe('a subscription is gone', () => {
  it.each<[[number, string, string], boolean, boolean]>([
    [[404, 'ResourceNotFound', ''], true, true],
    [[410, '', ''], true, true],
    [[400, 'ResourceNotFound', ''], true, true],
    [[400, 'InvalidRequest', 'The subscription does not exist.'], true, true],
    [[400, 'ErrorInvalidParameter', 'Something'], true, false],
    [[400, 'InvalidRequest', 'Something'], false, false],
    [
      [400, 'ExtensionError', 'Operation: Update; Exception: [Status Code: NotFound; Reason: Not Found]'],
      true,
      true,
    ],
    [
      [400, 'ExtensionError', 'Operation: Update; Exception: [Status Code: Conflict; Reason: x]'],
      false,
      false,
    ],
    [
      [400, 'ValidationError', 'Subscription validation request failed. The certificate has expired.'],
      false,
      false,
    ],
    [
      [400, 'ValidationError', "Subscription validation request failed. HTTP status code is 'NotFound'."],
      false,
      false,
    ],
    [[403, 'ErrorAccessDenied', ''], false, false],
    [[409, 'Conflict', ''], false, false],
  ])('by %j when it is renewed: %s, when it is looked at: %s', (words, renew, check) => {
    const one = refused(...words);
    expect([isGone(one, 'renew'), isGone(one, 'check')]).toEqual([renew, check]);
  });
});

describe('a listed URL is ours', () => {
  const ours = 'https://mail.example/hooks/push?providerId=0a1b&token=t';

  it.each([
    ['https://mail.example/hooks/push?token=old&providerId=0A1B', true],
    ['https://MAIL.example:443/hooks/push?providerId=0a1b#x', true],
    ['https://mail.example/hooks/push?providerId=0a1c', false],
    ['https://mail.example/hooks/push', false],
    ['https://mail.example/hooks/push2?providerId=0a1b', false],
    ['https://mail.example:8443/hooks/push?providerId=0a1b', false],
    ['https://other.example/hooks/push?providerId=0a1b', false],
    ['http://mail.example/hooks/push?providerId=0a1b', false],
    ['no URL', false],
  ])('%s: %s', (url, wanted) => {
    expect(isOurUrl(url, ours, 'providerId')).toBe(wanted);
  });

  it('of nobody where ours names no provider', () => {
    expect(isOurUrl('https://mail.example/', 'https://mail.example/', 'providerId')).toBe(false);
  });
});
