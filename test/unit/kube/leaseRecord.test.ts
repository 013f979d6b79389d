import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  heldSpec,
  judgeLease,
  type Lease,
  type LeaseSpec,
  observe,
  releasedSpec,
} from '../../../kube/leaseRecord.ts';
import { microTime } from '../../../kube/microTime.ts';
import { isOlder } from '../../../kube/resourceVersion.ts';

const now = Date.UTC(2026, 0, 2, 3, 4, 5, 60);
const us = { identity: 'us', monotonic: 10_000, defaultSeconds: 15 };

function lease(spec?: LeaseSpec, metadata: object = {}): Lease {
  const object = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'a', uid: 'u', ...metadata },
  };
  return spec === undefined ? object : { ...object, spec };
}

it('a MicroTime has six fractional digits, whatever the time', () => {
  expect(microTime(now)).toBe('2026-01-02T03:04:05.060000Z');
  const times = fc.integer({ min: 0, max: Date.UTC(2100, 0) });
  fc.assert(fc.property(times, (ms) => Date.parse(microTime(ms)) === ms && /\.\d{6}Z$/.test(microTime(ms))));
});

describe('a Lease', () => {
  const held = { holderIdentity: 'other', leaseDurationSeconds: 5 };

  it.each([
    ['without a spec', undefined, { act: 'acquire' }],
    ['that was released', { holderIdentity: '', leaseDurationSeconds: 1 }, { act: 'acquire' }],
    ['of ours', { holderIdentity: 'us', leaseDurationSeconds: 5 }, { act: 'renew' }],
    ['of another', held, { act: 'wait', forMs: 5_000, holder: 'other' }],
    [
      'of another who promised no duration',
      { holderIdentity: 'other' },
      { act: 'wait', forMs: 15_000, holder: 'other' },
    ],
  ])('%s, just seen: %j', (_name, spec, verdict) => {
    const found = lease(spec);
    expect(judgeLease(found, observe(undefined, found, 10_000), us)).toEqual(verdict);
  });

  it('is expired when we have seen it unchanged for its duration, whatever times it holds', () => {
    for (const renewTime of ['1999-01-01T00:00:00.000000Z', '2999-01-01T00:00:00.000000Z']) {
      const found = lease({ ...held, renewTime });
      const seen = observe(undefined, found, 5_001);
      expect(judgeLease(found, seen, us)).toMatchObject({ act: 'wait', forMs: 1 });
      expect(judgeLease(found, seen, { ...us, monotonic: 10_001 })).toEqual({ act: 'takeOver' });
    }
  });

  it('is alive when its record changes, and not when only its metadata does', () => {
    const first = observe(undefined, lease(held), 0);
    expect(observe(first, lease(held, { resourceVersion: '7', labels: { a: 'b' } }), 9_000)).toBe(first);
    for (const change of [
      lease({ ...held, renewTime: microTime(now) }),
      lease({ ...held, holderIdentity: 'third' }),
      lease({ ...held, leaseTransitions: 1 }),
      lease(held, { uid: 'another' }),
    ])
      expect(observe(first, change, 9_000)).toMatchObject({ since: 9_000 });
  });

  it('counts each change of its holder, and nothing else', () => {
    const mine = { identity: 'us', durationSeconds: 30, now };
    const first = heldSpec(undefined, mine);
    expect(first).toEqual({
      holderIdentity: 'us',
      leaseDurationSeconds: 30,
      acquireTime: '2026-01-02T03:04:05.060000Z',
      renewTime: '2026-01-02T03:04:05.060000Z',
      leaseTransitions: 1,
    });
    const renewed = heldSpec(first, { ...mine, now: now + 1_000 });
    expect(renewed).toEqual({ ...first, renewTime: '2026-01-02T03:04:06.060000Z' });
    const released = releasedSpec(renewed, now);
    expect(released).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1, leaseTransitions: 1 });
    expect(heldSpec(released, mine).leaseTransitions).toBe(2);
    expect(heldSpec(renewed, { ...mine, identity: 'other' }).leaseTransitions).toBe(2);
  });
});

describe('a resourceVersion', () => {
  it('is older when its number is smaller, however long it is', () => {
    const numbers = fc.bigInt({ min: 1n, max: 2n ** 80n });
    fc.assert(fc.property(numbers, numbers, (a, b) => isOlder(String(a), String(b)) === a < b));
  });

  it.each([
    [undefined, '1'],
    ['1', undefined],
    ['abc', 'abd'],
    ['', '1'],
    ['01', '2'],
  ])('%s is not known to be older than %s', (a, b) => {
    expect(isOlder(a, b)).toBe(false);
  });
});
