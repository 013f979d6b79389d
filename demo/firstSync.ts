// The first two acts: the tables are made, and an unknown mailbox is read in several runs that each stop at their
// page limit and leave the rest to the next one.
import { setTimeout as sleep } from 'node:timers/promises';
import { expectedRows } from '../test/harness/mirror.ts';
import { runJob, shownCommand, type JobOutcome, type LogLine } from './jobProcess.ts';
import type { Screen } from './screen.ts';
import { OWNER, type World } from './world.ts';

/** What all acts need. */
export interface Stage {
  readonly screen: Screen;
  readonly world: World;
  readonly signal: AbortSignal;
}

export const SYNC = ['sync', '--standalone', '--email', OWNER.email, '--user-id', OWNER.userId] as const;

const MOST_RUNS = 100;
const POLL_MS = 80;
/** Without a terminal there is a line each time that the table has grown by about so many rows. */
const PLAIN_STEP = 500;
const BAR_CELLS = 30;

export async function migrate({ screen, world, signal }: Stage): Promise<void> {
  screen.command(shownCommand(['migrate']));
  const { lastLine } = await runJob({ args: ['migrate'], environment: world.environment, signal });
  screen.line(lastLine);
}

/** Syncs until every cursor is steady, and fails unless that took several runs, as announced. */
export async function firstSync(stage: Stage): Promise<void> {
  const { screen, world } = stage;
  const total = expectedRows(world.mailbox).length;
  for (let run = 1; run <= MOST_RUNS; run += 1) {
    screen.command(shownCommand(SYNC));
    const { summary } = await syncWithProgress(stage, total);
    if (summary.cursor !== 'Steady') {
      screen.note('Stopped at its page limit; the next run goes on from there.');
      screen.line();
      continue;
    }
    if (run === 1) throw new Error('The first sync was to take several runs, and took one.');
    return;
  }
  throw new Error(`The first sync was not done after ${MOST_RUNS} runs.`);
}

async function syncWithProgress({ screen, world, signal }: Stage, total: number): Promise<JobOutcome> {
  const done = new AbortController();
  const report = screen.isTerminal
    ? (count: number) => screen.rewrite(bar(count, total))
    : plainMilestones(screen, total);
  const watching = watchRows(world, done.signal, report);
  const onLog = (line: LogLine): void => screen.note(`  ${logText(line)}`);
  try {
    const outcome = await runJob({ args: SYNC, environment: world.environment, signal, onLog });
    screen.line(outcome.lastLine);
    return outcome;
  } finally {
    done.abort();
    await watching;
    screen.clear();
  }
}

/** Reports how many messages the table holds, as any other reader of it would see, until `signal` aborts. */
async function watchRows(
  { database }: World,
  signal: AbortSignal,
  report: (count: number) => void,
): Promise<void> {
  while (!isOver(signal)) {
    const [row] = await database.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM external_email_messages',
    );
    if (row && !isOver(signal)) report(row.count);
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

const isOver = (signal: AbortSignal): boolean => signal.aborted;

function bar(count: number, total: number): string {
  const filled = Math.min(BAR_CELLS, Math.round((BAR_CELLS * count) / Math.max(1, total)));
  return `  ${'█'.repeat(filled)}${'░'.repeat(BAR_CELLS - filled)} ${count} of ${total} messages in Postgres`;
}

function plainMilestones(screen: Screen, total: number): (count: number) => void {
  let told = -1;
  return (count) => {
    const step = Math.floor(count / PLAIN_STEP);
    if (told >= 0 && step > told) screen.line(`  ${count} of ${total} messages in Postgres`);
    told = Math.max(told, step);
  };
}

/** A line of the job's log for people: time, message, and what it says beside. */
function logText(line: LogLine): string {
  const { time, msg, level, runId: _, ...rest } = line;
  const details = Object.entries(rest).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const mark = level === 'info' ? '' : `${String(level).toUpperCase()} `;
  return `${String(time).slice(11, 23)} ${mark}${String(msg)}${details.length > 0 ? `  ${details.join(' ')}` : ''}`;
}
