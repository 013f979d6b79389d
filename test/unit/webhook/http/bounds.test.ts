import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { signClientState } from '../../../../api/clientState.ts';
import { silent } from '../../../../kube/log.ts';
import { verifierOf } from '../../../../webhook/http/knownStates.ts';
import { tokenCheck } from '../../../../webhook/http/queryToken.ts';
import { RateLimit } from '../../../../webhook/http/rateLimit.ts';
import { requestIdOf } from '../../../../webhook/http/requestId.ts';
import { senderOf } from '../../../../webhook/http/sender.ts';
import { SparseLog } from '../../../../webhook/http/sparseLog.ts';

describe('the rate limit', () => {
  it('counts each sender by itself, and begins anew with each second', () => {
    const limit = new RateLimit(2);
    expect([limit.admits('a', 1000), limit.admits('a', 1500), limit.admits('a', 1999)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(limit.admits('b', 1999)).toBe(true);
    expect(limit.admits('a', 2000)).toBe(true);
  });

  it('of nought admits all', () => {
    const limit = new RateLimit(0);
    expect(Array.from({ length: 100 }, () => limit.admits('a', 0))).not.toContain(false);
  });
});

describe('the sender', () => {
  const from = (remoteAddress: string, forwarded?: string): IncomingMessage =>
    ({ headers: { 'x-forwarded-for': forwarded }, socket: { remoteAddress } }) as unknown as IncomingMessage;

  it('is who is connected, unless a proxy is trusted', () => {
    expect(senderOf(from('192.0.2.1', '198.51.100.7'), false)).toBe('192.0.2.1');
    expect(senderOf(from('192.0.2.1', '198.51.100.7'), true)).toBe('198.51.100.7');
    expect(senderOf(from('192.0.2.1'), true)).toBe('192.0.2.1');
  });

  it('is the last that was forwarded, which the sender cannot choose', () => {
    expect(senderOf(from('192.0.2.1', '10.0.0.1, 203.0.113.5 , 198.51.100.7'), true)).toBe('198.51.100.7');
  });

  it.each([
    ['198.51.100.7:4711', '198.51.100.7'],
    ['[2001:db8:1:2::7]:443', '2001:db8:1:2::/64'],
    ['unknown', '192.0.2.1'],
    ['', '192.0.2.1'],
    ['198.51.100.7, nobody', '192.0.2.1'],
  ])('forwarded as %j is %s', (header, sender) => {
    expect(senderOf(from('192.0.2.1', header), true)).toBe(sender);
  });

  it.each([
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('at %s is counted as %s', (address, sender) => {
    expect(senderOf(from(address), false)).toBe(sender);
  });
});

describe('a request id', () => {
  it('is the sender’s where it can stand in a log', () => {
    expect(requestIdOf('4bf92f35-77b3:a.b_c')).toBe('4bf92f35-77b3:a.b_c');
  });

  it.each([undefined, '', 'a b', 'a"b', 'x'.repeat(65), 'a\nb', ['a']])(
    'is a new one instead of %j',
    (given) => {
      expect(requestIdOf(given)).toMatch(/^[0-9a-f-]{36}$/);
    },
  );
});

describe('the token of the query', () => {
  it('is right when it is one of several, whole', () => {
    const check = tokenCheck(['old', 'new']);
    expect([check('old'), check('new')]).toEqual(['right', 'right']);
    expect(check(undefined)).toBe('missing');
    for (const shown of [
      'ol',
      'oldx',
      '',
      'old\0',
      'Old',
      'old,new',
      'x'.repeat(5000),
      `old${'\0'.repeat(300)}`,
    ]) {
      expect(check(shown)).toBe('wrong');
    }
  });

  it('may be long, and of any characters', () => {
    const long = 'ä'.repeat(300);
    const check = tokenCheck([long, 'short']);
    expect([check(long), check('short')]).toEqual(['right', 'right']);
    expect([check(long.slice(1)), check(`${long}ä`), check(long.toUpperCase())]).not.toContain('right');
  });

  it('is anything where none is configured', () => {
    expect([tokenCheck([])(undefined), tokenCheck([])('x')]).toEqual(['right', 'right']);
  });
});

describe('clientStates that were seen before', () => {
  const id = '0b7e2f8a-0d7a-4c55-9d37-2b6a4f0f7a11';

  it('lead to the same provider again, and forgeries never anywhere', () => {
    const verify = verifierOf(['new', 'old']);
    const state = signClientState('old', id);
    expect([verify(state), verify(state)]).toEqual([id, id]);
    const forgery = signClientState('guess', id);
    expect([verify(forgery), verify(forgery), verify(''), verify(`${state} `)]).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  it('may be forgotten, and are right all the same', () => {
    const verify = verifierOf(['secret']);
    const state = signClientState('secret', id);
    expect(verify(state)).toBe(id);
    for (let n = 0; n < 20_001; n += 1) verify(signClientState('secret', id));
    expect(verify(state)).toBe(id);
  });
});

it('a warning that repeats is written once in ten seconds, with how many there were', () => {
  const lines: unknown[] = [];
  let now = 0;
  const log = new SparseLog(
    { ...silent, warn: (fields, message) => lines.push([fields, message]) },
    () => now,
  );
  for (now of [0, 1, 9999]) log.warn({ requestId: `r${now}` }, 'a');
  log.warn({ requestId: 'other' }, 'b');
  for (now of [10_000, 30_000]) log.warn({ requestId: `r${now}` }, 'a');
  expect(lines).toEqual([
    [{ requestId: 'r0' }, 'a'],
    [{ requestId: 'other' }, 'b'],
    [{ requestId: 'r10000', withheld: 2 }, 'a'],
    [{ requestId: 'r30000' }, 'a'],
  ]);
});
