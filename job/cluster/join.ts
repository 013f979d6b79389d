import type { Logger } from 'pino';
import { type Connection, inClusterConnection } from '../../kube/connection.ts';
import type { Problem, Settings } from '../config.ts';
import type { Cluster } from '../exclusivity.ts';
import { ClusterRun } from './clusterRun.ts';
import { readSurroundings } from './surroundings.ts';

/** A run's place in a cluster, from the environment that its pod was given; or everything that is wrong with it. */
type Joined =
  | { readonly ok: true; readonly start: (settings: Settings, log: Logger) => Cluster }
  | { readonly ok: false; readonly problems: Problem[] };

export function joinCluster(env: NodeJS.ProcessEnv): Joined {
  const read = readSurroundings(env);
  const connection = connect(env);
  if (!read.ok || 'problem' in connection) {
    const problems = [...(read.ok ? [] : read.problems), ...('problem' in connection ? [connection] : [])];
    return { ok: false, problems };
  }
  const start = (settings: Settings, log: Logger): Cluster => {
    const { OUTLOOK_SYNC_TRIGGER: trigger } = settings;
    const leaseSeconds = promisedSeconds(settings);
    return new ClusterRun({ surroundings: read.value, connection, trigger, leaseSeconds, log });
  };
  return { ok: true, start };
}

type Times = Pick<Settings, 'OUTLOOK_SYNC_LEASE_SECONDS' | 'OUTLOOK_SYNC_DEADLINE_SECONDS'>;

/**
 * How long the Lease is promised for. That its holder is dead a run has to see with its own eyes, and for as long as
 * the holder promised: a promise of more than a run lasts would never be over.
 */
export function promisedSeconds(settings: Times): number {
  const { OUTLOOK_SYNC_LEASE_SECONDS: asked, OUTLOOK_SYNC_DEADLINE_SECONDS: deadline } = settings;
  return Math.min(asked, Math.floor(deadline / 2));
}

function connect(env: NodeJS.ProcessEnv): Connection | Problem {
  try {
    return inClusterConnection(env);
  } catch (error) {
    // Its words are safe to show: it names a variable or a file.
    const problem = error instanceof Error ? error.message : 'there is no service account';
    return { name: 'the service account', problem, example: 'automountServiceAccountToken: true' };
  }
}
