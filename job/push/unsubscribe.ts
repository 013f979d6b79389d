import type { Logger } from 'pino';
import type { DatabasePool } from 'slonik';
import { graphClient } from '../assemble.ts';
import type { Parsed, Settings } from '../config.ts';
import { Interrupted, SyncError, toSyncError } from '../errors.ts';
import type { Clock } from '../graph/gate.ts';
import { openAgent } from '../graph/http.ts';
import { Subscriptions } from '../graph/subscriptions.ts';
import type { Lease } from '../store/lease.ts';
import { loadSubscription } from '../store/subscription.ts';
import { removeLeftovers, removeOne } from './removal.ts';
import { urlsOf } from './target.ts';

/**
 * Graph's subscription before its provider goes: deleted as far as that can be had. Left alone it ends by itself, in
 * three days at most, and until then its notifications find nobody; so nothing that stands in the way here keeps a
 * provider from going.
 */
export interface UnsubscribeRequest {
  readonly pool: DatabasePool;
  readonly lease: Lease;
  /** Of a sync of this provider; a cleanup may have less than that. */
  readonly unsubscribing: Parsed<Settings>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What became of it; `left` where it may be there still. */
export type Unsubscribed = 'deleted' | 'absent' | 'left';

/** Milliseconds; of the time that is left, a quarter at most: the rest is for the rows. */
const longest = 60_000;

/** @throws SyncError `LeaseLost` or of the database; Interrupted when the cleanup is to stop */
export async function unsubscribe(request: UnsubscribeRequest): Promise<Unsubscribed> {
  const { pool, lease, unsubscribing, log } = request;
  const id = (await loadSubscription(pool, lease.providerId))?.id ?? null;
  if (!unsubscribing.ok) {
    const variables = unsubscribing.problems.map(({ name }) => name);
    if (id !== null) log.warn({ variables }, 'Left the subscription at Graph: variables are missing');
    return id === null ? 'absent' : 'left';
  }
  const settings = unsubscribing.value;
  const ours = urlsOf(settings, lease.providerId)?.notificationUrl ?? null;
  if (id === null && ours === null) return 'absent';
  return ask({ ...request, settings }, id, ours).catch((error: unknown) => afterFailure(request, error));
}

function afterFailure({ clock, log }: UnsubscribeRequest, error: unknown): Unsubscribed {
  if (clock.signal.aborted) throw new Interrupted('Stopped while unsubscribing', { cause: error });
  const inTime = new SyncError('GraphTimeout', 'Graph did not answer in time');
  const meaning = error instanceof Interrupted ? inTime : toSyncError(error);
  const { code, message: reason } = meaning;
  if (code === 'LeaseLost') throw meaning;
  log.warn({ code, reason }, 'Could not make sure that the subscription at Graph is gone');
  return 'left';
}

async function ask(
  request: UnsubscribeRequest & { settings: Settings },
  id: string | null,
  ours: string | null,
): Promise<Unsubscribed> {
  const { settings, clock, log } = request;
  const limit = Math.max(0, Math.min(longest, (clock.deadline - clock.now()) / 4));
  const signal = AbortSignal.any([clock.signal, AbortSignal.timeout(Math.ceil(limit))]);
  const bounded: Clock = { ...clock, signal, deadline: clock.now() + limit };
  const agent = openAgent(settings.OUTLOOK_SYNC_REQUEST_TIMEOUT_MS);
  try {
    const subscriptions = new Subscriptions(graphClient({ ...request, clock: bounded, agent }));
    const one = id === null ? 'absent' : await removeOne(subscriptions, id);
    const leftovers = ours === null ? 0 : await removeLeftovers(subscriptions, ours, log);
    return leftovers > 0 ? 'deleted' : one;
  } finally {
    await agent.destroy();
  }
}
