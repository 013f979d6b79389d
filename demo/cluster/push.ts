// The act of push: a mail that Graph tells of is a row in seconds, with no schedule to wait for.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterStage } from './acts.ts';
import { succeed } from './succeed.ts';
import { until } from './watch.ts';
import { type ClusterWorld, TEAM } from './world.ts';

const LIMIT_MS = 60_000;
const POLL_MS = 20;
const SUBSCRIPTION =
  '{.status.conditions[?(@.type=="PushSubscribed")].status}{"  until "}{.status.subscription.expiresAt}{"\\n"}';

export async function showPush(stage: ClusterStage): Promise<void> {
  const { screen, world } = stage;
  screen.note(
    'Ben is synced once in a night, and has spec.push.enabled. His first run has made a subscription:',
  );
  await until(stage, 'Ben is subscribed', (all) => {
    const one = all.find(({ name }) => name === 'ben');
    return one?.subscription !== undefined;
  });
  const asked = ['get', 'outlookprovider', 'ben', '-n', TEAM, '-o', `jsonpath=${SUBSCRIPTION}`];
  screen.command(`kubectl ${asked.slice(0, 6).join(' ')} 'jsonpath=${SUBSCRIPTION}'`);
  screen.lines((await succeed(world.plane, asked)).trimEnd().split('\n'));
  screen.line();
  screen.note(
    'A mail arrives; Graph tells the webhook, which marks the resource; the operator starts a Job:',
  );
  const seconds = await timeToRow(stage);
  const jobs = [
    'get',
    'jobs',
    '-n',
    TEAM,
    '-l',
    'outlooksync.dev/trigger=push',
    '-L',
    'outlooksync.dev/trigger',
  ];
  screen.command(`kubectl ${jobs.join(' ')}`);
  screen.lines((await succeed(world.plane, jobs)).trimEnd().split('\n'));
  screen.line();
  const told = `From the arrival of the mail to its row in Postgres: ${seconds.toFixed(1)} s.`;
  screen.line(screen.style('green', told));
}

/** Seconds from the arrival of a mail in Outlook to its row. */
async function timeToRow({ world, signal }: ClusterStage): Promise<number> {
  const { simulator, people } = world;
  const { id } = people.ben.mailbox.createMessage({ subject: 'Can we move the review to three?' });
  const arrived = performance.now();
  const deliveries = await simulator.deliverNotifications();
  const refused = deliveries.find(({ status }) => status !== 202);
  if (deliveries.length === 0 || refused !== undefined)
    throw new Error(`The webhook did not take the notification (${refused?.status ?? 'nobody was told'}).`);
  while (!(await hasRow(world, id))) {
    if (performance.now() - arrived > LIMIT_MS)
      throw new Error(`No row after ${LIMIT_MS / 1000} s for a mail that Graph told of.`);
    await sleep(POLL_MS, undefined, { signal });
  }
  return (performance.now() - arrived) / 1000;
}

async function hasRow({ database }: ClusterWorld, id: string): Promise<boolean> {
  const rows = await database.query('SELECT 1 FROM external_email_messages WHERE "externalMessageId" = $1', [
    id,
  ]);
  return rows.length === 1;
}
