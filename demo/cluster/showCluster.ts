// The whole system on a real control plane, from nothing to mailboxes that follow Outlook.
import type { Show } from '../show.ts';
import {
  applyProviders,
  assertAllMirrored,
  type ClusterStage,
  followOutlook,
  install,
  showDeadGrant,
  showUnifiedInbox,
} from './acts.ts';
import { lookAroundLines } from './lookAround.ts';
import { showPush } from './push.ts';
import { buildClusterWorld } from './world.ts';

const ACTS: readonly (readonly [title: string, act: (stage: ClusterStage) => Promise<void>])[] = [
  ['1. Install', install],
  ['2. kubectl apply', applyProviders],
  ['3. A dead grant', showDeadGrant],
  ['4. Things change in Outlook', followOutlook],
  ['5. The inbox of all mailboxes', showUnifiedInbox],
  ['6. Push', showPush],
];

/** Shows it all; what it built is gone when this resolves. */
export async function showCluster({ screen, messages, signal, keepUp }: Show): Promise<void> {
  screen.line('Starting etcd, a Kubernetes API server, a node, Postgres and a simulated Microsoft Graph ...');
  const world = await buildClusterWorld(messages, (line) => screen.line(line));
  try {
    for (const [title, act] of ACTS) {
      signal.throwIfAborted();
      screen.heading(title);
      await act({ screen, world, signal });
    }
    const rows = await assertAllMirrored(world);
    screen.line();
    screen.line(
      screen.style('green', `✔ The tables hold the mailboxes, message by message: ${rows} rows compared.`),
    );
    screen.line();
    await keepUp(lookAroundLines(world));
  } finally {
    screen.clear();
    await world.close();
  }
}
