// The third act: after each round of changes in Outlook one sync, and the rows before and after it, checked.
import { isDeepStrictEqual } from 'node:util';
import { expectedRows, storedRows } from '../test/harness/mirror.ts';
import { SYNC, type Stage } from './firstSync.ts';
import { runJob, shownCommand } from './jobProcess.ts';
import { type Change, outlookDay } from './outlookDay.ts';
import type { Screen } from './screen.ts';
import { type Cell, type Column, tableLines } from './table.ts';
import { oneLine } from './textWidth.ts';
import type { World } from './world.ts';

interface Row {
  readonly id: string;
  readonly subject: string | null;
  readonly labels: string[];
}

export interface Changed {
  readonly change: Change;
  readonly before: Row | undefined;
}

interface Seen extends Changed {
  readonly after: Row | undefined;
}

const COLUMNS: readonly Column[] = [
  { title: 'In Outlook', most: 41 },
  { title: 'Message' },
  { title: 'Labels before', most: 20 },
  { title: 'Labels after', most: 22 },
];

export async function laterSyncs(stage: Stage): Promise<void> {
  const { screen, world } = stage;
  const { thereAndBack, rounds } = outlookDay(world.mailbox);
  for (const round of rounds) {
    world.simulator.clearRequests();
    await oneRound(stage, round);
    if (!round.includes(thereAndBack)) continue;
    assertAskedFor(world, thereAndBack.id());
    screen.note(
      'Graph’s delta calls the message that went there and back removed, and never shows it again;',
    );
    screen.note('the job asked Graph for the message itself before it believed that, and kept the row.');
    screen.line();
  }
}

async function oneRound({ screen, world, signal }: Stage, round: readonly Change[]): Promise<void> {
  const changed = await changesOf(world, round);
  screen.command(shownCommand(SYNC));
  const { lastLine, summary } = await runJob({ args: SYNC, environment: world.environment, signal });
  screen.line(lastLine);
  screen.line();
  if (summary.cursor !== 'Steady') throw new Error(`The cursor is ${String(summary.cursor)}, not Steady.`);
  await showChanges({ screen, world }, changed);
}

/** Does all of it in the mailbox, and remembers the rows as they were. */
export async function changesOf(
  world: Pick<World, 'database'>,
  round: readonly Change[],
): Promise<readonly Changed[]> {
  const changed: Changed[] = [];
  for (const change of round) {
    changed.push({ change, before: await rowOf(world, change.id()) });
    change.act();
  }
  return changed;
}

/** The rows before and after a sync, as a table; throws when one is not what the change should have made of it. */
export async function showChanges(
  { screen, world }: { screen: Screen; world: Pick<World, 'database'> },
  changed: readonly Changed[],
): Promise<void> {
  const seen: Seen[] = [];
  for (const one of changed) seen.push({ ...one, after: await rowOf(world, one.change.id()) });
  const rows = seen.map((one) => cells(screen, one));
  screen.lines(tableLines(COLUMNS, rows, screen.width));
  screen.line();
  for (const one of seen) assertSeen(one);
}

async function rowOf({ database }: Pick<World, 'database'>, id: string): Promise<Row | undefined> {
  const [row] = await database.query<Row & Record<string, unknown>>(
    'SELECT "id", "subject", "labels" FROM external_email_messages WHERE "externalMessageId" = $1',
    [id],
  );
  return row;
}

function assertSeen({ change, before, after }: Seen): void {
  const expected = change.labelsAfter(before?.labels ?? null);
  const found = after?.labels ?? null;
  if (!isDeepStrictEqual(found, expected)) {
    const told = [expected, found].map((labels) => (labels === null ? 'no row' : `[${labels.join(', ')}]`));
    throw new Error(`"${change.what}" should have left ${told.join(', and left ')}.`);
  }
  if (before && after && before.id !== after.id) throw new Error(`"${change.what}" replaced the row.`);
}

function cells(screen: Screen, { change, before, after }: Seen): Cell[] {
  const dim = (text: string): string => screen.style('dim', text);
  const labels = (row: Row | undefined): Cell =>
    row ? { text: row.labels.join(' ') || '(none)' } : { text: '(no row)', paint: dim };
  return [
    { text: change.what },
    { text: oneLine((after ?? before)?.subject ?? '(no subject)') },
    labels(before),
    labels(after),
  ];
}

/** Whether the job has asked for this very message, which it does in a batch. */
function assertAskedFor({ simulator }: World, id: string): void {
  const asked = simulator.requests.some(({ batch }) => batch?.some(({ path }) => path.includes(id)));
  if (!asked) throw new Error('The job did not ask Graph for the message that went there and back.');
}

/** The tables hold what the mailbox holds, message by message and field by field. Returns how many. */
export async function assertMirrored({ database, mailbox }: World): Promise<number> {
  const expected = expectedRows(mailbox);
  const found = await storedRows(database);
  if (isDeepStrictEqual(found, expected)) return found.length;
  const at = expected.findIndex((row, index) => !isDeepStrictEqual(row, found[index]));
  const difference = JSON.stringify({ mailbox: expected[at], table: found[at] }, null, 2);
  throw new Error(
    `The table has ${found.length} messages, the mailbox ${expected.length}; they differ first at number ${at + 1}:\n${difference}`,
  );
}
