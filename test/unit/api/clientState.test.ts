import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSecrets, signClientState, verifyClientState } from '../../../api/clientState.ts';

const id = '0b7e2f8a-0d7a-4c55-9d37-2b6a4f0f7a11';

describe('a clientState', () => {
  it('names the provider it was signed for, with any of the secrets', () => {
    const state = signClientState('old', id);
    expect(verifyClientState(['old'], state)).toBe(id);
    expect(verifyClientState(['new', 'old'], state)).toBe(id);
    expect(verifyClientState(['new'], state)).toBeNull();
    expect(verifyClientState([], state)).toBeNull();
  });

  it('fits into the 128 characters that Graph takes, and differs each time', () => {
    const states = Array.from({ length: 100 }, () => signClientState('secret', id));
    expect(states.every(({ length }) => length <= 128)).toBe(true);
    expect(new Set(states).size).toBe(100);
  });

  it('is refused after any change of one character', () => {
    const state = signClientState('secret', id);
    const character = fc.constantFrom('0', '9', 'a', 'f', 'A', 'Z', 'z', '-', '_', '.', ' ');
    const change = fc.tuple(fc.nat(state.length - 1), character);
    fc.assert(
      fc.property(change, ([at, other]) => {
        fc.pre(state[at] !== other);
        const changed = state.slice(0, at) + other + state.slice(at + 1);
        // The last of 43 characters of base64 has two bits that say nothing.
        const isSameHash = Buffer.from(changed.slice(60), 'base64url').equals(
          Buffer.from(state.slice(60), 'base64url'),
        );
        expect(verifyClientState(['secret'], changed)).toBe(
          at === state.length - 1 && isSameHash ? id : null,
        );
      }),
    );
  });

  it('of another provider does not become valid by putting in another id', () => {
    const other = '11111111-1111-4111-8111-111111111111';
    expect(verifyClientState(['secret'], signClientState('secret', id).replace(id, other))).toBeNull();
  });

  it.each(['', '.', id, `${id}.`, `${id}..`, 'x'.repeat(103), `${id}.${'a'.repeat(22)}.${'A'.repeat(43)}`])(
    'is not %j',
    (text) => {
      expect(verifyClientState(['secret'], text)).toBeNull();
      expect(verifyClientState([''], text)).toBeNull();
    },
  );
});

it('secrets are read from a list with commas, without blanks and nothings', () => {
  expect(readSecrets(' a, b ,,c,')).toEqual(['a', 'b', 'c']);
  expect(readSecrets('')).toEqual([]);
  expect(readSecrets(' , ')).toEqual([]);
});
