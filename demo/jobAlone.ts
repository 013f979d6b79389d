// The job alone, without a cluster: from an empty database to an inbox that follows Outlook.
import { firstSync, migrate, type Stage } from './firstSync.ts';
import { showInbox, showLabels } from './inbox.ts';
import { assertMirrored, laterSyncs } from './laterSyncs.ts';
import { exportLines, playgroundLines, psqlCommand } from './playground.ts';
import type { Show } from './show.ts';
import { buildWorld } from './world.ts';

/** All acts, in order; throws when one of them did not happen as it should. */
async function perform(stage: Stage): Promise<void> {
  const { screen, world, signal } = stage;
  const acts: readonly (readonly [title: string, act: (stage: Stage) => Promise<void>])[] = [
    ['1. An empty database', migrate],
    ['2. The first sync, in several runs', firstSync],
    ['3. Things change in Outlook', laterSyncs],
    ['4. The inbox', showInbox],
    ['5. The labels', showLabels],
  ];
  for (const [title, act] of acts) {
    signal.throwIfAborted();
    screen.heading(title);
    await act(stage);
  }
  const count = await assertMirrored(world);
  screen.line();
  screen.line(
    screen.style('green', `✔ The tables hold the mailbox, message by message: ${count} rows compared.`),
  );
}

function introduce({ screen, world }: Stage): void {
  const { mailbox, simulator } = world;
  screen.line(`Postgres:  ${psqlCommand(world)}`);
  screen.line(`Graph:     ${simulator.graphBaseUrl} (simulated)`);
  const size = `${mailbox.messages().length} messages in ${mailbox.folders().length} folders`;
  screen.line(`Mailbox:   ${mailbox.email}, ${size}`);
  screen.line('The commands below run with this environment:');
  screen.line();
  for (const line of exportLines(world)) screen.note(`  ${line}`);
}

/** Shows it all; what it built is gone when this resolves. */
export async function showJobAlone({ screen, messages, signal, keepUp }: Show): Promise<void> {
  screen.line('Starting Postgres and a simulated Microsoft Graph ...');
  const world = await buildWorld(messages);
  try {
    const stage = { screen, world, signal };
    introduce(stage);
    await perform(stage);
    screen.line();
    await keepUp(playgroundLines(world));
  } finally {
    screen.clear();
    await world.close();
  }
}
