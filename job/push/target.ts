import { createHash, randomBytes } from 'node:crypto';
import { readSecrets, signClientState } from '../../api/clientState.ts';
import { type SubscriptionUrls, subscriptionUrls } from '../../api/pushUrl.ts';
import type { Settings } from '../config.ts';

/** What a provider's subscription is to be, from the settings of the run. */
export interface PushTarget {
  readonly urls: SubscriptionUrls;
  /** All messages of the mailbox: the one thing that Graph tells about the mailbox as a whole. */
  readonly resource: string;
  /** A new one for each subscription. */
  readonly clientState: () => string;
  readonly minutes: number;
  /** What the subscription is made for, as a hash: another one is another subscription. */
  readonly terms: string;
}

type PushSettings = Pick<
  Settings,
  | 'OUTLOOK_PUSH_NOTIFICATION_URL'
  | 'OUTLOOK_PUSH_WEBHOOK_TOKEN'
  | 'OUTLOOK_PUSH_CLIENT_STATE_SECRET'
  | 'OUTLOOK_PUSH_SUBSCRIPTION_DURATION_MINUTES'
>;

/** @returns the URLs that are ours, by the first of the tokens; null where no subscription is wanted */
export function urlsOf(settings: PushSettings, providerId: string): SubscriptionUrls | null {
  const base = settings.OUTLOOK_PUSH_NOTIFICATION_URL;
  const [token = ''] = readSecrets(settings.OUTLOOK_PUSH_WEBHOOK_TOKEN);
  return base === undefined ? null : subscriptionUrls(base, providerId, token);
}

/** @param mailboxPath `/me` or `/users/{id}` */
export function pushTarget(
  settings: PushSettings,
  providerId: string,
  mailboxPath: string,
): PushTarget | null {
  const urls = urlsOf(settings, providerId);
  if (urls === null) return null;
  const [secret] = readSecrets(settings.OUTLOOK_PUSH_CLIENT_STATE_SECRET);
  // An address is legible in a path, and Graph's documents write it so.
  const resource = `${mailboxPath.replaceAll('%40', '@')}/messages`;
  const parts = [providerId, urls.notificationUrl, urls.lifecycleNotificationUrl, resource, secret ?? null];
  return {
    urls,
    resource,
    clientState: () =>
      secret === undefined ? randomBytes(32).toString('base64url') : signClientState(secret, providerId),
    minutes: settings.OUTLOOK_PUSH_SUBSCRIPTION_DURATION_MINUTES,
    terms: createHash('sha256').update(JSON.stringify(parts)).digest('hex'),
  };
}
