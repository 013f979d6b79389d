// What is measured of a webhook: how many notifications it takes, and how soon one of them is a Job.
import { z } from 'zod';
import { annotations } from '../../../api/resource.ts';
import { jobs } from '../../../kube/resource.ts';
import { interleave } from '../rounds.ts';
import { notificationsFor, type Request } from './notifications.ts';
import type { WebhookWorld } from './world.ts';

/** As many as Graph, or an ingress controller for it, has open at a time. */
export const connections = 50;

const found = z.object({
  statuses: z.record(z.string(), z.number()),
  answered: z.number(),
  tookMs: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  maxMs: z.number(),
  busyMs: z.number(),
});

export type Found = z.infer<typeof found>;

const countOf = ({ statuses }: Found, status: number): number => statuses[status] ?? 0;

/** Of what was taken. */
export const perSecond = (one: Found): number => (countOf(one, 202) / one.tookMs) * 1000;

/** What the API server could not keep in time, for Graph to send again. */
export const putOff = (one: Found): number => countOf(one, 503);

async function loaded({ load }: WebhookWorld, port: number, durationMs?: number): Promise<Found> {
  const result = await load.ask({ port, connections, durationMs }, found);
  const strange = Object.keys(result.statuses).filter((status) => status !== '202' && status !== '503');
  if (strange.length > 0) throw new Error(`Answered as nobody expects: ${JSON.stringify(result.statuses)}`);
  return result;
}

/** The first notification of each mailbox: an answer to it waits for the API server to keep its mark. */
export async function takeFirst(world: WebhookWorld, uids: readonly string[]): Promise<Found> {
  await world.load.ask({ requests: notificationsFor(uids) }, z.null());
  return loaded(world, world.webhookPort);
}

export interface Sides {
  readonly webhook: readonly Found[];
  readonly bare: readonly Found[];
}

/** Those that follow, while the marks wait: webhook and bare server in turn, after one round that is not counted. */
export async function compare(
  world: WebhookWorld,
  uids: readonly string[],
  { rounds, durationMs }: { rounds: number; durationMs: number },
): Promise<Sides> {
  await world.load.ask({ requests: notificationsFor(uids) }, z.null());
  const sides: Record<'webhook' | 'bare', Found[]> = { webhook: [], bare: [] };
  const measure = async (side: keyof typeof sides, port: number): Promise<number> => {
    const result = await loaded(world, port, durationMs);
    sides[side].push(result);
    return perSecond(result);
  };
  await interleave(rounds + 1, {
    webhook: () => measure('webhook', world.webhookPort),
    bare: () => measure('bare', world.barePort),
  });
  return { webhook: sides.webhook.slice(1), bare: sides.bare.slice(1) };
}

export interface Latencies {
  readonly answeredMs: readonly number[];
  readonly jobMs: readonly number[];
}

/** Milliseconds from the sending of a notification to its 202, and to its Job as a watch sees it; one after the other. */
export async function timeToJob(
  world: WebhookWorld,
  providers: readonly { readonly uid: string; readonly name: string }[],
): Promise<Latencies> {
  const stop = new AbortController();
  const seen = new Map<string, () => void>();
  const { resourceVersion } = await world.client.list(jobs, { limit: 1 });
  const watching = watchJobs(world, { resourceVersion, signal: stop.signal, seen });
  const requests = notificationsFor(providers.map(({ uid }) => uid));
  const answeredMs: number[] = [];
  const jobMs: number[] = [];
  try {
    for (const [index, { name }] of providers.entries()) {
      const made = new Promise<void>((resolve) => seen.set(name, resolve));
      const started = performance.now();
      const made202 = post(world.webhookPort, requests[index]).then(() =>
        answeredMs.push(performance.now() - started),
      );
      await Promise.race([made, watching]);
      jobMs.push(performance.now() - started);
      await made202;
    }
  } finally {
    stop.abort();
    await watching;
  }
  return { answeredMs, jobMs };
}

async function post(port: number, request: Request | undefined): Promise<void> {
  const { path, body } = request ?? { path: '/', body: '' };
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body });
  await answer.arrayBuffer();
  if (answer.status !== 202) throw new Error(`A notification was answered with ${answer.status}`);
}

async function watchJobs(
  { client }: WebhookWorld,
  from: { resourceVersion: string; signal: AbortSignal; seen: Map<string, () => void> },
): Promise<void> {
  const { resourceVersion, signal, seen } = from;
  for await (const { type, object } of client.watch(jobs, { resourceVersion }, signal)) {
    if (type === 'ADDED') seen.get(object.metadata.annotations?.[annotations.provider] ?? '')?.();
  }
  if (!signal.aborted) throw new Error('The watch on Jobs has ended');
}
