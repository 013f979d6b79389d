// An empty database of its own for each test, on the server that the whole run shares (see globalSetup.ts).
import pg from 'pg';
import { inject } from 'vitest';
import { createDatabase } from './postgres.ts';

export interface TestDatabase {
  readonly url: string;
  readonly name: string;
  /**
   * Runs one statement and returns its rows. A `timestamp` without zone is read as UTC, which is what the store
   * keeps in it, whatever the time zone of this process.
   */
  readonly query: <Row extends pg.QueryResultRow = pg.QueryResultRow>(
    sql: string,
    params?: readonly unknown[],
  ) => Promise<Row[]>;
  /** Removes the database, ending whatever sessions others still have in it. */
  readonly drop: () => Promise<void>;
}

/** Creates an empty database under a new name. */
export async function freshDatabase(): Promise<TestDatabase> {
  const server = inject('postgresUrl');
  const { url, name } = await createDatabase(server);
  // A pool of one: it connects when it is first used, and again after a lost connection.
  const pool = new pg.Pool({ connectionString: url, max: 1, types: utcTimestamps() });
  // A session that the server ends while it is idle is no error of the test.
  pool.on('error', () => undefined);
  return {
    url,
    name,
    query: async <Row extends pg.QueryResultRow>(sql: string, params: readonly unknown[] = []) =>
      (await pool.query<Row>(sql, [...params])).rows,
    drop: async () => {
      await pool.end();
      await dropDatabase(server, name);
    },
  };
}

async function dropDatabase(server: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`);
  } finally {
    await client.end();
  }
}

function utcTimestamps(): pg.TypeOverrides {
  const types = new pg.TypeOverrides();
  types.setTypeParser(pg.types.builtins.TIMESTAMP, (text) => {
    const date = new Date(`${text.replace(' ', 'T')}Z`);
    // "infinity", or a year that Date does not know
    return Number.isNaN(date.getTime()) ? text : date;
  });
  return types;
}
