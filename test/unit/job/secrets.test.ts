// Tokens at rest, and which grant a run redeems.
import { describe, expect, it } from 'vitest';
import { decrypt, encrypt, isUnderOldKey, type KeyRing, seedHash } from '../../../job/store/cipher.ts';
import { chooseGrant } from '../../../job/token.ts';

const k1 = { id: 'k1', key: Buffer.alloc(32, 1) };
const k2 = { id: 'k2', key: Buffer.alloc(32, 2) };
const ring: KeyRing = [k1];
const place = { providerId: '5f0c6b4e-3c1d-4a7e-9b52-0a6f1d2c3e4f', column: 'refreshToken' } as const;

describe('a token at rest', () => {
  it.each(['1.AXoA-token', '', '🔑 ünï', 'x'.repeat(100_000)])('comes back as it was', (token) => {
    const stored = encrypt(ring, place, token);
    expect(stored).toMatch(/^osk1:k1:[\w-]+$/);
    expect(token !== '' && stored.includes(token)).toBe(false);
    expect(decrypt(ring, place, stored)).toBe(token);
  });

  it('never looks the same twice', () => {
    expect(encrypt(ring, place, 'token')).not.toBe(encrypt(ring, place, 'token'));
  });

  it('opens under any key of the ring, and is written under the first', () => {
    const old = encrypt([k1], place, 'token');
    expect(decrypt([k2, k1], place, old)).toBe('token');
    expect(encrypt([k2, k1], place, 'token')).toMatch(/^osk1:k2:/);
    expect(isUnderOldKey([k2, k1], old)).toBe(true);
    expect(isUnderOldKey([k1, k2], old)).toBe(false);
  });

  it('does not open under another key, even of the same name', () => {
    const stored = encrypt([k1], place, 'token');
    expect(decrypt([k2], place, stored)).toBeNull();
    expect(decrypt([{ id: 'k1', key: k2.key }], place, stored)).toBeNull();
  });

  it('does not open in another row, nor in the other column', () => {
    const stored = encrypt(ring, place, 'token');
    expect(
      decrypt(ring, { ...place, providerId: '5f0c6b4e-3c1d-4a7e-9b52-0a6f1d2c3e50' }, stored),
    ).toBeNull();
    expect(decrypt(ring, { ...place, column: 'accessToken' }, stored)).toBeNull();
  });

  it('does not open when a single character of it has changed', () => {
    const stored = encrypt(ring, place, 'token');
    const start = stored.lastIndexOf(':') + 1;
    // Of the last character only some bits count.
    for (let at = start; at < stored.length - 1; at += 1) {
      const other = stored[at] === 'A' ? 'B' : 'A';
      expect(decrypt(ring, place, `${stored.slice(0, at)}${other}${stored.slice(at + 1)}`)).toBeNull();
    }
  });

  it.each([
    '',
    'ya29.plain-access-token',
    'osk1',
    'osk1:k1',
    'osk1:k1:',
    'osk1:k1:AAAA',
    'osk2:k1:AAAA',
    'enc:v1:k1:AAAA',
    'osk1:k1:A:B',
  ])('of another program (%j) is not guessed at', (stored) => {
    expect(decrypt(ring, place, stored)).toBeNull();
  });
});

describe('the hash of a seed', () => {
  it('tells grants and rows apart and gives neither away', () => {
    const hash = seedHash(place.providerId, 'seed-token');
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(hash).toBe(seedHash(place.providerId, 'seed-token'));
    expect(hash).not.toBe(seedHash(place.providerId, 'seed-token2'));
    expect(hash).not.toBe(seedHash('5f0c6b4e-3c1d-4a7e-9b52-0a6f1d2c3e50', 'seed-token'));
  });
});

describe('the grant of a run', () => {
  const empty = { refreshToken: null, unreadable: false, seedHash: null };
  const delegated = { appScope: null, seed: 'seed', hash: 'h' };
  const noSeed = { appScope: null, seed: null, hash: null };
  const grantOf = (
    stored: Partial<typeof empty> | { refreshToken: string },
    how: Parameters<typeof chooseGrant>[1],
  ) => chooseGrant({ ...empty, ...stored }, how);

  it('is the seed where the row has none', () => {
    expect(grantOf({}, delegated)).toEqual({
      grant: { type: 'refresh_token', refreshToken: 'seed' },
      seedHash: 'h',
    });
  });

  it('is the row’s rotated token as long as the seed is the known one', () => {
    const stored = { refreshToken: 'rotated', unreadable: false, seedHash: 'h' };
    expect(chooseGrant(stored, delegated)).toEqual({
      grant: { type: 'refresh_token', refreshToken: 'rotated' },
      seedHash: 'h',
    });
  });

  it('is the seed again once that changes', () => {
    const stored = { refreshToken: 'rotated', unreadable: false, seedHash: 'before' };
    expect(chooseGrant(stored, delegated)).toEqual({
      grant: { type: 'refresh_token', refreshToken: 'seed' },
      seedHash: 'h',
    });
  });

  it('is the row’s token where there is no seed', () => {
    const stored = { refreshToken: 'rotated', unreadable: false, seedHash: 'h' };
    expect(chooseGrant(stored, noSeed).grant).toEqual({ type: 'refresh_token', refreshToken: 'rotated' });
  });

  it('is the seed where the row’s tokens are another program’s', () => {
    const stored = { refreshToken: null, unreadable: true, seedHash: null };
    expect(chooseGrant(stored, delegated).grant).toEqual({ type: 'refresh_token', refreshToken: 'seed' });
    expect(() => chooseGrant(stored, noSeed)).toThrow(expect.objectContaining({ code: 'TokenUnreadable' }));
  });

  it('is asked for where there is none at all', () => {
    expect(() => chooseGrant(empty, noSeed)).toThrow(
      expect.objectContaining({ code: 'RefreshTokenMissing' }),
    );
  });

  it('is the app’s own in Application mode, whatever the row holds', () => {
    const how = { appScope: 'https://graph.microsoft.us/.default', seed: 'seed', hash: 'h' };
    const stored = { refreshToken: 'rotated', unreadable: false, seedHash: 'h' };
    const { grant, seedHash: origin } = chooseGrant(stored, how);
    expect(grant).toEqual({ type: 'client_credentials', scope: 'https://graph.microsoft.us/.default' });
    expect(origin).not.toBe('h');
  });
});
