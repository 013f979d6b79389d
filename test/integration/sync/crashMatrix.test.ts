// A sync may be killed, cut off or failed at any moment, any number of times: no mail is lost.
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type TestDatabase, freshDatabase } from '../../harness/database.ts';
import { crashPlan, liveThroughCrashes } from '../../harness/model/crashLife.ts';
import { migrateInProcess } from '../../harness/model/inProcessSync.ts';

const only = process.env['CRASH_SEED'];
const runs = Number(process.env['CRASH_RUNS'] ?? 40);
const seeds = only === undefined ? Array.from({ length: runs }, (_, index) => index + 1) : [Number(only)];

let database: TestDatabase;

beforeAll(async () => {
  database = await freshDatabase();
  await migrateInProcess(database.url);
});
afterAll(() => database.drop());

describe('a sync that is killed, cut off and failed again and again', () => {
  it.each(seeds)('loses no mail, seed %i', { timeout: 120_000 }, async (seed) => {
    const plan = crashPlan(seed);
    try {
      await liveThroughCrashes(plan, database, `crash-${seed}@contoso.example`);
    } catch (cause) {
      const told = cause instanceof Error ? cause.message : String(cause);
      const alone = `This seed alone: CRASH_SEED=${seed} npm test -- crashMatrix`;
      throw new Error(`${told}\n${alone}\n${JSON.stringify(plan)}`, { cause });
    }
  });
});
