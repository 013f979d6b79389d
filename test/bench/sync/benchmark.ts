// The benchmark of the sync job: everything that a sync does, against a real Postgres that waits for its disk and a
// canned Graph, all on this machine. What the figures mean: docs/benchmarks.md.
import { arch, availableParallelism, cpus } from 'node:os';
import type { Benchmark, Options } from '../benchmarks.ts';
import type { Figure } from '../figure.ts';
import { measureFloor } from './floor.ts';
import { measureMemory } from './memory.ts';
import { measurePerMessage } from './perMessage.ts';
import { measureReplay } from './replay.ts';
import { measureStartup } from './startup.ts';
import { measureTraffic } from './traffic.ts';
import { inWorld, type Sizes, type World } from './world.ts';

interface Part {
  readonly summary: string;
  readonly measure: (world: World) => Promise<Figure[]>;
}

const parts = {
  floor: { summary: 'end to end against the slower of fetching and writing', measure: measureFloor },
  perMessage: { summary: 'end to end against one upsert per message', measure: measurePerMessage },
  replay: { summary: 'what is rewritten when nothing has changed', measure: measureReplay },
  traffic: { summary: 'SQL statements and HTTP requests per page', measure: measureTraffic },
  memory: { summary: 'peak memory of a large mailbox against a small one', measure: measureMemory },
  startup: { summary: 'start, and memory, of a run that finds nothing new', measure: measureStartup },
} satisfies Record<string, Part>;

const fullMessages = 50_000;

function sizesOf({ quick, messages = quick ? fullMessages / 10 : fullMessages }: Options): Sizes {
  return {
    messages,
    largeMessages: messages * 10,
    perMessage: Math.ceil(messages / 25),
    rounds: quick ? 1 : 5,
    corrections: quick ? 0 : 2,
    largeRounds: quick ? 1 : 3,
    starts: quick ? 2 : 15,
  };
}

function headingOf({ quick, messages }: Options): string {
  const model = cpus()[0]?.model.trim() ?? arch();
  const machine = `${availableParallelism()} cores (${model}), Node ${process.versions.node}`;
  const whole = !quick && messages === undefined;
  return `sync, on ${machine}${whole ? '' : ' -- QUICK or of another size: a smoke test, no figures to judge by'}`;
}

export const syncBenchmark: Benchmark = {
  summary: 'throughput, writes, traffic, memory and start of the sync job',
  parts: Object.fromEntries(Object.entries(parts).map(([name, { summary }]) => [name, summary])),
  run: async (options) => {
    const { only, progress } = options;
    const wanted = Object.entries(parts).filter(([name]) => only.length === 0 || only.includes(name));
    const figures = await inWorld({ sizes: sizesOf(options), progress }, async (world) => {
      const found: Figure[] = [];
      for (const [, { measure }] of wanted) found.push(...(await measure(world)));
      return found;
    });
    return { heading: headingOf(options), figures };
  },
};
