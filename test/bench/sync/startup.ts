// What the run costs that most runs are: it starts, asks Graph, learns that there is nothing new, and ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Figure } from '../figure.ts';
import { monotonicMs } from '../clock.ts';
import { interleave, median, range } from '../rounds.ts';
import { runBuiltJob } from './builtJob.ts';
import { environmentOf, syncAll } from './run.ts';
import type { World } from './world.ts';

const stored = 2_000;

/** Milliseconds from the start of a Node that does nothing to its end. */
async function bareNode(): Promise<number> {
  const started = monotonicMs();
  const child = spawn(process.execPath, ['-e', '0'], { env: { PATH: process.env['PATH'] }, stdio: 'ignore' });
  await once(child, 'close');
  return monotonicMs() - started;
}

export async function measureStartup(world: World): Promise<Figure[]> {
  const { graph, job, sizes, progress, freshDatabase } = world;
  progress('start of a sync that finds nothing new');
  const database = await freshDatabase();
  const env = environmentOf({ databaseUrl: database.url, graph, pageSize: 100 });
  await graph.serve({ messages: stored });
  await syncAll(env);
  const peaks: number[] = [];
  const wholes: number[] = [];
  const firstRequest = async (): Promise<number> => {
    await graph.serve({ messages: stored });
    const { startedMs, tookMs, peakMiB } = await runBuiltJob(job, env);
    const { firstAtMs, messages } = await graph.served();
    if (messages > 0) throw new Error('There was something new');
    peaks.push(peakMiB);
    wholes.push(tookMs);
    return firstAtMs - startedMs;
  };
  // The first run fills the compile cache.
  await firstRequest();
  const took = await interleave(sizes.starts, { job: firstRequest, node: bareNode });
  await database.drop();
  const milliseconds = (title: string, values: readonly number[], detail: string): Figure => ({
    key: null,
    title,
    value: median(values),
    range: range(values),
    unit: 'ms',
    detail,
  });
  return [
    {
      key: 'sync.startVsNode',
      title: 'start to first request / node -e 0',
      value: median(took.job) / median(took.node),
      range: range(took.job.map((one, i) => one / (took.node[i] ?? NaN))),
      goal: { atMost: 6 },
      detail: `the built job, ${sizes.starts} starts of each in turn`,
    },
    milliseconds('  start to first request to Graph', took.job, 'a valid token in the database'),
    milliseconds('  start to end', wholes, 'nothing new'),
    milliseconds('  node -e 0', took.node, 'start to end'),
    {
      key: 'sync.idleRssMiB',
      title: 'peak memory when nothing is new',
      value: median(peaks),
      range: range(peaks),
      unit: 'MiB',
      goal: { atMost: 100 },
      detail: 'resident set of the built job',
    },
  ];
}
