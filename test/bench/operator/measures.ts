// The four things that are measured of an operator that serves many providers.
import { readFile } from 'node:fs/promises';
import { outlookProviders } from '../../../api/resource.ts';
import type { KubeObject, Manifest, ObjectRef } from '../../../kube/object.ts';
import { cronJobs } from '../../../kube/resource.ts';
import type { OperatorProcess } from '../../e2e/operatorProcess.ts';
import { timed } from '../rounds.ts';
import { createNamespace } from './fleet.ts';
import { metric, until, type World } from './world.ts';

const bareNamespace = 'bare';

/** The CronJobs that the operator made, as they would be applied. */
export async function appliedCronJobs({ client }: World): Promise<Manifest[]> {
  const { items } = await client.list<KubeObject & { readonly spec?: unknown }>(cronJobs, {});
  return items.map(({ apiVersion, kind, metadata: { name, labels = {}, annotations = {} }, spec }) => ({
    apiVersion,
    kind,
    metadata: { name, namespace: bareNamespace, labels, annotations },
    spec,
  }));
}

/** Milliseconds that a bare loop takes to apply CronJobs, one after the other. */
export async function timeBareApplies({ client }: World, manifests: readonly Manifest[]): Promise<number> {
  await createNamespace(client, bareNamespace);
  return timed(async () => {
    for (const manifest of manifests)
      await client.apply(cronJobs, manifest, { fieldManager: 'bare', force: true });
  });
}

/**
 * Starts an operator; milliseconds from then until it wrote the last thing that there was to write, every provider
 * reconciled. The end is taken from the API server's audit log: whether it is over is asked rarely, for a scrape of
 * thousands of providers is itself work for the operator that is measured.
 */
export async function timeReconcile(
  world: World,
  size: number,
): Promise<{ operator: OperatorProcess; tookMs: number }> {
  const startedAt = Date.now();
  const operator = world.startOperator();
  await operator.leads();
  await until(
    'all providers are reconciled',
    async () => (await isIdle(operator, size)) && (await areReconciled(world, size)),
    Math.max(200, size / 2),
  );
  const written = (await world.operatorWrites()).map(({ receivedAt }) => Date.parse(receivedAt));
  const last = written.reduce((latest, at) => Math.max(latest, at), 0);
  return { operator, tookMs: last - startedAt };
}

async function areReconciled({ client }: World, size: number): Promise<boolean> {
  if ((await countOf(client, cronJobs)) < size) return false;
  const { items } = await client.list<KubeObject & { status?: { observedGeneration?: number } }>(
    outlookProviders,
    {},
  );
  return items.every(({ metadata, status }) => status?.observedGeneration === metadata.generation);
}

async function countOf(client: World['client'], resource: typeof cronJobs): Promise<number> {
  let count = 0;
  let next: string | undefined;
  do {
    const page = await client.list(resource, { limit: 500, continue: next, metadataOnly: true });
    count += page.items.length;
    next = page.continue;
  } while (next !== undefined);
  return count;
}

/** Whether it has looked at so many providers and at nothing now. */
async function isIdle(operator: OperatorProcess, looked: number): Promise<boolean> {
  const text = await operator.metrics();
  const isAtRest =
    metric(text, 'workqueue_depth') === 0 && metric(text, 'controller_runtime_active_workers') === 0;
  return isAtRest && (metric(text, 'controller_runtime_reconcile_total') ?? 0) >= looked;
}

/** Starts the operator anew, so that it lists and looks at everything, and counts what it writes of that. */
export async function countWritesAtRest(
  world: World,
  size: number,
): Promise<{ writes: number; operator: OperatorProcess }> {
  const before = (await world.operatorWrites()).length;
  const operator = world.startOperator();
  await operator.leads();
  await until('everything has been looked at again', () => isIdle(operator, size));
  return { writes: (await world.operatorWrites()).length - before, operator };
}

/** MiB of resident set of a process: now, and at its highest. */
export async function memoryOf({ pid }: OperatorProcess): Promise<{ now: number; peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return { now: kib('VmRSS') / 1024, peak: kib('VmHWM') / 1024 };
}

/** Milliseconds from a change of one provider to the change of its CronJob, as a watch sees it; one after the other. */
export async function timeChanges(world: World, refs: readonly ObjectRef[]): Promise<number[]> {
  const stop = new AbortController();
  const seen = new Map<string, () => void>();
  const { resourceVersion } = await world.client.list(cronJobs, { limit: 1 });
  const watching = watchCronJobs(world, { resourceVersion, signal: stop.signal, seen });
  const took: number[] = [];
  try {
    for (const [index, { namespace = '', name }] of refs.entries()) {
      const changed = new Promise<void>((resolve) => seen.set(`outlook-sync-${name}`, resolve));
      const patch = { spec: { schedule: `${index % 60} 3 1 1 *` } };
      const started = performance.now();
      await world.client.mergePatch(outlookProviders, { namespace, name }, patch);
      await Promise.race([changed, watching]);
      took.push(performance.now() - started);
    }
  } finally {
    stop.abort();
    await watching;
  }
  return took;
}

async function watchCronJobs(
  { client }: World,
  from: { resourceVersion: string; signal: AbortSignal; seen: Map<string, () => void> },
): Promise<void> {
  const { resourceVersion, signal, seen } = from;
  for await (const { type, object } of client.watch(cronJobs, { resourceVersion }, signal)) {
    if (type === 'MODIFIED') seen.get(object.metadata.name)?.();
  }
  if (!signal.aborted) throw new Error('The watch on CronJobs has ended');
}
