// Notifications as Graph sends them, made beforehand: for mailboxes whose subscriptions are ours.
import { createHash } from 'node:crypto';
import { signClientState } from '../../../api/clientState.ts';
import { pushPath, subscriptionUrls } from '../../../api/pushUrl.ts';

export const secrets = {
  OUTLOOK_PUSH_WEBHOOK_TOKEN: 'the token of the benchmark',
  OUTLOOK_PUSH_CLIENT_STATE_SECRET: 'the secret of the benchmark',
} as const;

export interface Request {
  readonly path: string;
  readonly body: string;
}

/** Graph joins what it has for one URL: of five requests, one has so many entries. */
const JOINED = 3;
const EVERY = 5;

/** One request for each of the mailboxes, which are told by the ids of their rows. */
export function notificationsFor(providerIds: readonly string[]): Request[] {
  return providerIds.map((providerId, index) => {
    const { notificationUrl } = subscriptionUrls(
      `http://127.0.0.1${pushPath}`,
      providerId,
      secrets.OUTLOOK_PUSH_WEBHOOK_TOKEN,
    );
    const { pathname, search } = new URL(notificationUrl);
    const clientState = signClientState(secrets.OUTLOOK_PUSH_CLIENT_STATE_SECRET, providerId);
    const count = index % EVERY === 0 ? JOINED : 1;
    const value = Array.from({ length: count }, (_, at) => entryOf(providerId, clientState, at));
    return { path: `${pathname}${search}`, body: JSON.stringify({ value }) };
  });
}

function entryOf(providerId: string, clientState: string, at: number): object {
  const user = uuidOf(`user of ${providerId}`);
  const id = messageIdOf(`${providerId} ${at}`);
  const resource = `Users/${user}/Messages/${id}`;
  return {
    subscriptionId: uuidOf(`subscription of ${providerId}`),
    subscriptionExpirationDateTime: '2026-12-01T00:00:00.0000000Z',
    changeType: 'created',
    resource,
    resourceData: {
      '@odata.type': '#Microsoft.Graph.Message',
      '@odata.id': resource,
      '@odata.etag': `W/"${messageIdOf(`tag of ${id}`).slice(0, 40)}"`,
      id,
    },
    clientState,
    tenantId: uuidOf('the tenant'),
  };
}

const hash = (text: string): Buffer => createHash('sha512').update(text).digest();

function uuidOf(text: string): string {
  const hex = hash(text).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}

/** 152 characters, as of Graph. */
const messageIdOf = (text: string): string =>
  `AAMk${hash(text).toString('base64url')}${hash(`more ${text}`).toString('base64url')}`.slice(0, 152);
