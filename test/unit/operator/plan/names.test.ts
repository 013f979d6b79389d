// What a provider's CronJob, Lease and Jobs are called.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { childName, jobName } from '../../../../operator/plan/names.ts';

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const providerName = fc
  .stringMatching(/^[a-z0-9]([-a-z0-9]{0,60}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,60}[a-z0-9])?){0,4}$/)
  .filter((name) => name.length <= 253);

describe('the name of a child', () => {
  it('is the provider’s own, as far as that is legal', () => {
    expect(childName('anna')).toBe('outlook-sync-anna');
    expect(childName('a'.repeat(39))).toBe(`outlook-sync-${'a'.repeat(39)}`);
  });

  it.each([
    ['with a dot', 'anna.smith', /^outlook-sync-anna-smith-[0-9a-f]{10}$/],
    ['that is too long', 'a'.repeat(40), /^outlook-sync-a{28}-[0-9a-f]{10}$/],
    ['of 253 characters', 'b'.repeat(253), /^outlook-sync-b{28}-[0-9a-f]{10}$/],
  ])('is shortened and made unique for a name %s', (_, name, shape) => {
    expect(childName(name)).toMatch(shape);
  });

  it('cannot be taken by naming another provider after it', () => {
    const shortened = childName('anna.smith');
    const thief = shortened.replace('outlook-sync-', '');
    expect(childName(thief)).not.toBe(shortened);
  });

  it('is a legal label of at most 52 characters, and so is a Job’s of at most 63', () => {
    fc.assert(
      fc.property(providerName, (name) => {
        const child = childName(name);
        expect(child).toMatch(label);
        expect(child.length).toBeLessThanOrEqual(52);
        const job = jobName({ name, uid: 'u' }, 'sync', 'token');
        expect(job).toMatch(label);
        expect(job.length).toBeLessThanOrEqual(63);
        expect(job.startsWith(`${child}-`)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('differs for providers whose names differ, however alike they are', () => {
    const nearlySame = fc
      .tuple(providerName, fc.constantFrom('.', '-', '.a', '-a', 'a'))
      .map(([name, more]) => {
        const other = `${name}${more}`.replace(/[.-]$/, 'x').slice(0, 253);
        return [name, other, name.replaceAll('.', '-')] as const;
      });
    fc.assert(
      fc.property(nearlySame, (names) => {
        const different = new Set(names);
        expect(new Set([...different].map(childName)).size).toBe(different.size);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the name of a Job', () => {
  const provider = { name: 'anna', uid: 'u1' };

  it('is the same for the same cause', () => {
    expect(jobName(provider, 'sync', 'a')).toBe(jobName(provider, 'sync', 'a'));
  });

  it.each([
    [provider, ['sync', 'b']],
    [provider, ['resync', 'a']],
    [provider, ['sync', 'a', '']],
    [{ name: 'anna', uid: 'u2' }, ['sync', 'a']],
  ])('differs for another cause or provider %#', (other, cause) => {
    expect(jobName(other, ...cause)).not.toBe(jobName(provider, 'sync', 'a'));
  });
});
