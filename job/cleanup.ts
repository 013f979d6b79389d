import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { DatabasePool } from 'slonik';
import type { CleanupSettings, Parsed, Settings } from './config.ts';
import { Interrupted, SyncError } from './errors.ts';
import { runIdentity } from './exclusivity.ts';
import { type Clock, sleepUntil } from './graph/gate.ts';
import { LeaseGuard } from './guard.ts';
import { type Unsubscribed, unsubscribe } from './push/unsubscribe.ts';
import { findOwner, type Owner, type Removed, removeProvider, retainProvider } from './store/cleanup.ts';
import { acquireLease, type Lease, leaseLost } from './store/lease.ts';
import { assertMigrated } from './store/migrate.ts';
import { openPool } from './store/pool.ts';

/**
 * Removes a mailbox: its subscription at Graph, then its rows, unless they are to be retained. Under the provider's
 * lease: a sync that is under way is waited for. What is not there, or is not this mailbox, is left alone, and that is
 * a success: nothing of it is left to remove.
 */
export interface CleanupClaim {
  readonly providerId: string;
  /** Where given, the row must be theirs. */
  readonly email: string | null;
  readonly userId: string | null;
}

export interface CleanupRequest {
  readonly settings: CleanupSettings;
  readonly claim: CleanupClaim;
  /** Only the subscription goes. */
  readonly retain: boolean;
  /** What a sync would need, as far as it is there. */
  readonly unsubscribing: Parsed<Settings>;
  readonly log: Logger;
  /** Aborted on SIGTERM. */
  readonly signal: AbortSignal;
}

export interface CleanupSummary {
  readonly status: 'cleaned';
  readonly providerId: string;
  readonly removed: { readonly messages: number; readonly labels: number };
  readonly provider: Removed['provider'] | 'retained' | 'absent' | 'untouched';
  /** Graph's; `left` where it may be there still, until it ends by itself. */
  readonly subscription: Unsubscribed;
  readonly durationMs: number;
}

/** @throws SyncError; Interrupted when it was told to stop before all was removed */
export async function cleanUp(request: CleanupRequest): Promise<CleanupSummary> {
  const { settings, claim, log, signal } = request;
  const started = Date.now();
  const deadline = started + settings.OUTLOOK_SYNC_DEADLINE_SECONDS * 1000;
  const clock: Clock = { now: Date.now, random: Math.random, signal, deadline };
  const idleInTransaction = settings.OUTLOOK_SYNC_LEASE_SECONDS * 1000;
  const pool = await openPool({ databaseUrl: settings.DATABASE_URL, idleInTransaction, connections: 2 });
  try {
    await assertMigrated(pool);
    const { provider, subscription, ...removed } = await remove(pool, request, clock);
    log.info({ provider, subscription, ...removed }, 'Cleaned up after the mailbox');
    const durationMs = Date.now() - started;
    const { providerId } = claim;
    return { status: 'cleaned', providerId, removed, provider, subscription, durationMs };
  } finally {
    await pool.end().catch(() => undefined);
  }
}

type Outcome = Pick<Removed, 'messages' | 'labels'> & Pick<CleanupSummary, 'provider' | 'subscription'>;

const nothingThere = { messages: 0, labels: 0, provider: 'absent', subscription: 'absent' } as const;

async function remove(pool: DatabasePool, request: CleanupRequest, clock: Clock): Promise<Outcome> {
  const { claim, log } = request;
  const owner = await findOwner(pool, claim.providerId);
  if (owner === null) return nothingThere;
  if (!isOurs(owner, claim)) {
    log.warn('The row is of another type or owner; it was left alone');
    return { ...nothingThere, provider: 'untouched' };
  }
  const lease = await takeLease(pool, request, clock);
  if (lease === null) return nothingThere;
  const stop = new AbortController();
  const guard = new LeaseGuard({ pool, lease, log, onLost: () => stop.abort() });
  const { signal } = stop;
  try {
    const goOn = (): void => {
      if (signal.aborted) throw leaseLost();
      if (clock.signal.aborted || clock.now() >= clock.deadline) throw new Interrupted('Told to stop');
    };
    const guarded = { ...clock, signal: AbortSignal.any([clock.signal, signal]) };
    const subscription = await unsubscribe({ ...request, pool, lease, clock: guarded });
    goOn();
    if (!request.retain) return { ...(await removeProvider(pool, lease, goOn)), subscription };
    await retainProvider(pool, lease);
    return { ...nothingThere, provider: 'retained', subscription };
  } finally {
    guard.stop();
  }
}

function isOurs(owner: Owner, { email, userId }: CleanupClaim): boolean {
  const sameAddress = email === null || owner.email.toLowerCase() === email.toLowerCase();
  return owner.type === 'OUTLOOK' && sameAddress && (userId === null || owner.userId === userId);
}

const pollMs = 500;

/** Waits for a run under way; null when the row went in the meantime. */
async function takeLease(
  pool: DatabasePool,
  { settings, claim, log }: CleanupRequest,
  clock: Clock,
): Promise<Lease | null> {
  const { providerId } = claim;
  const request = {
    providerId,
    holder: runIdentity(hostname()),
    seconds: settings.OUTLOOK_SYNC_LEASE_SECONDS,
  };
  for (let tries = 1; ; tries += 1) {
    if ((await findOwner(pool, providerId)) === null) return null;
    const taken = await acquireLease(pool, request, { asksForPass: false });
    if (taken.acquired) return taken.lease;
    if (tries === 1) log.info({ holder: taken.holder }, 'Waiting for a run that is under way');
    if (clock.now() >= clock.deadline) {
      throw new SyncError(
        'LeaseLost',
        'Another run did not give back the lease in time; nothing was removed',
      );
    }
    await sleepUntil(clock.now() + pollMs, clock);
  }
}
