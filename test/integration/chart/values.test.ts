// Values that cannot work are refused at once, with the name of the value and what to do.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { entriesOf } from '../../../scripts/chart/valueTree.ts';
import { SHARED_START_TIMEOUT_MS } from '../../harness/cluster/shared.ts';
import { CHART, refusalOf } from './chart.ts';

/** As the schema's refusals have them: /operator/replicas. */
const wrong: readonly (readonly [path: string, values: object])[] = [
  ['/operator/replicas', { operator: { replicas: 'two' } }],
  ['/operator/replicas', { operator: { replicas: -1 } }],
  ['/operator/workers', { operator: { workers: 1000 } }],
  ['/logLevel', { logLevel: 'loud' }],
  ['/image/digest', { image: { digest: 'sha256:short' } }],
  ['/image/tag', { image: { tag: 'a b' } }],
  ['/image/pullPolicy', { image: { pullPolicy: 'Sometimes' } }],
  ['/watchNamespaces/0', { watchNamespaces: ['Team A'] }],
  ['/watchNamespaces', { watchNamespaces: ['a', 'a'] }],
  ['/postgres/existingSecret', { postgres: { existingSecret: 'Not a name' } }],
  ['/webhook/publicUrl', { webhook: { publicUrl: 'http://outlook.example.com' } }],
  ['/webhook/publicUrl', { webhook: { publicUrl: 'https://outlook.example.com/path' } }],
  ['/jobs/tokenUrl', { jobs: { tokenUrl: 'http://login.example.com/token' } }],
  ['/migration/hooks/0', { migration: { hooks: ['sometimes'] } }],
  ['/serviceMonitor/interval', { serviceMonitor: { interval: 'often' } }],
  ['/networkPolicy/apiServerPorts', { networkPolicy: { apiServerPorts: [] } }],
];

describe('the schema', () => {
  it.each(wrong)(
    'refuses %s %j',
    async (path, values) => {
      expect(await refusalOf(values)).toContain(`at '${path}'`);
    },
    SHARED_START_TIMEOUT_MS,
  );

  it.each(['unknown', 'operator.unknown', 'webhook.ingress.unknown'])(
    'refuses the unknown value %s',
    async (path) => {
      const values = path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), 1) as object;
      expect(await refusalOf(values)).toContain("additional properties 'unknown' not allowed");
    },
  );

  it('and values.yaml know the same values, each with a description', async () => {
    const values: unknown = parse(await readFile(join(CHART, 'values.yaml'), 'utf8'));
    for (const { path, leaf } of entriesOf()) {
      const value = path
        .split('.')
        .reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], values);
      expect([path, value]).toEqual([path, leaf.value]);
      expect(leaf.about).toMatch(/^\S.*[^.]$/);
    }
  });
});

/** What no schema can tell, and the words that name value and remedy. */
const impossible: readonly (readonly [names: string, values: object])[] = [
  ['image.repository is missing', { image: { repository: '' } }],
  ['postgres.existingSecret is missing', { postgres: { existingSecret: '' } }],
  ['oauth.existingSecret is missing', { oauth: { existingSecret: '' } }],
  ['webhook.publicUrl is missing', { webhook: { enabled: true } }],
  ['webhook.publicUrl is missing', { webhook: { enabled: true, ingress: { enabled: true } } }],
  ['webhook.ingress.enabled is set, but webhook.enabled is not', { webhook: { ingress: { enabled: true } } }],
  ['webhook.autoscaling.enabled is set, but', { webhook: { autoscaling: { enabled: true } } }],
  ['webhook.httpRoute.parentRefs is missing', { webhook: { httpRoute: { enabled: true } } }],
  [
    'webhook.autoscaling.minReplicas is 20, more than',
    { webhook: { autoscaling: { enabled: true, minReplicas: 20 } } },
  ],
  ['webhook.terminationGracePeriodSeconds is 5', { webhook: { terminationGracePeriodSeconds: 5 } }],
  [
    'operator.leaderElection.renewDeadlineSeconds is 15, not shorter',
    { operator: { leaderElection: { renewDeadlineSeconds: 15 } } },
  ],
  [
    'operator.leaderElection.retryPeriodSeconds is 10, not shorter',
    { operator: { leaderElection: { retryPeriodSeconds: 10 } } },
  ],
  [
    'serviceMonitor.enabled and podMonitor.enabled are both set',
    { serviceMonitor: { enabled: true }, podMonitor: { enabled: true } },
  ],
  ['jobs.namespaces names c', { watchNamespaces: ['a'], jobs: { namespaces: ['a', 'c'] } }],
  ['jobs.secret.name is outlook-app', { jobs: { secret: { name: 'outlook-app' } } }],
];

describe('the chart', () => {
  it.each(impossible)('says that %s', async (names, values) => {
    expect(await refusalOf(values)).toContain(`- ${names}`);
  });

  it('says all that is missing at once, and how to give it', async () => {
    const refusal = await refusalOf({ webhook: { enabled: true } }, []);
    for (const name of [
      'image.repository',
      'postgres.existingSecret',
      'oauth.existingSecret',
      'webhook.publicUrl',
    ])
      expect(refusal).toMatch(new RegExp(`- ${name} is missing: .*--set ${name}=`));
  });

  it('takes one Secret for all', async () => {
    expect(await refusalOf({ image: { repository: 'r' }, existingSecret: 'outlook-sync' }, [])).toBe('');
  });
});
