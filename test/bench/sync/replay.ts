// What it costs to be told again what is stored already: Graph may replay everything at any time.
import type { Figure } from '../figure.ts';
import { environmentOf, syncAll } from './run.ts';
import type { Database, World } from './world.ts';

const pageSize = 100;
const patienceMs = 10_000;

interface Written {
  /** Row versions inserted, updated and deleted so far in the tables that hold messages and labels. */
  readonly rows: number;
  /** Position in the write-ahead log, bytes. */
  readonly wal: number;
}

/** Waits until the sync's connections have ended, with which they hand in what they have counted. */
async function written(database: Database): Promise<Written> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const [others] = await database.query<{ count: number }>(`
      SELECT count(*)::int FROM pg_stat_activity
      WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`);
    if (others?.count === 0) break;
    if (performance.now() > end) throw new Error('The sync leaves connections open');
  }
  const [row] = await database.query<{ rows: number; wal: number }>(`
    SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::float8 AS "rows",
           (pg_current_wal_insert_lsn() - '0/0')::float8 AS "wal"
    FROM pg_stat_user_tables
    WHERE relname IN ('external_email_messages', 'outlook_message_folders', 'external_email_labels')`);
  if (!row) throw new Error('No statistics');
  return row;
}

export async function measureReplay({ graph, sizes, progress, freshDatabase }: World): Promise<Figure[]> {
  progress('the same pages again');
  const { messages } = sizes;
  const database = await freshDatabase();
  const env = environmentOf({ databaseUrl: database.url, graph, pageSize });
  const before = await written(database);
  await graph.serve({ messages });
  await syncAll(env);
  const first = await written(database);
  await graph.serve({ messages, rounds: 2 });
  const changed = await syncAll(env);
  const replayed = await graph.served();
  const second = await written(database);
  await database.drop();
  if (replayed.messages !== messages) throw new Error(`Only ${replayed.messages} messages were replayed`);
  const firstWal = first.wal - before.wal;
  const replayWal = second.wal - first.wal;
  const perMessage = (bytes: number): string => `${Math.round(bytes / messages)} bytes per message`;
  return [
    {
      key: 'sync.replayRowsRewritten',
      title: 'rows rewritten by a replay',
      value: second.rows - first.rows,
      goal: { atMost: 0 },
      detail: `${messages.toLocaleString('en-US')} unchanged messages, pages of ${pageSize}; the sync itself says ${changed}`,
    },
    {
      key: null,
      title: '  write-ahead log of the replay',
      value: replayWal / 1024,
      unit: 'KiB',
      goal: { atMost: firstWal / 1024 / 50 },
      detail: `${perMessage(replayWal)}; the goal is 2 % of the first write`,
    },
    {
      key: null,
      title: '  write-ahead log of the first write',
      value: firstWal / 1024,
      unit: 'KiB',
      detail: `${perMessage(firstWal)}, ${first.rows - before.rows} rows written`,
    },
  ];
}
