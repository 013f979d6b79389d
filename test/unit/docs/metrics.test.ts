// That docs/metrics-and-alerts.md has every metric that the programs serve, by its name, type and labels, and no others.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { Metrics as OperatorMetrics } from '../../../operator/metrics.ts';
import { reduceProvider } from '../../../operator/observe/records.ts';
import { providerMetrics } from '../../../operator/providerMetrics.ts';
import { Metrics as WebhookMetrics } from '../../../webhook/metrics.ts';

const page = await readFile(join(import.meta.dirname, '../../../docs/metrics-and-alerts.md'), 'utf8');

/** As a row of the page: name, type, labels in alphabetical order. */
type Row = string;
const rowOf = (name: string, type: string, labels: readonly string[]): Row =>
  [name, type, ...[...labels].sort()].join(' ');

function documented(heading: string): Row[] {
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/^\| `([a-z_]+)` +\| (\w+) +\|([^|]*)\|/gm)].map(
    ([, name = '', type = '', labels = '']) =>
      rowOf(
        name,
        type,
        [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label),
      ),
  );
}

/** What prom-client adds of the process itself is its own to document. */
const isOurs = (name: string): boolean => !/^(process|nodejs)_/.test(name);
const withLabels = z.object({ labelNames: z.array(z.string()) });

function typesIn(text: string): [name: string, type: string][] {
  return [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]);
}

async function registered(registry: Registry): Promise<Row[]> {
  return typesIn(await registry.metrics())
    .filter(([name]) => isOurs(name))
    .map(([name, type]) => {
      const { labelNames } = withLabels.parse(registry.getSingleMetric(name));
      return rowOf(name, type, labelNames);
    });
}

/** Those that are written without a registry; their labels stand in the lines of a provider. */
async function ofProviders(): Promise<Row[]> {
  const at = '2026-01-01T00:00:00Z';
  const provider = {
    apiVersion: 'outlooksync.dev/v1alpha1',
    kind: 'OutlookProvider',
    metadata: { name: 'anna', namespace: 'team-a' },
    status: { lastSyncedAt: at, nextSyncAt: at, conditions: [{ type: 'Ready', status: 'True' }] },
  };
  const record = reduceProvider(provider);
  const pieces: string[] = [];
  for await (const piece of providerMetrics(() => [['team-a/anna', record]])) pieces.push(piece);
  const text = pieces.join('');
  return typesIn(text).map(([name, type]) => {
    const [, labels = ''] = new RegExp(`^${name}(?:\\{(.*)\\})? `, 'm').exec(text) ?? [];
    return rowOf(
      name,
      type,
      [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label),
    );
  });
}

it('has every metric of the operator, and no others', async () => {
  const metrics = new OperatorMetrics({ workers: 1, leaseName: 'lease' });
  metrics.queueObserver();
  metrics.ask({
    unfinished: () => ({ totalMs: 0, longestMs: 0 }),
    isLeader: () => false,
    informers: () => [],
    backfills: () => ({ active: 0, waiting: 0 }),
  });
  const served = [...(await registered(metrics.registry)), ...(await ofProviders())];
  expect(served.length).toBeGreaterThan(30);
  expect(documented('Metrics of the operator').sort()).toEqual(served.sort());
});

it('has every metric of the webhook, and no others', async () => {
  const metrics = new WebhookMetrics();
  const figures = { kind: 'OutlookProvider', relists: 0, reconnects: 0, size: 0, lastActivityAt: 0 };
  metrics.ask({ watch: () => figures, waiting: () => 0 });
  const served = await registered(metrics.registry);
  expect(served.length).toBeGreaterThan(8);
  expect(documented('Metrics of the webhook').sort()).toEqual(served.sort());
});
