/** What Graph accepts as a subscription to messages (Graph docs: subscription resource type). Pure. */
import { refuse } from './graphError.ts';

/** Sources disagree between 4,230 and 10,080 minutes; the stricter is the one a client can rely on. */
const LONGEST_MINUTES = 4230;
const LONGEST_CLIENT_STATE = 128;
const CHANGE_TYPES = ['created', 'updated', 'deleted'];

export interface SubscriptionTerms {
  changeType: string;
  notificationUrl: string;
  lifecycleNotificationUrl?: string;
  /** As the client wrote it. */
  resource: string;
  expirationDateTime: string;
  clientState?: string;
}

function invalid(message: string): never {
  refuse(400, 'InvalidRequest', message);
}

function text(body: Record<string, unknown>, name: string): string {
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

/** An expiry in the future and not beyond the limit, `now` in ms. */
export function readExpiry(body: Record<string, unknown>, now: number): string {
  const written = text(body, 'expirationDateTime');
  const at = Date.parse(written);
  if (Number.isNaN(at) || at <= now) invalid('Subscription expiration must be a time in the future.');
  if (at > now + LONGEST_MINUTES * 60_000) {
    refuse(
      400,
      'ErrorInvalidParameter',
      `Subscription expiration can only be ${LONGEST_MINUTES} minutes in the future.`,
    );
  }
  return new Date(at).toISOString();
}

export function readTerms(body: Record<string, unknown>, now: number): SubscriptionTerms {
  const changeType = text(body, 'changeType');
  if (!changeType.split(',').every((name) => CHANGE_TYPES.includes(name)))
    invalid(`Invalid changeType '${changeType}'.`);
  const terms: SubscriptionTerms = {
    changeType,
    notificationUrl: url(text(body, 'notificationUrl')),
    resource: text(body, 'resource'),
    expirationDateTime: readExpiry(body, now),
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
