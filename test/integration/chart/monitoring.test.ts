// Alerts and dashboard ask for metrics that are served.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { SHARED_START_TIMEOUT_MS } from '../../harness/cluster/shared.ts';
import { readSources } from '../../architecture/sources.ts';
import { CHART, find, type Rendered, render } from './chart.ts';

const NAME = /\b(?:outlook|controller_runtime|workqueue|rest_client|leader_election)_[a-z_]+\b/g;

/** Names of metrics stand in these files as literals. */
const sources = await readSources(join(CHART, '..', '..'));
const served = new Set(
  sources
    .filter(({ path }) => /^(operator|webhook)\/\w*[mM]etrics\.ts$/.test(path))
    .flatMap(({ text }) => [...text.matchAll(/'([a-z_]+)'/g)].map(([, name = '']) => name)),
);

function unknownIn(expressions: readonly string[]): string[] {
  const named = expressions.flatMap((text) => text.replaceAll(/"[^"]*"/g, '""').match(NAME) ?? []);
  expect(named.length).toBeGreaterThan(0);
  return named.filter((name) => !served.has(name) && !served.has(name.replace(/_(bucket|sum|count)$/, '')));
}

const rulesOf = (rule: Rendered) =>
  z
    .object({
      groups: z.tuple([
        z.object({
          name: z.string(),
          rules: z.array(
            z.strictObject({
              alert: z.string(),
              expr: z.string(),
              for: z.string(),
              labels: z.looseObject({ severity: z.enum(['info', 'warning', 'critical']) }),
              annotations: z.strictObject({ summary: z.string(), description: z.string() }),
            }),
          ),
        }),
      ]),
    })
    .parse(rule['spec']).groups[0].rules;

let objects: readonly Rendered[];
beforeAll(async () => {
  objects = await render({ variant: 'everything' });
}, SHARED_START_TIMEOUT_MS);

describe('alerts', () => {
  it('ask for metrics that are served', () => {
    const rules = rulesOf(find(objects, 'PrometheusRule', 'outlook-sync'));
    expect(unknownIn(rules.map(({ expr }) => expr))).toEqual([]);
  });

  it('begin with the absence of success, after the time that is set', async () => {
    const values = { prometheusRule: { enabled: true, staleAfterSeconds: 7200 } };
    const [first] = rulesOf(find(await render({ values }), 'PrometheusRule', 'outlook-sync'));
    expect(first?.alert).toBe('OutlookSyncStale');
    expect(first?.expr).toMatch(/outlook_provider_last_success_timestamp_seconds\) > 7200$/);
    expect(first?.annotations.description).toContain('{{ $labels.namespace }}/{{ $labels.name }}');
  });

  it('are about push only where there is a webhook', async () => {
    const names = async (variant: string): Promise<string[]> => {
      const rendered = await render({ variant, values: { prometheusRule: { enabled: true } } });
      return rulesOf(find(rendered, 'PrometheusRule', 'outlook-sync')).map(({ alert }) => alert);
    };
    expect((await names('minimal')).filter((name) => /Push|Webhook/.test(name))).toEqual([]);
    expect((await names('everything')).filter((name) => /Push|Webhook/.test(name))).toHaveLength(6);
  });
});

describe('the dashboard', () => {
  const panelSchema = z.object({
    title: z.string(),
    targets: z.array(z.object({ expr: z.string() })).default([]),
    gridPos: z.object({ x: z.int(), y: z.int(), w: z.int().positive(), h: z.int().positive() }),
  });
  const dashboard = z.object({ uid: z.string(), panels: z.array(panelSchema).min(1) });

  it('asks for metrics that are served', async () => {
    const text = await readFile(join(CHART, 'dashboards', 'outlook-sync.json'), 'utf8');
    const { panels } = dashboard.parse(JSON.parse(text));
    const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    expect(unknownIn(expressions)).toEqual([]);
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });

  it('is in a ConfigMap as it is in its file', async () => {
    const map = find(objects, 'ConfigMap', 'outlook-sync-dashboard');
    const { data } = z.object({ data: z.record(z.string(), z.string()) }).parse(map);
    const text = await readFile(join(CHART, 'dashboards', 'outlook-sync.json'), 'utf8');
    expect(data['outlook-sync.json']?.trim()).toBe(text.trim());
    expect(map.metadata.labels['grafana_dashboard']).toBe('1');
  });
});

describe('what Prometheus reads', () => {
  it('is the metrics of both programs, with the namespace of the providers', () => {
    for (const program of ['operator', 'webhook']) {
      const monitor = find(objects, 'ServiceMonitor', `outlook-sync-${program}`);
      expect(monitor['spec']).toMatchObject({
        endpoints: [{ port: 'metrics', path: '/metrics', honorLabels: true }],
      });
      const service = find(objects, 'Service', `outlook-sync-${program}-metrics`);
      const { selector } = z
        .looseObject({ selector: z.object({ matchLabels: z.record(z.string(), z.string()) }) })
        .parse(monitor['spec']);
      expect(service.metadata.labels).toMatchObject(selector.matchLabels);
    }
  });

  it('is a port that the pods have, by PodMonitors', async () => {
    const rendered = await render({ variant: 'namespaces' });
    for (const [program, port] of [
      ['operator', 'http'],
      ['webhook', 'metrics'],
    ] as const) {
      const name = `outlook-two-${program}`;
      expect(find(rendered, 'PodMonitor', name)['spec']).toMatchObject({ podMetricsEndpoints: [{ port }] });
      expect(JSON.stringify(find(rendered, 'Deployment', name)['spec'])).toContain(`"name":"${port}"`);
    }
  });
});
