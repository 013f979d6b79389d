// A real API server takes what the chart renders, every field of it, and finds no pod that breaks the restricted
// Pod Security Standard.
import { stringify } from 'yaml';
import * as z from 'zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  SHARED_START_TIMEOUT_MS,
  type SharedControlPlane,
  sharedControlPlane,
} from '../../harness/cluster/shared.ts';
import { HOME, type Rendered, render, variants } from './chart.ts';

/** Where objects go here; the chart's own name for it might be in use. */
const PLACE = 'chart-server';
const namespaces = [PLACE, 'chart-team-a', 'chart-team-b'];

const map = z.record(z.string(), z.string());
const scrape = z.strictObject({
  port: z.string(),
  path: z.string(),
  interval: z.string(),
  scrapeTimeout: z.string(),
  honorLabels: z.boolean(),
});
const selector = z.strictObject({ matchLabels: map });

/** The control plane of the tests does not serve these: what the chart has of them, as their own references have it. */
const notServed: Readonly<Record<string, z.ZodType>> = {
  HTTPRoute: z.strictObject({
    parentRefs: z.array(z.strictObject({ name: z.string(), namespace: z.string().optional() })).min(1),
    hostnames: z.array(z.string()).min(1),
    rules: z.array(
      z.strictObject({
        matches: z.array(
          z.strictObject({
            method: z.literal('POST'),
            path: z.strictObject({ type: z.literal('Exact'), value: z.string().startsWith('/') }),
          }),
        ),
        backendRefs: z.array(z.strictObject({ name: z.string(), port: z.int() })),
      }),
    ),
  }),
  ServiceMonitor: z.strictObject({ selector, endpoints: z.array(scrape) }),
  PodMonitor: z.strictObject({ selector, podMetricsEndpoints: z.array(scrape) }),
  PrometheusRule: z.strictObject({
    groups: z.array(
      z.strictObject({
        name: z.string(),
        rules: z.array(
          z.strictObject({
            alert: z.string(),
            expr: z.string(),
            for: z.string(),
            labels: map,
            annotations: map,
          }),
        ),
      }),
    ),
  }),
};
const notServedVersions: Readonly<Record<string, string>> = {
  HTTPRoute: 'gateway.networking.k8s.io/v1',
  ServiceMonitor: 'monitoring.coreos.com/v1',
  PodMonitor: 'monitoring.coreos.com/v1',
  PrometheusRule: 'monitoring.coreos.com/v1',
};

let plane: SharedControlPlane;
beforeAll(async () => {
  plane = await sharedControlPlane();
  const labels = { 'pod-security.kubernetes.io/warn': 'restricted' };
  const made = namespaces.map((name) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels },
  }));
  await kubectl(['apply', '-f', '-'], made);
}, SHARED_START_TIMEOUT_MS);
afterAll(() => plane.kubectl(['delete', 'namespace', '--wait=false', ...namespaces]));

async function kubectl(args: readonly string[], objects: readonly object[]): Promise<string> {
  if (objects.length === 0) return '';
  const input = objects.map((one) => stringify(one)).join('---\n');
  const { code, stdout, stderr } = await plane.kubectl(args, { input });
  if (code !== 0) throw new Error(stderr);
  return stdout + stderr;
}

function moved(objects: readonly Rendered[]): Rendered[] {
  const text = JSON.stringify(objects).replaceAll(`"namespace":"${HOME}"`, `"namespace":"${PLACE}"`);
  return (JSON.parse(text) as Rendered[]).map((one) => ({
    ...one,
    metadata: { namespace: PLACE, ...one.metadata },
  }));
}

describe.each(variants)('what is rendered of %s', (variant) => {
  it('is taken by the API server, without unknown fields or warnings', async () => {
    const objects = moved(await render({ variant })).filter(({ kind }) => !(kind in notServed));
    // A pod is refused where its service account is not there yet, which a dry run does not make.
    await kubectl(
      ['apply', '-f', '-'],
      objects.filter(({ kind }) => kind === 'ServiceAccount'),
    );
    const flags = ['--server-side', '--force-conflicts', '--field-manager=chart', '--validate=strict'];
    const said = await kubectl(['apply', '--dry-run=server', ...flags, '-f', '-'], objects);
    expect(said).not.toMatch(/warning|unknown field|would violate/i);
    expect(said.match(/serverside-applied \(server dry run\)/g)).toHaveLength(objects.length);
  });

  it('is, where the API server does not know it, what its own reference allows', async () => {
    for (const { kind, apiVersion, spec } of await render({ variant })) {
      const schema = notServed[kind];
      if (schema === undefined) continue;
      expect(apiVersion).toBe(notServedVersions[kind]);
      expect(schema.safeParse(spec).error?.issues ?? []).toEqual([]);
    }
  });
});

it('a field that does not exist would be told', async () => {
  const wrong = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'a', namespace: PLACE },
    nothing: 1,
  };
  const applied = kubectl(
    ['apply', '--dry-run=server', '--server-side', '--validate=strict', '-f', '-'],
    [wrong],
  );
  await expect(applied).rejects.toThrow('nothing');
});
