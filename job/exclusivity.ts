import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { DatabasePool } from 'slonik';
import type { RunReport } from '../api/runReport.ts';
import type { Clock } from './graph/gate.ts';
import { type Acquisition, acquireLease, askForPass, type KubernetesFence } from './store/lease.ts';

/**
 * One run at a time. In a cluster two leases stand in a row: the one of Kubernetes, which tells at once when a holder
 * is dead, then the one in Postgres, which is the fence. The second alone keeps two runs apart, too, so a run without
 * a cluster, or one that its API server does not answer, has that one only.
 */

export interface Counts {
  readonly upserted: number;
  readonly removed: number;
  readonly stored: number;
}

/** What a cluster adds to a run: a Lease, and a resource that shows how the run goes. */
export interface Cluster {
  /** Unique among all runs; says who holds a lease. */
  readonly identity: string;
  /** Takes the Lease, or tells that it is held already. */
  takeLease(signal: AbortSignal): Promise<Standing>;
  isHeld(): boolean;
  /** Called once when the Lease is lost. */
  onLost(listener: () => void): void;
  /** Both leases are held. */
  begin(startedAt: Date, progress: () => Promise<Counts>): void;
  /** When Graph last told of the subscription itself, as far as the resource says; some seconds at most. */
  subscriptionEventAt(): Promise<Date | null>;
  /** The run has ended; gives the Lease back. Resolves to whether the resource says so. Never rejects. */
  end(report: RunReport, quarantined: number): Promise<boolean>;
}

export type Standing =
  /** Without a fence where Kubernetes could not be asked. */
  | { readonly acquired: true; readonly fence: KubernetesFence | null }
  | { readonly acquired: false; readonly holder: string };

export interface ExclusivityRequest {
  readonly providerId: string;
  readonly seconds: number;
  readonly clock: Clock;
  readonly cluster: Cluster | undefined;
  /** What `cluster.takeLease` said. */
  readonly standing: Standing | undefined;
}

/**
 * Takes the lease in Postgres after that of Kubernetes. Where another run holds the latter, it is asked for one more
 * pass; one that is so near its end that it would not hear is waited for.
 */
export async function takeLeases(pool: DatabasePool, request: ExclusivityRequest): Promise<Acquisition> {
  const { providerId, seconds, cluster } = request;
  if (!cluster) return acquireLease(pool, { providerId, seconds, holder: runIdentity(hostname()) });
  const standing = await settled(pool, cluster, request);
  if (!standing.acquired) return standing;
  const { fence: kubernetes } = standing;
  const holder = cluster.identity;
  const guarded = kubernetes && { kubernetes, isGuarded: () => cluster.isHeld() };
  return acquireLease(pool, { providerId, holder, seconds, ...guarded });
}

async function settled(
  pool: DatabasePool,
  cluster: Cluster,
  { providerId, clock, standing }: ExclusivityRequest,
): Promise<Standing> {
  let current = standing ?? (await cluster.takeLease(clock.signal));
  while (!current.acquired) {
    const hears = (await askForPass(pool, providerId)) !== null;
    if (hears || clock.now() >= clock.deadline) return current;
    current = await cluster.takeLease(clock.signal);
  }
  return current;
}

/** @param where the machine or pod */
export function runIdentity(where: string): string {
  return `${where}/${process.pid}/${randomBytes(4).toString('hex')}`;
}
