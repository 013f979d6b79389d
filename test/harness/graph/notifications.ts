/** The bodies that Graph posts (Graph docs: changeNotification). Pure. */
import type { Change } from './changeLog.ts';
import { changeKey, guid } from './ids.ts';
import { messageId } from './properties.ts';
import type { Subscription } from './subscriptionRegister.ts';

const KINDS = { added: 'created', updated: 'updated', moved: 'updated', removed: 'deleted' } as const;

export const LIFECYCLE_EVENTS = ['missed', 'subscriptionRemoved', 'reauthorizationRequired'] as const;

export type LifecycleEvent = (typeof LIFECYCLE_EVENTS)[number];

function headOf({ id, terms, mailbox }: Subscription): object {
  return {
    subscriptionId: id,
    subscriptionExpirationDateTime: terms.expirationDateTime,
    tenantId: guid(mailbox.userId, 'tenant'),
    ...(terms.clientState === undefined ? {} : { clientState: terms.clientState }),
  };
}

export function lifecycleOf(subscription: Subscription, lifecycleEvent: LifecycleEvent): object {
  return { ...headOf(subscription), lifecycleEvent };
}

/** Whether the subscriber asked for changes of this kind. */
export function isWanted({ terms }: Subscription, change: Change): boolean {
  return terms.changeType.split(',').includes(KINDS[change.kind]);
}

export function notificationOf(subscription: Subscription, change: Change): object {
  const { mailbox, immutable } = subscription;
  const moves = change.kind === 'moved' ? change.moves + 1 : change.moves;
  const id = messageId(mailbox, change.item, immutable, moves);
  const resource = `Users/${mailbox.userId}/Messages/${id}`;
  const resourceData = {
    '@odata.type': '#Microsoft.Graph.Message',
    '@odata.id': resource,
    '@odata.etag': `W/"${changeKey(mailbox.userId, change.item, change.sequence)}"`,
    id,
  };
  return { ...headOf(subscription), changeType: KINDS[change.kind], resource, resourceData };
}
