// A stage for the job's contract: one simulated Graph, one migrated database, and users whose mailboxes the built
// job syncs. Every run is held to what holds of all runs: its summary, its log, and that it gives nothing away.
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { type TestDatabase, freshDatabase } from '../../harness/database.ts';
import type { MailboxOptions, SimulatedMailbox } from '../../harness/graph/mailbox.ts';
import {
  type GraphSimulator,
  type GraphSimulatorOptions,
  startGraphSimulator,
} from '../../harness/graph/simulator.ts';
import {
  type JobOutcome,
  type RunningJob,
  jobEnvironment,
  runJob,
  startJob,
  syncArguments,
} from '../../harness/job.ts';
import { Secrets } from './leaks.ts';

type Environment = Readonly<Record<string, string>>;

export interface Scene {
  readonly graph: GraphSimulator;
  readonly database: TestDatabase;
  readonly secrets: Secrets;
  readonly addUser: (options?: Partial<Omit<MailboxOptions, 'clock'>>) => User;
  readonly close: () => Promise<void>;
}

interface ProviderRow {
  readonly id: string;
  readonly status: string;
  readonly lastSyncedAt: Date | null;
  readonly lastSyncError: string | null;
  readonly lastSyncErrorAt: Date | null;
  readonly syncLeaseExpiresAt: Date | null;
  readonly outlookSyncCursor: string | null;
  readonly accessToken: string | null;
  readonly refreshToken: string | null;
  readonly tokenExpiry: Date | null;
  readonly [column: string]: unknown;
}

interface StoredRow {
  readonly externalMessageId: string;
  readonly threadId: string | null;
  readonly from: string | null;
  readonly to: string[];
  readonly subject: string | null;
  readonly snippet: string | null;
  readonly internalDate: Date | null;
  readonly labels: string[];
  readonly rawPayload: Record<string, unknown> | null;
  readonly [column: string]: unknown;
}

interface RunOptions {
  /** Over the user's own environment; an empty text takes a variable away. */
  readonly env?: Environment;
  /** Further arguments. */
  readonly more?: readonly string[];
}

const summaryFields = [
  'status',
  'providerId',
  'upserted',
  'removed',
  'quarantined',
  'cursor',
  'attempts',
  'durationMs',
];
const exitCodes: Readonly<Record<string, readonly number[]>> = {
  connected: [0],
  skipped: [0],
  interrupted: [0],
  // 64 as well: that Graph cannot do what was asked for is found out by asking.
  error: [64, 70, 75, 76, 77],
};

/** What holds of every sync that got past its configuration. */
function assertContract({ code, stderr, stdout, summary, log }: JobOutcome): void {
  expect(Object.keys(summary), stdout).toEqual(expect.arrayContaining(summaryFields));
  expect(exitCodes[summary.status ?? '']).toContain(code);
  const lines = stderr.split('\n').filter((line) => line !== '');
  expect(log, 'every line of the log is JSON').toHaveLength(lines.length);
  const runIds = new Set(log.map(({ runId }) => runId));
  expect(runIds.size, 'one runId in every line').toBe(Math.min(1, lines.length));
  expect(runIds.has(undefined)).toBe(false);
  if (summary.status === 'error') {
    expect(summary.error).toEqual({
      code: expect.any(String) as string,
      message: expect.any(String) as string,
    });
    expect(summary.error?.message.length).toBeLessThan(300);
  } else expect(summary.error).toBeUndefined();
}

/** One user with one mailbox. */
export class User {
  readonly mailbox: SimulatedMailbox;
  readonly userId = `user-${randomUUID()}`;
  readonly env: Record<string, string>;
  readonly #scene: Pick<Scene, 'database' | 'secrets'>;

  constructor(scene: Omit<Scene, 'addUser' | 'close'>, mailbox: SimulatedMailbox) {
    this.#scene = scene;
    this.mailbox = mailbox;
    this.env = jobEnvironment(scene.graph, scene.database.url, mailbox.refreshToken);
  }

