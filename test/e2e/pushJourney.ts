// The way of one mail from the mailbox to its row, and when each part of it was done.
import { setTimeout as sleep } from 'node:timers/promises';
import { isOf } from './children.ts';
import { jobs, providers } from './kinds.ts';
import type { Owner } from './owner.ts';
import { type PushStage, isPush, pushJobsOf, subscriptionOf } from './pushStage.ts';
import type { Stage } from './stage.ts';

/** Milliseconds since the epoch. What a program writes down itself is taken from it, the rest from who saw it. */
export interface Journey {
  readonly changedAt: number;
  /** The notification leaves Graph. */
  readonly toldAt: number;
  /** By the webhook, in what it has the API server keep. */
  readonly markedAt: number;
  /** The notification's 202 is back. */
  readonly answeredAt: number;
  /** The operator's Job is seen. */
  readonly jobAt: number;
  /** By the run. */
  readonly begunAt: number;
  /** The row is seen. */
  readonly rowAt: number;
}

const ROW_MS = 60_000;
const LOOK_MS = 20;

async function seeRow({ database }: Stage, id: string): Promise<number> {
  const sql = 'SELECT 1 FROM external_email_messages WHERE "externalMessageId" = $1';
  const deadline = performance.now() + ROW_MS;
  while (performance.now() < deadline) {
    if ((await database.query(sql, [id])).length > 0) return Date.now();
    await sleep(LOOK_MS);
  }
  throw new Error(`There is no row of the message after ${ROW_MS / 1000} s`);
}

/** A mail comes to somebody to whom nothing else happens meanwhile; resolves once it is a row. */
export async function followMail({ stage, teller }: PushStage, owner: Owner): Promise<Journey> {
  const before = await stage.client.get(providers, owner);
  const known = new Set((await pushJobsOf(stage, owner)).map(({ metadata }) => metadata.name));
  const mark = stage
    .seeProvider(owner, 'marked', ({ status }) => status?.syncRequestedAt !== before.status?.syncRequestedAt)
    .then(({ status }) => Date.parse(status?.syncRequestedAt ?? ''));
  const job = stage
    .see(jobs, {
      what: `a push Job of ${owner.name}`,
      find: (seen) =>
        [...seen.values()].find((one) => isOf(owner, one) && isPush(one) && !known.has(one.metadata.name)),
    })
    .then(() => Date.now());
  const run = stage
    .seeProvider(owner, 'begun', ({ status }) => status?.lastAttemptAt !== before.status?.lastAttemptAt)
    .then(({ status }) => Date.parse(status?.lastAttemptAt ?? ''));
  const told = teller.next(subscriptionOf(stage, owner).notificationUrl);
  const changedAt = Date.now();
  const { id } = owner.mailbox.createMessage({ subject: 'Told of' });
  const row = seeRow(stage, id);
  const [answer, markedAt, jobAt, begunAt, rowAt] = await Promise.all([told, mark, job, run, row]);
  const toldAt = Math.floor(answer.at - answer.tookMs);
  return { changedAt, toldAt, markedAt, answeredAt: answer.at, jobAt, begunAt, rowAt };
}

/** What took how long, for people. */
export function breakdown(journey: Journey): string {
  const { changedAt, toldAt, markedAt, answeredAt, jobAt, begunAt, rowAt } = journey;
  const parts = Object.entries({
    'mail to notification': toldAt - changedAt,
    'to mark': markedAt - toldAt,
    'to Job': jobAt - markedAt,
    'to run': begunAt - jobAt,
    'to row': rowAt - begunAt,
  }).map(([what, ms]) => `${what} ${ms} ms`);
  return `${parts.join(', ')}: ${rowAt - changedAt} ms in all; the 202 after ${answeredAt - changedAt} ms`;
}
