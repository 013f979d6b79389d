// The benchmark of the webhook: what it takes of Graph's notifications with thousands of OutlookProviders in mind, and
// how soon one is a Job. What the figures mean: docs/benchmarks.md.
import { arch, availableParallelism, cpus } from 'node:os';
import type { Benchmark, Options } from '../benchmarks.ts';
import type { Figure } from '../figure.ts';
import { timeReconcile } from '../operator/measures.ts';
import { firstFigures, latencyFigures, rateFigures } from './figures.ts';
import { compare, type Latencies, takeFirst, timeToJob } from './measures.ts';
import { openWebhookWorld, type WebhookWorld } from './world.ts';

const sizes = {
  full: { providers: 10_000, mailboxes: 100, firsts: 1_000, singles: 50, rounds: 5, durationMs: 5_000 },
  quick: { providers: 120, mailboxes: 30, firsts: 60, singles: 5, rounds: 2, durationMs: 500 },
} as const;

type Size = (typeof sizes)[keyof typeof sizes];

/** Spread over all, so that they are of all namespaces. */
function spread<T>(all: readonly T[], count: number): T[] {
  const step = Math.floor(all.length / count);
  return all.filter((_, index) => index % step === 0).slice(0, count);
}

async function measureLatency(world: WebhookWorld, size: Size): Promise<Latencies> {
  const { operator } = await timeReconcile(world, size.providers);
  const latencies = await timeToJob(world, spread(world.providers, size.singles));
  await operator.kill('SIGTERM');
  return latencies;
}

function headingOf({ quick }: Options): string {
  const model = cpus()[0]?.model.trim() ?? arch();
  const machine = `${availableParallelism()} cores (${model}), Node ${process.versions.node}`;
  return `webhook, on ${machine}${quick ? ' -- QUICK: a smoke test, no figures to judge by' : ''}`;
}

export const webhookBenchmark: Benchmark = {
  summary: 'notifications with thousands of providers in mind: rate, tail, and time to a Job',
  parts: {
    rate: 'notifications per second against a bare server, and their tail',
    latency: 'from a single notification to its Job, with an operator',
  },
  run: async (options) => {
    const size = sizes[options.quick ? 'quick' : 'full'];
    const wants = (part: string): boolean => options.only.length === 0 || options.only.includes(part);
    const world = await openWebhookWorld(size.providers, options.progress);
    const figures: Figure[] = [];
    try {
      if (wants('latency')) {
        options.progress('single notifications, with an operator');
        figures.push(...latencyFigures(await measureLatency(world, size), size));
      }
      if (wants('rate')) {
        options.progress('the first notification of each mailbox');
        const uids = spread(world.providers, size.firsts).map(({ uid }) => uid);
        const first = await takeFirst(world, uids);
        options.progress('the following ones, and a bare server');
        figures.unshift(
          ...rateFigures(await compare(world, spread(uids, size.mailboxes), size), size),
          ...firstFigures(first),
        );
      }
      return { heading: headingOf(options), figures };
    } finally {
      await world.close();
    }
  },
};
