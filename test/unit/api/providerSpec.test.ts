import { describe, expect, it } from 'vitest';
import { providerSpec } from '../../../api/providerSpec.ts';
import { changeProblems } from '../../../api/specRules.ts';
import { changes, leastSpec, samples, unknownFields } from '../../harness/providerSamples.ts';

/** The fields that zod blames, each once, as the API server would write their paths. */
function blamed(spec: unknown): string[] {
  const { error } = providerSpec.safeParse(spec);
  const paths = (error?.issues ?? []).map(({ path }) =>
    path.reduce<string>(
      (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}.${String(part)}`),
      'spec',
    ),
  );
  return [...new Set(paths)];
}

describe('a spec is judged as the table says', () => {
  it.each(samples)('$name', ({ spec, blames }) => {
    expect(blamed(spec)).toEqual(blames === undefined ? [] : [blames]);
  });

  it('and the table has each verdict for each field, under names that differ', () => {
    expect(new Set(samples.map(({ name }) => name)).size).toBe(samples.length);
    const bad = new Set(samples.map(({ blames }) => blames?.split('.')[1]));
    expect([...bad].sort()).toEqual([undefined, ...Object.keys(providerSpec.shape)].sort());
  });
});

it.each(unknownFields)('an unknown field $name is dropped', ({ spec, blames }) => {
  const parsed = JSON.stringify(providerSpec.parse(spec));
  expect(parsed).not.toContain(blames.split('.').at(-1));
});

describe('a change of', () => {
  it.each(changes)('$name is judged as the table says', ({ before, after, blames }) => {
    const [from, to] = [providerSpec.parse(before), providerSpec.parse(after)];
    expect(changeProblems(from, to).map(({ path }) => path)).toEqual(blames === undefined ? [] : [blames]);
  });
});

it('what is absent gets the defaults of the design', () => {
  expect(providerSpec.parse(leastSpec)).toEqual({
    ...leastSpec,
    schedule: 'H/5 * * * *',
    suspend: false,
    auth: { mode: 'Delegated', tenantId: 'common', cloud: 'Global' },
    sync: {
      maxMessages: 100,
      deltaPageLimit: 5,
      pageSize: 100,
      history: 'All',
      folders: { include: [], exclude: [] },
      deltaScope: 'Auto',
      storeRawPayload: false,
      retries: 1,
      retryBackoffMs: 250,
      jitterMs: 150,
    },
    push: { enabled: false },
    deletionPolicy: 'Retain',
  });
});
