// What the chart makes of values, without a cluster.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { handedOnToJobs, operatorEnvironment } from '../../../api/operatorEnvironment.ts';
import { lifecyclePath, pushPath } from '../../../api/pushUrl.ts';
import { webhookEnvironment } from '../../../api/webhookEnvironment.ts';
import { parseConfig as parseOperatorConfig } from '../../../operator/config.ts';
import { parseConfig as parseWebhookConfig } from '../../../webhook/config.ts';
import { SHARED_START_TIMEOUT_MS } from '../../harness/cluster/shared.ts';
import { helm } from '../../harness/helm.ts';
import { CHART, environmentOf, find, podOf, type Rendered, render, valuesFile, variants } from './chart.ts';

const ROOT = join(CHART, '..', '..');
const nameOf = ({ kind, metadata: { name, namespace } }: Rendered): string =>
  namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;

/** Those with pods, hooks included. */
const workloads = (objects: readonly Rendered[]): Rendered[] =>
  objects.filter(({ kind }) => ['Deployment', 'Job', 'Pod'].includes(kind));

describe('the chart', () => {
  it('has the version of the programs that it installs', async () => {
    const chart = parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8')) as Record<string, unknown>;
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(chart).toMatchObject({ version, appVersion: version });
  });

  it.each(variants)(
    'passes lint with the values of %s',
    async (variant) => {
      const { code, stdout, stderr } = await helm([
        'lint',
        '--strict',
        CHART,
        '--values',
        valuesFile(variant),
      ]);
      expect(stdout + stderr).not.toMatch(/\[(WARNING|ERROR)\]/);
      expect(code).toBe(0);
    },
    SHARED_START_TIMEOUT_MS,
  );

  it.each(variants)('renders %s to these objects', async (variant) => {
    const objects = await render({ variant });
    expect(objects.map(nameOf).sort()).toMatchSnapshot();
  });

  it('installs the CRD as it is in crds/, and leaves it behind unless told otherwise', async () => {
    const crd = parse(
      await readFile(join(ROOT, 'crds', 'outlooksync.dev_outlookproviders.yaml'), 'utf8'),
    ) as Rendered;
    const name = 'outlookproviders.outlooksync.dev';
    const rendered = find(await render(), 'CustomResourceDefinition', name);
    expect(rendered['spec']).toEqual(crd['spec']);
    expect(rendered.metadata.annotations['helm.sh/resource-policy']).toBe('keep');
    const gone = find(await render({ values: { crds: { keep: false } } }), 'CustomResourceDefinition', name);
    expect(gone.metadata.annotations).toEqual({});
  });
});

