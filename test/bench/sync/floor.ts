// How close a sync comes to the slower of its two halves: it fetches the next page while it writes this one, so with
// halves that take about as long, all of the time that it loses is overhead of its own.
import type { Figure } from '../figure.ts';
import { interleave, median, range, timed } from '../rounds.ts';
import { environmentOf, syncAll } from './run.ts';
import { fetchOnly, fetchPages, openForWriting } from './sides.ts';
import type { Database, World } from './world.ts';

interface Size {
  readonly messages: number;
  readonly pageSize: number;
}

async function timeFetch({ graph }: World, size: Size, delayMs: number): Promise<number> {
  await graph.serve({ messages: size.messages, delayMs });
  const took = await timed(() => fetchOnly(graph, size));
  await graph.served();
  return took;
}

async function timeWrite({ graph, freshDatabase }: World, size: Size): Promise<number> {
  await graph.serve({ messages: size.messages });
  const pages = await fetchPages(graph, size);
  const database = await freshDatabase();
  const target = { databaseUrl: database.url, graph, pageSize: size.pageSize };
  const mailbox = await openForWriting(target, size.messages);
  const took = await timed(() => mailbox.write(pages));
  await mailbox.close();
  await expectStored(database, size.messages);
  return took;
}

/** A whole run of the job; `through` gives the way to the database. */
export async function timeSync(
  { graph, freshDatabase }: World,
  size: Size,
  { delayMs = 0, through = (url: string) => url }: { delayMs?: number; through?: (url: string) => string },
): Promise<number> {
  await graph.serve({ messages: size.messages, delayMs });
  const database = await freshDatabase();
  const env = environmentOf({ databaseUrl: through(database.url), graph, pageSize: size.pageSize });
  const took = await timed(async () => {
    await syncAll(env);
  });
  await graph.served();
  await expectStored(database, size.messages);
  return took;
}

async function expectStored(database: Database, messages: number): Promise<void> {
  const [row] = await database.query<{ count: number }>('SELECT count(*)::int FROM external_email_messages');
  await database.drop();
  if (row?.count !== messages) throw new Error(`${row?.count} messages are stored instead of ${messages}`);
}

/** The delay per full page with which fetching takes about as long as writing does. */
async function calibrate(
  world: World,
  size: Size,
): Promise<{ delayMs: number; undelayed: number; write: number }> {
  const undelayed = await timeFetch(world, size, 0);
  const write = await timeWrite(world, size);
  // The folders are walked side by side, so it is the largest one, the Inbox, whose pages add up.
  const chain = (size.messages * 0.6) / size.pageSize;
  let delayMs = Math.max(0, (write - undelayed) / chain);
  for (let correction = 0; correction < world.sizes.corrections; correction += 1) {
    const took = await timeFetch(world, size, delayMs);
    delayMs = Math.max(0, delayMs + (write - took) / chain);
  }
  return { delayMs, undelayed, write };
}

async function measurePageSize(world: World, size: Size): Promise<Figure[]> {
  const { sizes, progress } = world;
  const what = `${size.messages.toLocaleString('en-US')} messages, pages of ${size.pageSize.toLocaleString('en-US')}`;
  progress(`end to end against its halves: ${what}`);
  if (sizes.rounds > 1) await timeSync(world, size, {});
  const { delayMs, undelayed } = await calibrate(world, size);
  const took = await interleave(sizes.rounds, {
    fetch: () => timeFetch(world, size, delayMs),
    write: () => timeWrite(world, size),
    sync: () => timeSync(world, size, { delayMs }),
  });
  const ratios = took.sync.map((sync, i) => Math.max(took.fetch[i] ?? 0, took.write[i] ?? 0) / sync);
  const rate = (milliseconds: readonly number[]): Pick<Figure, 'value' | 'range' | 'unit'> => ({
    value: (size.messages / median(milliseconds)) * 1000,
    range: range(milliseconds.map((one) => (size.messages / one) * 1000)),
    unit: 'msg/s',
  });
  const detail = `${what}, ${sizes.rounds} rounds`;
  const delayed = `each page delayed by ${delayMs.toFixed(1)} ms; ${Math.round((size.messages / undelayed) * 1000)} msg/s undelayed`;
  return [
    {
      key: 'sync.endToEndVsFloor',
      title: `end to end / slower half, pages of ${size.pageSize}`,
      value: Math.max(median(took.fetch), median(took.write)) / median(took.sync),
      range: range(ratios),
      goal: { atLeast: 0.8 },
      detail,
    },
    { key: null, title: '  fetch and parse only', ...rate(took.fetch), detail: delayed },
    { key: null, title: '  bulk write only', ...rate(took.write), detail: 'fsync on, loopback TCP' },
    {
      key: null,
      title: '  end to end',
      ...rate(took.sync),
      detail: 'a whole run: login, folder list, pages',
    },
  ];
}

/** Both page sizes; the key goes to the worse one. */
export async function measureFloor(world: World): Promise<Figure[]> {
  const { messages } = world.sizes;
  const small = await measurePageSize(world, { messages, pageSize: 100 });
  const large = await measurePageSize(world, { messages, pageSize: 1000 });
  const worst = Math.min(...[...small, ...large].filter(({ key }) => key !== null).map(({ value }) => value));
  return [...small, ...large].map((figure) => (figure.value === worst ? figure : { ...figure, key: null }));
}
