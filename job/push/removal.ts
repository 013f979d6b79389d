import type { Logger } from 'pino';
import { pushQuery } from '../../api/pushUrl.ts';
import { type ErrorCode, SyncError } from '../errors.ts';
import type { Refusal } from '../graph/answer.ts';
import type { Subscriptions } from '../graph/subscriptions.ts';
import { isGone, isHandshake, isOurUrl } from '../plan/subscription.ts';

/** Subscriptions that are to be no more. */

/** What Graph refuses, in words that are safe to show. */
export function refusedTo(what: string, refusal: Refusal): SyncError {
  const { status, writtenCode, code } = refusal;
  const named = `${status}${writtenCode === '' ? '' : ` ${writtenCode}`}`;
  const hint =
    code === 'validationerror' || isHandshake(refusal)
      ? ': it cannot reach the webhook, or not shake hands with it'
      : '';
  return new SyncError('GraphRequestRefused', `Graph refused to ${what} (${named})${hint}`);
}

/** @throws SyncError where it may still be there */
export async function removeOne(subscriptions: Subscriptions, id: string): Promise<'deleted' | 'absent'> {
  const refusal = await subscriptions.delete(id);
  if (refusal === null) return 'deleted';
  if (isGone(refusal, 'check')) return 'absent';
  throw refusedTo('delete the subscription', refusal);
}

/**
 * What Graph says of one broken subscription, for as long as it is asked: 401 and 500 among it, though all else is
 * served (OneDrive/onedrive-api-docs#869). Where it means all of Graph, what follows fails likewise.
 */
const undeletable = new Set<ErrorCode>([
  'GraphRequestRefused',
  'GraphUnavailable',
  'GraphResponseInvalid',
  'AccessTokenRejected',
]);

/** As `removeOne`, of one that must not stand in the way of a new one: what Graph does not delete is left. */
export async function discard(subscriptions: Subscriptions, id: string, log: Logger): Promise<void> {
  try {
    await removeOne(subscriptions, id);
    log.info({ subscription: id }, 'Deleted a subscription that is of no use');
  } catch (error) {
    if (!(error instanceof SyncError) || !undeletable.has(error.code)) throw error;
    log.warn({ reason: error.message, subscription: id }, 'A subscription was left to its end');
  }
}

/**
 * Removes what an earlier run has created and was killed before it could keep the id of. What leads elsewhere than to
 * our webhook with our provider is somebody else's.
 * @param ours the notification URL of our own subscription
 */
export async function removeLeftovers(
  subscriptions: Subscriptions,
  ours: string,
  log: Logger,
): Promise<number> {
  const listed = await subscriptions.list();
  if ('ok' in listed) {
    log.warn({ reason: refusedTo('list subscriptions', listed).message }, 'Could not look for leftovers');
    return 0;
  }
  const leftovers = listed.filter((one) => isOurUrl(one.notificationUrl, ours, pushQuery.providerId));
  for (const { id } of leftovers) await discard(subscriptions, id, log);
  return leftovers.length;
}
