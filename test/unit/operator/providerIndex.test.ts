import { expect, test } from 'vitest';
import { KeyIndex } from '../../../operator/observe/keyIndex.ts';
import {
  claimsOf,
  compareAge,
  namespaceToken,
  providerTokens,
  secretToken,
} from '../../../operator/observe/providerTokens.ts';

const meta = { name: 'anna', namespace: 'team' };
const spec = (more: object = {}) => ({ emailAddress: 'Anna@Contoso.com', owner: { userId: 'u1' }, ...more });
const claims = (namespace: string, more: object = {}) =>
  claimsOf(providerTokens({ ...meta, namespace }, spec(more)));

test('an index gives the keys of a token in the order in which they came, and forgets those that move away', () => {
  const index = new KeyIndex();
  index.move('a', [], ['x', 'y']);
  index.move('b', [], ['x']);
  index.move('c', [], ['x']);
  expect(index.get('x')).toEqual(['a', 'b', 'c']);
  index.move('a', ['x', 'y'], ['y', 'z']);
  expect([index.get('x'), index.get('y'), index.get('z')]).toEqual([['b', 'c'], ['a'], ['a']]);
  index.move('b', ['x'], []);
  index.move('c', ['x'], []);
  expect(index.get('x')).toEqual([]);
});

test('an index takes a key twice for one', () => {
  const index = new KeyIndex();
  index.move('a', [], ['x']);
  index.move('a', ['x'], ['x']);
  expect(index.get('x')).toEqual(['a']);
});

test('providers for one mailbox and owner share a claim, whatever the case of the address', () => {
  const [first] = claims('team');
  expect(claims('team', { emailAddress: 'anna@contoso.COM' })).toEqual([first]);
  expect(claims('team', { owner: { userId: 'u2' } })).not.toContain(first);
  expect(claims('team', { owner: { userId: 'u1', workspaceId: 'w' } })).not.toContain(first);
  expect(claims('other')).not.toContain(first);
});

test('providers for one row share a claim, whatever their mailboxes', () => {
  const providerId = '5F0C6B4E-3C1D-4A7E-9B52-0A6F1D2C3E4F';
  const other = { emailAddress: 'x@y.z', providerId: providerId.toLowerCase() };
  const [row] = claims('team', { providerId });
  expect(claims('team', other)).toContain(row);
  expect(claims('team', other)).toHaveLength(2);
});

test('a provider is found by its namespace and by its Secret', () => {
  const tokens = providerTokens(meta, spec({ credentialsSecretRef: { name: 'grant' } }));
  expect(tokens).toContain(namespaceToken('team'));
  expect(tokens).toContain(secretToken('team', 'grant'));
});

test.each([undefined, null, 7, { emailAddress: 7, owner: 'me', credentialsSecretRef: null }])(
  'a spec that is none claims nothing: %j',
  (bad) => {
    expect(providerTokens(meta, bad)).toEqual([namespaceToken('team')]);
  },
);

test('the older comes first, and of two of one second the smaller uid', () => {
  const old = { creationTimestamp: '2026-11-25T00:00:00Z', uid: 'z' };
  const young = { creationTimestamp: '2026-11-25T00:00:01Z', uid: 'a' };
  const twin = { ...old, uid: 'y' };
  expect([young, old, twin].sort(compareAge)).toEqual([twin, old, young]);
  expect(compareAge(old, old)).toBe(0);
});
