// What a first sync sends: statements to Postgres and requests over HTTP, for each page of messages.
import type { Figure } from '../figure.ts';
import { countingProxy } from './countingProxy.ts';
import { environmentOf, syncAll } from './run.ts';
import type { World } from './world.ts';

interface Traffic {
  readonly statements: number;
  readonly requests: number;
  readonly pages: number;
}

async function count({ graph, sizes, freshDatabase }: World, pageSize: number): Promise<Traffic> {
  const database = await freshDatabase();
  const proxy = await countingProxy(database.url);
  await graph.serve({ messages: sizes.messages });
  await syncAll(environmentOf({ databaseUrl: proxy.url, graph, pageSize }));
  const { requests, deltaPages } = await graph.served();
  proxy.close();
  await database.drop();
  return { statements: proxy.statements(), requests, pages: deltaPages };
}

/** Both page sizes; the figure is that of the worse one, which is the larger page: a run's fixed part weighs more. */
export async function measureTraffic(world: World): Promise<Figure[]> {
  world.progress('statements and requests per page');
  const runs = [await count(world, 100), await count(world, 1000)];
  const perPage = (what: 'statements' | 'requests') => {
    const values = runs.map((run) => run[what] / run.pages);
    const parts = runs.map((run) => `${run[what]} for ${run.pages} pages`);
    return { value: Math.max(...values), range: [Math.min(...values), Math.max(...values)] as const, parts };
  };
  const statements = perPage('statements');
  const requests = perPage('requests');
  const sizes = 'pages of 100 and of 1,000';
  return [
    {
      key: 'sync.statementsPerPage',
      title: 'SQL statements per page',
      value: statements.value,
      range: statements.range,
      goal: { atMost: 10 },
      detail: `${sizes}: ${statements.parts.join(', ')}`,
    },
    {
      key: 'sync.requestsPerPage',
      title: 'HTTP requests per page',
      value: requests.value,
      range: requests.range,
      goal: { atMost: 1.3 },
      detail: `${sizes}: ${requests.parts.join(', ')}`,
    },
  ];
}
