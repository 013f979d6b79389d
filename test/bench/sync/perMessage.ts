// How much is gained over what the sync replaces: each page in turn, fetched, then its messages upserted one after the
// other, each statement awaited. With a Postgres beside it, and with one a millisecond away, as on another node.
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { z } from 'zod';
import type { Content } from '../../../job/plan/message.ts';
import { startCompanion } from '../companion.ts';
import type { Figure } from '../figure.ts';
import { interleave, median, range, timed } from '../rounds.ts';
import { timeSync } from './floor.ts';
import { readMessages } from './sides.ts';
import type { World } from './world.ts';

const pageSize = 100;

const upsert = `
  INSERT INTO external_email_messages
    ("userId", "providerId", "externalMessageId", "threadId", "from", "to", "subject", "snippet", "internalDate", "labels")
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
  ON CONFLICT ("providerId", "externalMessageId") DO UPDATE SET
    "threadId" = excluded."threadId", "from" = excluded."from", "to" = excluded."to", "subject" = excluded."subject",
    "snippet" = excluded."snippet", "internalDate" = excluded."internalDate", "labels" = excluded."labels",
    "updatedAt" = now()`;

async function upsertOne(client: pg.Client, id: string, content: Content): Promise<void> {
  const { threadId, from, to, subject, snippet, internalDate, labels } = content;
  const values = ['user-1', 'provider-1', id, threadId, from, to, subject, snippet, internalDate, labels];
  await client.query(upsert, values);
}

/** Milliseconds for `count` messages the old way. */
async function timePerMessage(
  world: World,
  count: number,
  through: (url: string) => string,
): Promise<number> {
  const { graph, sizes, freshDatabase } = world;
  await graph.serve({ messages: sizes.messages });
  const database = await freshDatabase();
  const client = new pg.Client({ connectionString: through(database.url) });
  await client.connect();
  const took = await timed(async () => {
    let written = 0;
    for await (const page of readMessages(graph, { messages: sizes.messages, pageSize })) {
      for (const [id, content] of page) {
        if (written === count) return;
        await upsertOne(client, id, content);
        written += 1;
      }
    }
  });
  await client.end();
  await database.drop();
  return took;
}

interface Comparison {
  readonly key: string;
  readonly title: string;
  readonly goal: number;
  readonly count: number;
  /** The way to the database. */
  readonly through: (url: string) => string;
  readonly detail: string;
}

async function compare(world: World, comparison: Comparison): Promise<Figure[]> {
  const { sizes } = world;
  const { key, title, goal, count, through, detail } = comparison;
  const size = { messages: sizes.messages, pageSize };
  const took = await interleave(sizes.rounds, {
    sync: () => timeSync(world, size, { through }),
    perMessage: () => timePerMessage(world, count, through),
  });
  const syncRates = took.sync.map((milliseconds) => (sizes.messages / milliseconds) * 1000);
  const oldRates = took.perMessage.map((milliseconds) => (count / milliseconds) * 1000);
  return [
    {
      key,
      title,
      value: median(syncRates) / median(oldRates),
      range: range(syncRates.map((rate, i) => rate / (oldRates[i] ?? NaN))),
      goal: { atLeast: goal },
      detail: `${detail}, ${sizes.rounds} rounds`,
    },
    {
      key: null,
      title: '  end to end',
      value: median(syncRates),
      range: range(syncRates),
      unit: 'msg/s',
      detail: `${sizes.messages.toLocaleString('en-US')} messages, pages of ${pageSize}`,
    },
    {
      key: null,
      title: '  one by one',
      value: median(oldRates),
      range: range(oldRates),
      unit: 'msg/s',
      detail: `${count.toLocaleString('en-US')} messages`,
    },
  ];
}

/** Milliseconds of a trivial round trip. */
async function roundTrip(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const trips: number[] = [];
  for (let trip = 0; trip < 100; trip += 1) {
    const started = performance.now();
    await client.query('SELECT 1');
    trips.push(performance.now() - started);
  }
  await client.end();
  return median(trips);
}

export async function measurePerMessage(world: World): Promise<Figure[]> {
  const { sizes, progress, serverUrl } = world;
  progress('end to end against one upsert per message');
  const near = await compare(world, {
    key: 'sync.vsPerMessage',
    title: 'times as fast as one by one',
    goal: 6,
    count: sizes.perMessage,
    through: (url) => url,
    detail: 'no delay anywhere',
  });
  const companion = startCompanion(fileURLToPath(new URL('./slowPostgres.ts', import.meta.url)));
  const slow = await companion.ask({ targetUrl: serverUrl, delayMs: 1 }, z.object({ url: z.string() }));
  const through = (url: string): string => Object.assign(new URL(url), { port: new URL(slow.url).port }).href;
  const [direct, delayed] = [await roundTrip(serverUrl), await roundTrip(through(serverUrl))];
  progress('the same with Postgres a millisecond away');
  const far = await compare(world, {
    key: 'sync.vsPerMessageAt1ms',
    title: 'times as fast, Postgres 1 ms away',
    goal: 15,
    count: Math.ceil(sizes.perMessage / 2),
    through,
    detail: `SELECT 1 takes ${delayed.toFixed(2)} ms instead of ${direct.toFixed(2)} ms`,
  });
  await companion.close();
  return [...near, ...far];
}
