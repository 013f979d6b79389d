/** What Graph accepts as a subscription to messages (Graph docs: subscription resource type). Pure. */
import { refuse } from './graphError.ts';

const LONGEST_CLIENT_STATE = 128;
const CHANGE_TYPES = ['created', 'updated', 'deleted'];

/** Whatever a client may say of a subscription; a misspelt property must not pass for an omitted one. */
const CREATABLE = [
  'changeType',
  'notificationUrl',
  'lifecycleNotificationUrl',
  'resource',
  'expirationDateTime',
  'clientState',
  'latestSupportedTlsVersion',
  'includeResourceData',
];

export interface SubscriptionOptions {
  /** Default 4230: sources disagree up to 10,080, and the stricter is the one a client can rely on. */
  longestSubscriptionMinutes?: number;
  /** Default 45: whoever asks for less is given that much. 0: as asked. */
  shortestSubscriptionMinutes?: number;
  /** Beyond the longest life; default `refused`. `shortened`: granted as far as it goes. */
  tooLongSubscriptions?: 'refused' | 'shortened';
  /** Default 1000, of all clients together. */
  subscriptionsPerMailbox?: number;
  /** Entries on a page of the list; default 100. */
  subscriptionsPerPage?: number;
  /** Renewing one that is gone; default 404. 400: `ErrorInvalidParameter`, as has been reported. */
  renewalOfGone?: 404 | 400;
  /** How long a receiver may take to answer the handshake; default 10,000. */
  handshakeMs?: number;
}

export type SubscriptionSettings = Required<SubscriptionOptions>;

export function subscriptionSettings(options: SubscriptionOptions): SubscriptionSettings {
  return {
    longestSubscriptionMinutes: options.longestSubscriptionMinutes ?? 4230,
    shortestSubscriptionMinutes: options.shortestSubscriptionMinutes ?? 45,
    tooLongSubscriptions: options.tooLongSubscriptions ?? 'refused',
    subscriptionsPerMailbox: options.subscriptionsPerMailbox ?? 1000,
    subscriptionsPerPage: options.subscriptionsPerPage ?? 100,
    renewalOfGone: options.renewalOfGone ?? 404,
    handshakeMs: options.handshakeMs ?? 10_000,
  };
}

export interface SubscriptionTerms {
  changeType: string;
  notificationUrl: string;
  lifecycleNotificationUrl?: string;
  /** As the client wrote it. */
  resource: string;
  expirationDateTime: string;
  clientState?: string;
}

export type Body = Readonly<Record<string, unknown>>;

function invalid(message: string): never {
  refuse(400, 'InvalidRequest', message);
}

function onlyKnown(body: Body, known: readonly string[]): void {
  const unknown = Object.keys(body).find((name) => !known.includes(name) && !name.includes('@odata.'));
  if (unknown !== undefined)
    refuse(
      400,
      'BadRequest',
      `The property '${unknown}' cannot be set on type 'microsoft.graph.subscription'.`,
    );
}

function text(body: Body, name: string): string {
  const value = body[name];
  return typeof value === 'string' && value !== '' ? value : invalid(`The property '${name}' is required.`);
}

/** HTTPS only, as Graph; plain HTTP on loopback is let through for tests. */
function url(value: string): string {
  const parsed = URL.canParse(value) ? new URL(value) : invalid(`'${value}' is not a URL.`);
  const loopback = ['127.0.0.1', 'localhost', '[::1]'].includes(parsed.hostname);
  if (parsed.protocol !== 'https:' && !(parsed.protocol === 'http:' && loopback))
    invalid('The URL must use HTTPS.');
  return value;
}

/** The expiry that is granted, `now` in ms; refuses what lies in the past, and what lies beyond the limit. */
function readExpiry(body: Body, now: number, settings: SubscriptionSettings): string {
  const { longestSubscriptionMinutes: most, shortestSubscriptionMinutes: least } = settings;
  const at = Date.parse(text(body, 'expirationDateTime'));
  if (Number.isNaN(at) || at <= now) invalid('Subscription expiration must be a time in the future.');
  if (at > now + most * 60_000 && settings.tooLongSubscriptions === 'refused') {
    const message = `Subscription expiration can only be ${most} minutes in the future.`;
    refuse(400, 'ErrorInvalidParameter', message);
  }
  return new Date(Math.min(Math.max(at, now + least * 60_000), now + most * 60_000)).toISOString();
}

/** The new expiry of a subscription. Nothing else of it can be changed here, its lifecycle URL never. */
export function readRenewal(body: Body, now: number, settings: SubscriptionSettings): string {
  onlyKnown(body, ['expirationDateTime']);
  return readExpiry(body, now, settings);
}

export function readTerms(body: Body, now: number, settings: SubscriptionSettings): SubscriptionTerms {
  onlyKnown(body, CREATABLE);
  const changeType = text(body, 'changeType');
  if (!changeType.split(',').every((name) => CHANGE_TYPES.includes(name)))
    invalid(`Invalid changeType '${changeType}'.`);
  if (body['includeResourceData'] === true) invalid("The property 'encryptionCertificate' is required.");
  const terms: SubscriptionTerms = {
    changeType,
    notificationUrl: url(text(body, 'notificationUrl')),
    resource: text(body, 'resource'),
    expirationDateTime: readExpiry(body, now, settings),
  };
  if (body['lifecycleNotificationUrl'] !== undefined) {
    terms.lifecycleNotificationUrl = url(text(body, 'lifecycleNotificationUrl'));
  }
  if (body['clientState'] !== undefined) {
    terms.clientState = text(body, 'clientState');
    if (terms.clientState.length > LONGEST_CLIENT_STATE)
      invalid('clientState is longer than 128 characters.');
  }
  return terms;
}
