/**
 * The webhook's addresses: a contract with Graph's subscriptions, which keep the URL that they were made with for as
 * long as they live, and with whoever sends hints.
 */
export const pushPath = '/outlook-sync/webhooks/push';
export const lifecyclePath = '/outlook-sync/webhooks/lifecycle';

/** Parameters of the query. */
export const pushQuery = {
  /** The row of email_providers that is meant. */
  providerId: 'providerId',
  /** OUTLOOK_PUSH_WEBHOOK_TOKEN. */
  token: 'token',
  /** Graph's, of the handshake: to be sent back as it is. */
  validationToken: 'validationToken',
} as const;

export interface SubscriptionUrls {
  readonly notificationUrl: string;
  readonly lifecycleNotificationUrl: string;
}

/**
 * The URLs of one provider's subscription: the installation's, with the provider and the token in the query. What
 * stands in the query already stays. The one for lifecycle events differs by its last path segment.
 *
 * @param base OUTLOOK_PUSH_NOTIFICATION_URL
 * @param token empty: none
 */
export function subscriptionUrls(base: string, providerId: string, token: string): SubscriptionUrls {
  const url = new URL(base);
  url.searchParams.set(pushQuery.providerId, providerId);
  if (token !== '') url.searchParams.set(pushQuery.token, token);
  const lifecycle = new URL(url);
  lifecycle.pathname = url.pathname.replace(/[^/]*\/?$/, 'lifecycle');
  return { notificationUrl: url.href, lifecycleNotificationUrl: lifecycle.href };
}
