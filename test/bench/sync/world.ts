// What all parts of the sync benchmark share: a Postgres that waits for its disk, Graph, the job, and how much to do.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '../../../job/store/migrate.ts';
import { openPool } from '../../../job/store/pool.ts';
import { bundleJob } from '../../../scripts/bundle.ts';
import { startPostgres } from '../../harness/postgres.ts';
import { type CannedGraph, startCannedGraph } from '../graph/canned.ts';

/** How much is measured. */
export interface Sizes {
  readonly messages: number;
  /** Of the large mailbox. */
  readonly largeMessages: number;
  /** What the per-message side writes; it is a rate, so it need not be all. */
  readonly perMessage: number;
  readonly rounds: number;
  /** How often the delay of Graph is corrected before it is used. */
  readonly corrections: number;
  /** Of the large mailbox. */
  readonly largeRounds: number;
  /** Starts of the built job. */
  readonly starts: number;
}

export interface Database {
  readonly url: string;
  /** Runs one statement and returns its rows. */
  readonly query: <Row extends pg.QueryResultRow>(sql: string) => Promise<Row[]>;
  readonly drop: () => Promise<void>;
}

export interface World {
  readonly graph: CannedGraph;
  /** Connection string of the Postgres server. */
  readonly serverUrl: string;
  /** The built job. */
  readonly job: string;
  readonly sizes: Sizes;
  /** Says on stderr what is going on. */
  readonly progress: (text: string) => void;
  /** A new database with the job's schema, and nothing left for the server to write. */
  readonly freshDatabase: () => Promise<Database>;
}

/** Runs `work` in a world of its own, and takes it down. */
export async function inWorld<T>(
  { sizes, progress }: Pick<World, 'sizes' | 'progress'>,
  work: (world: World) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'outlook-sync-bench-'));
  const [server, graph, job] = await Promise.all([
    startPostgres({ fsync: true }),
    startCannedGraph(),
    bundleJob(folder),
  ]);
  const freshDatabase = async (): Promise<Database> => {
    const { url, name } = await server.createDatabase();
    const pool = await openPool({ databaseUrl: url, connections: 1 });
    await migrate(pool);
    await pool.end();
    await runOn(server.url, 'CHECKPOINT');
    return {
      url,
      query: (sql) => runOn(url, sql),
      drop: async () => {
        await runOn(server.url, `DROP DATABASE ${pg.escapeIdentifier(name)} WITH (FORCE)`);
      },
    };
  };
  try {
    return await work({ graph, serverUrl: server.url, job, sizes, progress, freshDatabase });
  } finally {
    await graph.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function runOn<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}
