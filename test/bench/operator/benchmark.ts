// The benchmark of the operator: thousands of OutlookProviders against a real API server. What the figures mean:
// docs/benchmarks.md.
import { arch, availableParallelism, cpus } from 'node:os';
import type { Benchmark, Options } from '../benchmarks.ts';
import type { Figure } from '../figure.ts';
import { median, range } from '../rounds.ts';
import { createFleet, fleet } from './fleet.ts';
import {
  appliedCronJobs,
  countWritesAtRest,
  memoryOf,
  timeBareApplies,
  timeChanges,
  timeReconcile,
} from './measures.ts';
import { openWorld, type World } from './world.ts';

const sizes = { full: [2_000, 10_000], quick: [40, 120] } as const;
const changes = { full: 50, quick: 5 } as const;

interface Run {
  readonly size: number;
  readonly changes: number;
  /** Whether the keys of the JSON are this size's. */
  readonly keyed: boolean;
  readonly progress: (text: string) => void;
}

const shownSize = (size: number): string => `${size.toLocaleString('en-US')} providers`;

async function measure(world: World, run: Run): Promise<Figure[]> {
  const { size, progress } = run;
  const refs = fleet(size);
  progress(`creating ${shownSize(size)}`);
  await createFleet(world.client, refs);
  progress('an operator reconciles them all');
  const { operator: first, tookMs: reconcileMs } = await timeReconcile(world, size);
  const memory = await memoryOf(first);
  await first.kill('SIGTERM');
  progress('another operator starts, with nothing to do');
  const { writes, operator } = await countWritesAtRest(world, size);
  progress('single providers change');
  const step = Math.floor(size / run.changes);
  const changed = refs.filter((_, index) => index % step === 0).slice(0, run.changes);
  const changeMs = await timeChanges(world, changed);
  const later = await memoryOf(operator);
  await operator.kill('SIGTERM');
  progress('a bare loop applies the same CronJobs');
  const bareMs = await timeBareApplies(world, await appliedCronJobs(world));
  return figuresOf(run, { reconcileMs, bareMs, memory, later, writes, changeMs });
}

interface Found {
  readonly reconcileMs: number;
  readonly bareMs: number;
  readonly memory: { now: number; peak: number };
  readonly later: { now: number; peak: number };
  readonly writes: number;
  readonly changeMs: readonly number[];
}

function figuresOf({ size, keyed }: Run, found: Found): Figure[] {
  const { reconcileMs, bareMs, memory, later, writes, changeMs } = found;
  const key = (name: string): string | null => (keyed ? `operator.${name}` : null);
  const detail = shownSize(size);
  const perSecond = (ms: number): number => (size / ms) * 1000;
  return [
    {
      key: key('reconcileVsBareApply'),
      title: `providers reconciled / bare applies, per second`,
      value: bareMs / reconcileMs,
      goal: { atLeast: 0.8 },
      detail: `${detail}; from the start of the process, its lists included`,
    },
    { key: null, title: '  reconciled', value: perSecond(reconcileMs), unit: '/s', detail },
    {
      key: null,
      title: '  bare server-side applies',
      value: perSecond(bareMs),
      unit: '/s',
      detail: `${detail}; the same CronJobs, one after the other`,
    },
    {
      key: key('writesAtRest'),
      title: 'writes of an operator with nothing to do',
      value: writes,
      goal: { atMost: 0 },
      detail: `${detail}; all listed and looked at; from the audit log`,
    },
    {
      key: key('rssMiB'),
      title: 'resident memory of the operator',
      value: Math.max(memory.now, later.now),
      unit: 'MiB',
      goal: { atMost: 350 },
      range: [Math.min(memory.now, later.now), Math.max(memory.peak, later.peak)],
      detail: `${detail}; the larger of two operators after their work; max: peak`,
    },
    {
      key: key('changeToActionMs'),
      title: 'from a change to the change of its CronJob, median',
      value: median(changeMs),
      unit: 'ms',
      goal: { atMost: 1000 },
      range: range(changeMs),
      detail: `${detail}; ${changeMs.length} changes, as a watch sees them`,
    },
  ];
}

function headingOf({ quick }: Options): string {
  const model = cpus()[0]?.model.trim() ?? arch();
  const machine = `${availableParallelism()} cores (${model}), Node ${process.versions.node}`;
  return `operator, on ${machine}${quick ? ' -- QUICK: a smoke test, no figures to judge by' : ''}`;
}

export const operatorBenchmark: Benchmark = {
  summary: 'thousands of providers: rate, writes at rest, memory and latency of the operator',
  parts: { scale: 'all of it, at two sizes' },
  run: async (options) => {
    const kind = options.quick ? 'quick' : 'full';
    const chosen = sizes[kind];
    const figures: Figure[] = [];
    for (const size of chosen) {
      const run = { size, changes: changes[kind], keyed: size === chosen.at(-1), progress: options.progress };
      const world = await openWorld(options.progress);
      try {
        figures.push(...(await measure(world, run)));
      } finally {
        await world.close();
      }
    }
    return { heading: headingOf(options), figures };
  },
};