  start({ env, more = [] }: RunOptions = {}): RunningJob {
    const effective = { ...this.env, ...env };
    this.#scene.secrets.addEnvironment(effective);
    const job = startJob(syncArguments(this.mailbox.email, this.userId, more), effective);
    const outcome = job.outcome.then(async (told) => {
      await this.#assertDiscreet(told);
      if (told.signal === null) assertContract(told);
      return told;
    });
    outcome.catch(() => undefined);
    return { ...job, outcome };
  }

  sync(options: RunOptions = {}): Promise<JobOutcome> {
    return this.start(options).outcome;
  }

  /** A sync that the test needs to go well. */
  async synced(options: RunOptions = {}): Promise<JobOutcome> {
    const told = await this.sync(options);
    expect(told.summary, told.stderr).toMatchObject({ status: 'connected' });
    return told;
  }

  async #assertDiscreet(told: JobOutcome): Promise<void> {
    const { secrets, database } = this.#scene;
    secrets.addMailbox(this.mailbox);
    secrets.assertUnseen(told.stdout, 'stdout');
    secrets.assertUnseen(told.stderr, 'stderr');
    const [left] = await database
      .query<{ text: string }>(
        `SELECT concat((SELECT string_agg("lastSyncError", ' ') FROM email_providers),
                       (SELECT string_agg("data"::text, ' ') FROM outlook_event_outbox),
                       (SELECT string_agg("reason", ' ') FROM outlook_quarantine)) AS "text"`,
      )
      .catch(() => []);
    secrets.assertUnseen(left?.text ?? '', 'the database');
  }

  /** The user's only provider. */
  async provider(): Promise<ProviderRow> {
    const rows = await this.#scene.database.query<ProviderRow>(
      'SELECT * FROM email_providers WHERE "userId" = $1',
      [this.userId],
    );
    expect(rows).toHaveLength(1);
    return rows[0] as ProviderRow;
  }

  /** Changes the user's provider. `assignments` is SQL. */
  async change(assignments: string, params: readonly unknown[] = []): Promise<void> {
    const { id } = await this.provider();
    await this.#scene.database.query(
      `UPDATE email_providers SET ${assignments} WHERE "id" = '${id}'`,
      params,
    );
  }

  /** The user's messages, by id. */
  async messages(): Promise<StoredRow[]> {
    return this.#scene.database.query<StoredRow>(
      'SELECT * FROM external_email_messages WHERE "userId" = $1 ORDER BY "externalMessageId" COLLATE "C"',
      [this.userId],
    );
  }

  async message(id: string): Promise<StoredRow | undefined> {
    return (await this.messages()).find(({ externalMessageId }) => externalMessageId === id);
  }

  async events(): Promise<
    { type: string; data: Record<string, unknown>; deliveredAt: Date | null; id: string }[]
  > {
    return this.#scene.database.query(
      `SELECT e.* FROM outlook_event_outbox e JOIN email_providers p ON p."id" = e."providerId"
       WHERE p."userId" = $1 ORDER BY e."createdAt"`,
      [this.userId],
    );
  }
}

let mailboxes = 0;

/** Starts a simulator and migrates a new database with the built job. The caller closes it. */
export async function openScene(options: GraphSimulatorOptions = {}): Promise<Scene> {
  const [graph, database] = await Promise.all([startGraphSimulator(options), freshDatabase()]);
  const migrated = await runJob(['migrate'], { DATABASE_URL: database.url });
  expect(migrated.code, migrated.stderr).toBe(0);
  const secrets = new Secrets();
  secrets.watch(graph);
  const stage = { graph, database, secrets };
  return {
    ...stage,
    addUser: (mailbox = {}) => {
      mailboxes += 1;
      const email = `owner-${mailboxes}@contoso.example`;
      return new User(stage, graph.addMailbox({ email, messages: 0, ...mailbox }));
    },
    close: async () => {
      await graph.close();
      await database.drop();
    },
  };
}
