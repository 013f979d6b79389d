// Everything that the demo needs and that has to go again: Postgres, a simulated Microsoft Graph with one mailbox,
// and the environment with which the job finds both.
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { type PostgresServer, startPostgres } from '../test/harness/postgres.ts';
import type { SimulatedMailbox } from '../test/harness/graph/mailbox.ts';
import { type GraphSimulator, startGraphSimulator } from '../test/harness/graph/simulator.ts';
import type { TestDatabase } from '../test/harness/database.ts';

export const OWNER = { email: 'ada@contoso.example', userId: 'demo-user' } as const;

export interface World {
  readonly simulator: GraphSimulator;
  readonly mailbox: SimulatedMailbox;
  readonly database: TestDatabase;
  /** What a person would export before `npm run job`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Stops all of it and removes its files; calling it again does nothing. */
  readonly close: () => Promise<void>;
}

const SEED = 3;
/** Every answer of Graph takes this long, so that there is something to be seen of the work. */
const LATENCY_MS = 100;
const PAGE_SIZE = 100;
/** In how many runs the Inbox is to be read, at the least. */
const RUNS = 3;

/** @param messages how many the mailbox is born with */
export async function buildWorld(messages: number): Promise<World> {
  const closing: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (let next = closing.pop(); next; next = closing.pop()) await next();
  };
  try {
    const server = await startPostgres();
    closing.push(server.stop);
    const simulator = await startGraphSimulator({ seed: SEED, latencyMs: LATENCY_MS, control: true });
    closing.push(() => simulator.close());
    const database = await openDatabase(server);
    closing.push(database.drop);
    const born = { messages, folders: 'rich', newestMessageAt: Date.now() } as const;
    const mailbox = simulator.addMailbox({ email: OWNER.email, ...born });
    return { simulator, mailbox, database, environment: environmentOf(simulator, mailbox, database), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function environmentOf(
  simulator: GraphSimulator,
  mailbox: SimulatedMailbox,
  database: TestDatabase,
): Record<string, string> {
  const pages = Math.ceil((mailbox.wellKnown('inbox')?.totalItemCount ?? 0) / PAGE_SIZE);
  return {
    DATABASE_URL: database.url,
    OUTLOOK_GRAPH_BASE_URL: simulator.graphBaseUrl,
    OUTLOOK_TOKEN_URL: simulator.tokenUrl,
    OUTLOOK_CLIENT_ID: simulator.clientId,
    OUTLOOK_CLIENT_SECRET: simulator.clientSecret,
    OUTLOOK_REFRESH_TOKEN: mailbox.refreshToken,
    OUTLOOK_TOKEN_ENCRYPTION_KEYS: `demo:${randomBytes(32).toString('base64')}`,
    OUTLOOK_SYNC_PAGE_SIZE: String(PAGE_SIZE),
    OUTLOOK_SYNC_DELTA_PAGE_LIMIT: String(Math.min(20, Math.ceil(pages / RUNS))),
  };
}

/** The inbox's database; `drop` only lets go of it, for it goes with its server. */
export async function openDatabase(server: PostgresServer): Promise<TestDatabase> {
  const { url, name } = await server.createDatabase('inbox');
  const types = new pg.TypeOverrides();
  // The store keeps UTC without a zone.
  types.setTypeParser(pg.types.builtins.TIMESTAMP, (text) => new Date(`${text.replace(' ', 'T')}Z`));
  const pool = new pg.Pool({ connectionString: url, max: 2, types });
  pool.on('error', () => undefined);
  return {
    url,
    name,
    query: async <Row extends pg.QueryResultRow = pg.QueryResultRow>(
      sql: string,
      params: readonly unknown[] = [],
    ) => (await pool.query<Row>(sql, [...params])).rows,
    drop: () => pool.end(),
  };
}
