// The API server judges as the table says, which is as zod judges: see test/unit/api/providerSpec.test.ts.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { providerSpec } from '../../../api/providerSpec.ts';
import { resolveSchedule } from '../../../api/schedule.ts';
import { SHARED_START_TIMEOUT_MS } from '../../harness/cluster/shared.ts';
import {
  type Sample,
  type Spec,
  changes,
  leastSpec,
  objectNames,
  samples,
  unknownFields,
} from '../../harness/providerSamples.ts';
import { goodSchedules } from '../../harness/providerTexts.ts';
import { nearSchedule } from '../../harness/scheduleArbitraries.ts';
import { type ApiServer, type Verdict, openApiServer, providerOf, providersPath } from './verdicts.ts';

let server: ApiServer;
const namespace = 'crd-samples';
const path = providersPath(namespace);

beforeAll(async () => {
  server = await openApiServer(namespace);
}, SHARED_START_TIMEOUT_MS);
afterAll(() => server.close());

const tryToCreate = (spec: unknown, validation = 'Strict', name = 'sample'): Promise<Verdict> =>
  server.call('POST', `${path}?dryRun=All&fieldValidation=${validation}`, providerOf(name, spec));

const INVALID = 422;

describe('the API server', () => {
  it.each(samples.filter(({ blames }) => blames === undefined))(
    'accepts $name, and gives it the defaults that zod gives it',
    async ({ spec }) => {
      const { message, object } = await tryToCreate(spec);
      expect(message).toBe('');
      expect(object['spec']).toEqual(providerSpec.parse(spec));
    },
  );

  it.each(samples.filter((sample): sample is Sample & { blames: string } => sample.blames !== undefined))(
    'refuses $name with a message that names $blames',
    async ({ spec, blames }) => {
      const { code, message, fields } = await tryToCreate(spec);
      expect(code).toBe(INVALID);
      expect(fields).toEqual([blames]);
      expect(message).toContain(blames);
    },
  );

  it.each(unknownFields)(
    'refuses an unknown field $name under strict validation',
    async ({ spec, blames }) => {
      const { code, message } = await tryToCreate(spec);
      expect(code).toBe(400);
      expect(message).toContain(`unknown field "${blames}"`);
    },
  );

  it.each(unknownFields)('drops an unknown field $name otherwise, as zod does', async ({ spec }) => {
    const { object } = await tryToCreate(spec, 'Ignore');
    expect(object['spec']).toEqual(providerSpec.parse(spec));
  });

  it.each(objectNames)('judges the name $name', async ({ name, blames }) => {
    const { fields } = await tryToCreate(leastSpec, 'Strict', name);
    expect(fields).toEqual(blames === undefined ? [] : [blames]);
  });

  it('takes null for absent', async () => {
    const nulls: Spec = { timeZone: null, schedule: null, sync: null, providerId: null, podTemplate: null };
    const { message, object } = await tryToCreate({ ...leastSpec, ...nulls });
    expect(message).toBe('');
    expect(object['spec']).toEqual(providerSpec.parse(leastSpec));
  });

  it('refuses an object without a spec', async () => {
    const { code, fields } = await tryToCreate(undefined);
    expect([code, fields]).toEqual([INVALID, ['spec']]);
  });

  it('knows every time zone that Intl lists', async () => {
    const zones = Intl.supportedValuesOf('timeZone');
    const verdicts = await Promise.all(zones.map((timeZone) => tryToCreate({ ...leastSpec, timeZone })));
    expect(zones.filter((_, at) => verdicts[at]?.message !== '')).toEqual([]);
  });
});

describe('a change of', () => {
  it.each(changes.map((change, at) => ({ ...change, at })))(
    '$name',
    async ({ before, after, blames, at }) => {
      const name = `change-${at}`;
      const { code, object } = await server.call('POST', path, providerOf(name, before));
      expect(code).toBe(201);
      const next = { ...providerOf(name, after), metadata: object['metadata'] };
      const changed = await server.call('PUT', `${path}/${name}?dryRun=All`, next);
      expect(changed.fields).toEqual(blames === undefined ? [] : [blames]);
      if (blames !== undefined) expect(changed.message).toContain('providerId is immutable');
    },
  );
});

describe('a schedule', () => {
  const tryAsCronJob = (schedule: string): Promise<Verdict> => {
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'job', image: 'none' }] } };
    const spec = { schedule, jobTemplate: { spec: { template } } };
    const cronJob = { metadata: { name: 'sample' }, spec };
    return server.call('POST', `/apis/batch/v1/namespaces/${namespace}/cronjobs?dryRun=All`, cronJob);
  };

  it.each(goodSchedules)('is one that a CronJob takes: %s', async (schedule) => {
    const { message } = await tryAsCronJob(resolveSchedule(schedule, '0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0'));
    expect(message).toBe('');
  });

  it('of any making is judged by the API server as by zod, and if good is one that a CronJob takes', async () => {
    let good = 0;
    await fc.assert(
      fc.asyncProperty(nearSchedule, fc.uuid(), async (schedule, uid) => {
        const spec = { ...leastSpec, schedule };
        const isGood = providerSpec.safeParse(spec).success;
        expect((await tryToCreate(spec)).message === '').toBe(isGood);
        if (!isGood) return;
        good += 1;
        expect((await tryAsCronJob(resolveSchedule(schedule, uid))).message).toBe('');
      }),
      { numRuns: 400 },
    );
    expect(good).toBeGreaterThan(40);
    expect(good).toBeLessThan(360);
  });
});
