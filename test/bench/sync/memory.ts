// Whether the memory of a sync depends on the size of the mailbox. It is measured on the job as it is built, in one
// run: the mail is spread over many folders, so that a run which may take twenty pages of each takes all of it.
import type { Figure } from '../figure.ts';
import { interleave, median, range } from '../rounds.ts';
import { runBuiltJob } from './builtJob.ts';
import { environmentOf } from './run.ts';
import type { World } from './world.ts';

/** The largest that there is: what a page holds is what a sync holds. */
const pageSize = 1000;

async function peakOf({ graph, job, freshDatabase }: World, messages: number): Promise<number> {
  const database = await freshDatabase();
  await graph.serve({ messages, layout: 'even' });
  const env = environmentOf({ databaseUrl: database.url, graph, pageSize });
  const { peakMiB } = await runBuiltJob(job, { ...env, OUTLOOK_SYNC_DELTA_PAGE_LIMIT: '20' });
  const served = await graph.served();
  await database.drop();
  if (served.messages !== messages)
    throw new Error(`${served.messages} messages were served, not ${messages}`);
  return peakMiB;
}

export async function measureMemory(world: World): Promise<Figure[]> {
  const { messages, largeMessages, largeRounds } = world.sizes;
  const [few, many] = [messages, largeMessages].map((count) => count.toLocaleString('en-US'));
  world.progress(`memory for ${few} messages and for ${many}`);
  const peaks = await interleave(largeRounds, {
    few: () => peakOf(world, messages),
    many: () => peakOf(world, largeMessages),
  });
  return [
    {
      key: 'sync.rssGrowth',
      title: 'peak memory, large mailbox / small one',
      value: median(peaks.many) / median(peaks.few),
      range: range(peaks.many.map((peak, i) => peak / (peaks.few[i] ?? NaN))),
      goal: { atMost: 1.3 },
      detail: `${many} messages against ${few}, one run each, pages of ${pageSize.toLocaleString('en-US')}`,
    },
    {
      key: 'sync.rssMiB',
      title: '  peak memory, large mailbox',
      value: median(peaks.many),
      range: range(peaks.many),
      unit: 'MiB',
      detail: 'resident set of the built job',
    },
    {
      key: null,
      title: '  peak memory, small mailbox',
      value: median(peaks.few),
      range: range(peaks.few),
      unit: 'MiB',
      detail: 'the same',
    },
  ];
}
