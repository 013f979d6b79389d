// The acts of the whole demo, in order; each checks what it shows.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expectedRows, storedRows } from '../../test/harness/mirror.ts';
import { showInbox } from '../inbox.ts';
import { changesOf, showChanges } from '../laterSyncs.ts';
import { outlookDay } from '../outlookDay.ts';
import type { Screen } from '../screen.ts';
import { documents, grantOf, groundwork, providerOf } from './manifests.ts';
import { HOME } from './programs.ts';
import { succeed } from './succeed.ts';
import { condition, until, watching } from './watch.ts';
import { type ClusterWorld, migrateDatabase, TEAM } from './world.ts';

export interface ClusterStage {
  readonly screen: Screen;
  readonly world: ClusterWorld;
  readonly signal: AbortSignal;
}

const ROOT = join(import.meta.dirname, '..', '..');
const CRD = 'crds/outlooksync.dev_outlookproviders.yaml';
const RBAC = ['job', 'leader-election', 'operator', 'users', 'webhook'].map(
  (name) => `config/rbac/${name}.yaml`,
);

async function kubectl(
  { screen, world }: ClusterStage,
  args: readonly string[],
  input?: string,
): Promise<void> {
  screen.command(`kubectl ${args.join(' ')}`);
  screen.lines((await succeed(world.plane, args, input)).trimEnd().split('\n'));
}

export async function install(stage: ClusterStage): Promise<void> {
  const { screen, world, signal } = stage;
  screen.command('npm run job -- migrate');
  screen.line(await migrateDatabase(world, signal));
  await kubectl(stage, ['create', 'namespace', HOME]);
  const files = await Promise.all([CRD, ...RBAC].map((file) => readFile(join(ROOT, file), 'utf8')));
  screen.command(`kubectl apply --server-side -f ${CRD} -f config/rbac`);
  const applied = await succeed(world.plane, ['apply', '--server-side', '-f', '-'], files.join('\n---\n'));
  screen.lines(applied.trimEnd().split('\n'));
  const established = ['wait', '--for=condition=Established', 'crd/outlookproviders.outlooksync.dev'];
  await succeed(world.plane, [...established, '--timeout=30s']);
  screen.line('Starting the webhook, as the service account outlook-sync-webhook ...');
  const notificationUrl = await world.programs.startWebhook();
  screen.line('Starting the operator, as the service account outlook-sync-operator ...');
  await world.programs.startOperator(notificationUrl);
}

/** Four mailboxes, one of them with a grant that was revoked. */
export async function applyProviders(stage: ClusterStage): Promise<void> {
  const { screen, world } = stage;
  const { ada, dora } = world.people;
  dora.mailbox.revokeGrant();
  screen.note(
    'A namespace, the Secret with what all its jobs need, and a Secret with the grant of each user:',
  );
  await kubectl(stage, ['apply', '-f', '-'], groundwork(world));
  screen.line();
  const yaml = documents([providerOf(ada)]);
  screen.lines(
    yaml
      .trimEnd()
      .split('\n')
      .map((line) => screen.style('dim', `  ${line}`)),
  );
  screen.line();
  const everybody = documents(Object.values(world.people).map(providerOf));
  await watching(world, screen, async () => {
    await succeed(world.plane, ['apply', '-f', '-'], everybody);
    await until(stage, 'three mailboxes are read, and one is refused', (all) => {
      const of = (name: string) => all.find((one) => one.name === name);
      const isDone = (name: string): boolean =>
        condition(of(name), 'Ready') === 'True' && of(name)?.cursor === 'Steady';
      return ['ada', 'ben', 'chen'].every(isDone) && condition(of('dora'), 'Stalled') === 'True';
    });
  });
  screen.line();
  screen.note('The backfill went on Job after Job, without waiting for the schedule:');
  await kubectl(stage, ['get', 'jobs', '-n', TEAM]);
}

export async function showDeadGrant(stage: ClusterStage): Promise<void> {
  const { screen, world } = stage;
  const { dora } = world.people;
  screen.note(
    'Dora has withdrawn her consent. One run was refused; there will be no other until she signs in again:',
  );
  await kubectl(stage, ['get', 'outlookprovider', 'dora', '-n', TEAM, '-o', 'wide']);
  await kubectl(stage, ['get', 'cronjobs', '-n', TEAM]);
  await kubectl(stage, ['events', '-n', TEAM, '--for', 'outlookprovider/dora']);
  screen.line();
  screen.note('She signs in; the application puts the new grant into the Secret; nothing is restarted:');
  dora.mailbox.grants.signIn();
  await watching(world, screen, async () => {
    await succeed(world.plane, ['apply', '-f', '-'], documents([grantOf(dora)]));
    await until(stage, 'Dora is connected again', (all) => {
      const one = all.find(({ name }) => name === 'dora');
      return condition(one, 'Ready') === 'True' && one?.cursor === 'Steady';
    });
  });
}

/** Changes in Outlook, picked up by the next run of the schedule. */
export async function followOutlook(stage: ClusterStage): Promise<void> {
  const { screen, world, signal } = stage;
  const { ada } = world.people;
  const { rounds } = outlookDay(ada.mailbox);
  const changes = await changesOf(world, rounds.flat().slice(0, 6));
  const changedAt = new Date().toISOString();
  screen.note('Ada works in Outlook. The schedule fires at the full minute:');
  await watching(world, screen, () =>
    until({ world, signal }, 'Ada is synced after her changes', (all) => {
      const one = all.find(({ name }) => name === 'ada');
      const since = (one?.lastAttemptAt ?? '') > changedAt;
      return since && one?.phase === 'Connected' && one.lastTrigger === 'schedule';
    }),
  );
  screen.line();
  await showChanges({ screen, world }, changes);
}

/** All mailboxes in one list: what the tables are for. */
export async function showUnifiedInbox({ screen, world }: ClusterStage): Promise<void> {
  await showInbox({ screen, world });
}

/** Every mailbox, message by message. Returns how many rows were compared. */
export async function assertAllMirrored({ database, people }: ClusterWorld): Promise<number> {
  let rows = 0;
  for (const { name, mailbox } of Object.values(people)) {
    const expected = expectedRows(mailbox);
    const found = await storedRows(database, mailbox.email);
    if (!isDeepStrictEqual(found, expected))
      throw new Error(
        `The mailbox of ${name} has ${expected.length} messages, its rows differ (${found.length}).`,
      );
    rows += found.length;
  }
  return rows;
}
