// Whatever happens to a mailbox, whenever it is looked at, the drained tables equal it. Random histories; a failing
// one is shrunk and printed with what runs it alone.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type TestDatabase, freshDatabase } from '../../harness/database.ts';
import { anyHistory, type History } from '../../harness/model/histories.ts';
import { migrateInProcess } from '../../harness/model/inProcessSync.ts';
import { liveThrough } from '../../harness/model/liveThrough.ts';

const seed = Number(process.env['MODEL_SEED'] ?? 20261123);
const path = process.env['MODEL_PATH'];
const runs = path === undefined ? Number(process.env['MODEL_RUNS'] ?? 200) : 1;

/** Two lives at a time, for each waits half of its time; a path leads to one history of the first seed. */
const seeds = path === undefined ? [seed, seed + 1] : [seed];
const runsEach = Math.ceil(runs / seeds.length);

let database: TestDatabase;

beforeAll(async () => {
  database = await freshDatabase();
  await migrateInProcess(database.url);
});
afterAll(() => database.drop());

function report(details: fc.RunDetails<[History]>): void {
  if (!details.failed) return;
  const { errorInstance: cause, counterexamplePath } = details;
  const why = cause instanceof Error ? cause.message : String(cause);
  const alone = `MODEL_SEED=${details.seed} MODEL_PATH=${counterexamplePath ?? ''} npm test -- modelTest`;
  const text = `${why}\n${fc.defaultReportMessage(details) ?? ''}\nThis history alone: ${alone}`;
  throw new Error(text, { cause });
}

describe.concurrent('the tables after a drained sync', () => {
  it.each(seeds)(
    `equal the mailbox, in ${runsEach} random histories of seed %i`,
    { timeout: 60_000 + runs * 3_000 },
    async (ownSeed) => {
      const property = fc.asyncProperty(anyHistory, (history) => liveThrough(history, database));
      const replay = path === undefined ? {} : { path, endOnFailure: true };
      await fc.assert(property, { numRuns: runsEach, seed: ownSeed, reporter: report, ...replay });
    },
  );
});