describe('every pod', () => {
  it.each(variants)('of %s is within the restricted Pod Security Standard', async (variant) => {
    for (const one of workloads(await render({ variant }))) {
      const { securityContext, containers } = podOf(one);
      expect(securityContext).toEqual({
        runAsNonRoot: true,
        runAsUser: 65532,
        runAsGroup: 65532,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(containers[0].securityContext).toEqual({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
        readOnlyRootFilesystem: true,
      });
      expect(containers[0].resources).toHaveProperty('requests');
    }
  });

  it('has the image by its digest where there is one, and by its tag otherwise', async () => {
    const digest = `sha256:${'ab'.repeat(32)}`;
    const byDigest = await render({ variant: 'everything', values: { image: { tag: '7', digest } } });
    const images = workloads(byDigest).map((one) => podOf(one).containers[0].image);
    expect(new Set(images)).toEqual(new Set([`registry.example/outlook-sync@${digest}`]));
    const operator = find(
      await render({ values: { image: { tag: '7' } } }),
      'Deployment',
      'outlook-sync-operator',
    );
    expect(podOf(operator).containers[0].image).toBe('registry.example/outlook-sync:7');
    expect(environmentOf(operator)['OUTLOOK_OPERATOR_JOB_IMAGE']).toBe('registry.example/outlook-sync:7');
  });
});

/** Of the variables that are told by value. */
function valuesOf(object: Rendered): Record<string, string> {
  const values = Object.entries(environmentOf(object));
  return Object.fromEntries(values.filter((one): one is [string, string] => typeof one[1] === 'string'));
}

describe("the programs' environment", () => {
  it.each(variants)('of %s is one that they accept', async (variant) => {
    const objects = (await render({ variant })).filter(({ kind }) => kind === 'Deployment');
    for (const one of objects) {
      const isOperator = one.metadata.name.endsWith('-operator');
      const parsed = (isOperator ? parseOperatorConfig : parseWebhookConfig)(valuesOf(one));
      expect(parsed).toMatchObject({ ok: true });
      const known = isOperator
        ? [...Object.keys(operatorEnvironment), ...handedOnToJobs]
        : Object.keys(webhookEnvironment);
      expect(Object.keys(environmentOf(one)).filter((name) => !known.includes(name))).toEqual([]);
    }
  });

  it('says by default what the programs do by default', async () => {
    const objects = await render({ values: { webhook: { enabled: true, publicUrl: 'https://a.example' } } });
    const operator = valuesOf(find(objects, 'Deployment', 'outlook-sync-operator'));
    const webhook = valuesOf(find(objects, 'Deployment', 'outlook-sync-webhook'));
    const own = parseOperatorConfig({ OUTLOOK_OPERATOR_JOB_IMAGE: 'i', POD_NAMESPACE: 'outlook-sync' });
    const told = parseOperatorConfig({
      ...operator,
      OUTLOOK_OPERATOR_JOB_IMAGE: 'i',
      OUTLOOK_OPERATOR_HTTP_HOST: '127.0.0.1',
      POD_NAMESPACE: 'outlook-sync',
    });
    if (!own.ok || !told.ok) throw new Error('The environment is not accepted');
    const jobVariables = told.config.plan.jobVariables;
    expect(told.config).toEqual({ ...own.config, plan: { ...own.config.plan, jobVariables } });
    expect(jobVariables['OUTLOOK_PUSH_NOTIFICATION_URL']).toBe(`https://a.example${pushPath}`);
    const ownWebhook = parseWebhookConfig({});
    expect(parseWebhookConfig({ ...webhook, OUTLOOK_WEBHOOK_HTTP_HOST: '127.0.0.1' })).toMatchObject({
      ok: true,
      config: ownWebhook.ok ? ownWebhook.config : {},
    });
  });

  it('is overridden by extraEnv, each variable standing once', async () => {
    const operator = find(await render({ variant: 'everything' }), 'Deployment', 'outlook-sync-operator');
    const names = podOf(operator).containers[0].env.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
    expect(environmentOf(operator)['OUTLOOK_OPERATOR_WORKERS']).toBe('32');
  });

  it('cannot refer to other variables by a value', async () => {
    const values = { jobs: { notificationSinkUrl: 'https://a.example/$(POD_NAME)' } };
    const operator = find(await render({ values }), 'Deployment', 'outlook-sync-operator');
    expect(environmentOf(operator)['NOTIFICATION_SINK_URL']).toBe('https://a.example/$$(POD_NAME)');
  });
});

describe('the way of Microsoft Graph', () => {
  it('leads to the two paths of the webhook and nowhere else', async () => {
    const objects = await render({ variant: 'everything' });
    const ingress = JSON.stringify(find(objects, 'Ingress', 'outlook-sync-webhook')['spec']);
    expect([...ingress.matchAll(/"path":"([^"]*)"/g)].map(([, path]) => path)).toEqual([
      pushPath,
      lifecyclePath,
    ]);
    const route = JSON.stringify(find(objects, 'HTTPRoute', 'outlook-sync-webhook')['spec']);
    expect([...route.matchAll(/"value":"([^"]*)"/g)].map(([, path]) => path)).toEqual([
      pushPath,
      lifecyclePath,
    ]);
    expect(`${ingress}${route}`).not.toMatch(/8081|metrics/);
  });

  it('is told to the jobs by the host of the ingress or the route, where no address is given', async () => {
    const url = async (webhook: object): Promise<unknown> => {
      const objects = await render({ values: { webhook: { enabled: true, ...webhook } } });
      const operator = find(objects, 'Deployment', 'outlook-sync-operator');
      return environmentOf(operator)['OUTLOOK_PUSH_NOTIFICATION_URL'];
    };
    expect(await url({ ingress: { enabled: true, host: 'a.example' } })).toBe(`https://a.example${pushPath}`);
    const httpRoute = { enabled: true, hostnames: ['b.example'], parentRefs: [{ name: 'public' }] };
    expect(await url({ httpRoute })).toBe(`https://b.example${pushPath}`);
  });
});

describe('the migration', () => {
  it('comes before all else, with a service account of its own and a Secret that is there already', async () => {
    const objects = await render({ values: { networkPolicy: { enabled: true } } });
    const ofMigration = objects.filter(({ metadata }) => metadata.name === 'outlook-sync-migration');
    expect(ofMigration.map(({ kind }) => kind).sort()).toEqual(['Job', 'NetworkPolicy', 'ServiceAccount']);
    for (const { metadata } of ofMigration)
      expect(metadata.annotations['helm.sh/hook']).toBe('pre-install,pre-upgrade');
    const job = find(objects, 'Job', 'outlook-sync-migration');
    expect(environmentOf(job)['DATABASE_URL']).toEqual({
      secretKeyRef: { name: 'inbox-database', key: 'DATABASE_URL' },
    });
    const weights = ofMigration.map(({ kind, metadata }) => [
      kind,
      Number(metadata.annotations['helm.sh/hook-weight']),
    ]);
    expect(Object.fromEntries(weights)).toEqual({ ServiceAccount: -10, NetworkPolicy: -10, Job: 0 });
  });
});
