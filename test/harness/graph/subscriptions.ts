/**
 * Change notifications: POST, GET, PATCH and DELETE of /subscriptions, the validation handshake, and delivery.
 * Nothing is delivered by itself: a test (or the control API) says when, so that order and loss are its choice.
 * A notification is a wake-up call; what it says is no more than an id.
 */
import { MAILBOX_SCOPE, type Change } from './changeLog.ts';
import { readPreferences } from './context.ts';
import { refuse, type Reply } from './graphError.ts';
import { guid } from './ids.ts';
import type { SimulatedMailbox } from './mailbox.ts';
import { messageId } from './properties.ts';
import {
  authenticate,
  mailboxAndRest,
  pathSegments,
  type GraphRequest,
  type GraphService,
} from './routes.ts';
import { readExpiry, readTerms, type SubscriptionTerms } from './subscriptionTerms.ts';

const HANDSHAKE_MS = 10_000;
const KINDS = { added: 'created', updated: 'updated', moved: 'updated', removed: 'deleted' } as const;

export type LifecycleEvent = 'missed' | 'subscriptionRemoved' | 'reauthorizationRequired';

export interface SubscriptionRecord extends SubscriptionTerms {
  id: string;
  mailbox: string;
}

interface Subscription {
  id: string;
  terms: SubscriptionTerms;
  mailbox: SimulatedMailbox;
  scope: string;
  immutable: boolean;
  /** Changes up to this sequence have been delivered. */
  delivered: number;
}

export interface Delivery {
  url: string;
  /** 0 when the receiver could not be reached in time. */
  status: number;
  value: object[];
}

async function post(url: string, init: RequestInit): Promise<{ status: number; type: string; text: string }> {
  try {
    const response = await fetch(url, { method: 'POST', ...init, signal: AbortSignal.timeout(HANDSHAKE_MS) });
    return {
      status: response.status,
      type: response.headers.get('content-type') ?? '',
      text: await response.text(),
    };
  } catch {
    return { status: 0, type: '', text: '' };
  }
}

/** The receiver must echo the decoded token as plain text within ten seconds, while the creation waits. */
async function shakeHands(url: string, token: string): Promise<void> {
  const target = new URL(url);
  target.searchParams.set('validationToken', token);
  const answer = await post(target.href, { headers: { 'content-type': 'text/plain; charset=utf-8' } });
  if (answer.status === 200 && answer.type.startsWith('text/plain') && answer.text === token) return;
  const seen = answer.status === 0 ? 'no answer' : `HTTP ${answer.status}`;
  refuse(
    400,
    'ValidationError',
    `Subscription validation request failed. Notification endpoint gave ${seen}.`,
  );
}

function parse(body: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    refuse(400, 'BadRequest', 'Unable to read JSON request payload.');
  }
  return typeof value === 'object' && value !== null
    ? { ...value }
    : refuse(400, 'BadRequest', 'Send an object.');
}

export class Subscriptions {
  readonly #service: GraphService;
  readonly #all = new Map<string, Subscription>();
  #count = 0;

  constructor(service: GraphService) {
    this.#service = service;
  }

  /** Whether a path is one of ours. */
  static owns(path: string): boolean {
    return /^\/v1\.0\/subscriptions(\/|$)/i.test(path);
  }

  /** Throws a GraphRefusal for what Graph refuses. */
  async answer(request: GraphRequest, body: string): Promise<Reply> {
    const token = authenticate(this.#service, request.headers);
    this.#dropExpired();
    const [, id, action] = pathSegments(request.path);
    if (id === undefined) {
      if (request.method === 'POST') return this.#create(request, parse(body));
      const value = [...this.#all.values()].filter((one) => (token.mailbox ?? one.mailbox) === one.mailbox);
      return { status: 200, headers: {}, body: { value: value.map(recordOf) } };
    }
    const subscription = this.#all.get(id);
    if (subscription === undefined) return refuse(404, 'ResourceNotFound', 'The object was not found.');
    if ((token.mailbox ?? subscription.mailbox) !== subscription.mailbox) {
      return refuse(404, 'ResourceNotFound', 'The object was not found.');
    }
    if (action === 'reauthorize' && request.method === 'POST')
      return { status: 202, headers: {}, body: undefined };
    if (action !== undefined) refuse(400, 'BadRequest', `Resource not found for the segment '${action}'.`);
    return this.#actOn(subscription, request.method, body);
  }

  #actOn(subscription: Subscription, method: string, body: string): Reply {
    if (method === 'DELETE') {
      this.#all.delete(subscription.id);
      return { status: 204, headers: {}, body: undefined };
    }
    if (method === 'PATCH')
      subscription.terms.expirationDateTime = readExpiry(parse(body), this.#service.clock());
    else if (method !== 'GET') refuse(405, 'BadRequest', 'Method not allowed.');
    return { status: 200, headers: {}, body: recordOf(subscription) };
  }

  #dropExpired(): void {
    for (const { id, terms } of this.#all.values()) {
      if (Date.parse(terms.expirationDateTime) <= this.#service.clock()) this.#all.delete(id);
    }
  }

  async #create(request: GraphRequest, body: Record<string, unknown>): Promise<Reply> {
    const terms = readTerms(body, this.#service.clock());
    const { mailbox, scope } = this.#target(request, terms.resource);
    const token = `Validation: Testing client application reachability for subscription ${++this.#count} + & ü`;
    await shakeHands(terms.notificationUrl, token);
    if (terms.lifecycleNotificationUrl !== undefined) await shakeHands(terms.lifecycleNotificationUrl, token);
    const subscription: Subscription = {
      id: guid(this.#service.settings.seed, 'subscription', this.#count),
      terms,
      mailbox,
      scope,
      immutable: readPreferences(request.headers['prefer'], this.#service.settings.immutableIds).immutable,
      delivered: mailbox.log.sequence,
    };
    this.#all.set(subscription.id, subscription);
    return { status: 201, headers: {}, body: recordOf(subscription) };
  }

  /** All messages of a mailbox, or those of one folder; a delegated bearer's own mailbox only. */
  #target(request: GraphRequest, resource: string): { mailbox: SimulatedMailbox; scope: string } {
    const segments = pathSegments(`/v1.0/${resource.replace(/^\//, '').replace(/\?.*$/, '')}`);
    const { mailbox, rest } = mailboxAndRest(
      this.#service,
      authenticate(this.#service, request.headers),
      segments,
    );
    const [first = '', folder = '', last = ''] = rest;
    if (rest.length === 1 && first.toLowerCase() === 'messages') return { mailbox, scope: MAILBOX_SCOPE };
    const found = mailbox.tree.resolve(folder);
    if (
      rest.length === 3 &&
      `${first}/${last}`.toLowerCase() === 'mailfolders/messages' &&
      found !== undefined
    ) {
      return { mailbox, scope: found.id };
    }
    return refuse(400, 'InvalidRequest', `The resource '${resource}' cannot be subscribed to.`);
  }

  list(): SubscriptionRecord[] {
    this.#dropExpired();
    return [...this.#all.values()].map(recordOf);
  }

  /** Lets a subscription vanish, as the service may at any time: renewing it answers 404. */
  forget(id: string): void {
    this.#all.delete(id);
  }

  /** Posts what has changed since the last delivery, one request per URL, mixed across subscriptions. */
  async deliver(): Promise<Delivery[]> {
    this.#dropExpired();
    const byUrl = new Map<string, object[]>();
    for (const subscription of this.#all.values()) {
      const { mailbox, scope, terms } = subscription;
      const changes = mailbox.log.between(scope, subscription.delivered, mailbox.log.sequence);
      subscription.delivered = mailbox.log.sequence;
      const wanted = changes.filter((change) => terms.changeType.split(',').includes(KINDS[change.kind]));
      const value = wanted.map((change) => notificationOf(subscription, change));
      if (value.length > 0)
        byUrl.set(terms.notificationUrl, [...(byUrl.get(terms.notificationUrl) ?? []), ...value]);
    }
    return Promise.all([...byUrl].map(([url, value]) => send(url, value)));
  }

  /** Posts a lifecycle event to the URL given at creation; throws when the subscription has none. */
  async sendLifecycle(id: string, lifecycleEvent: LifecycleEvent): Promise<Delivery> {
    const subscription = this.#all.get(id);
    const url = subscription?.terms.lifecycleNotificationUrl;
    if (subscription === undefined || url === undefined) throw new Error('No such subscription, or no URL.');
    if (lifecycleEvent === 'subscriptionRemoved') this.#all.delete(id);
    return send(url, [{ ...headOf(subscription), lifecycleEvent }]);
  }
}

async function send(url: string, value: object[]): Promise<Delivery> {
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  const { status } = await post(url, { headers, body: JSON.stringify({ value }) });
  return { url, status, value };
}

function recordOf({ id, terms, mailbox }: Subscription): SubscriptionRecord {
  return { id, ...terms, mailbox: mailbox.email };
}

function headOf({ id, terms, mailbox }: Subscription): object {
  return {
    subscriptionId: id,
    subscriptionExpirationDateTime: terms.expirationDateTime,
    tenantId: guid(mailbox.userId, 'tenant'),
    ...(terms.clientState === undefined ? {} : { clientState: terms.clientState }),
  };
}

function notificationOf(subscription: Subscription, change: Change): object {
  const { mailbox, immutable } = subscription;
  const moves = change.kind === 'moved' ? change.moves + 1 : change.moves;
  const id = messageId(mailbox, change.item, immutable, moves);
  const resource = `Users/${mailbox.userId}/Messages/${id}`;
  const resourceData = { '@odata.type': '#Microsoft.Graph.Message', '@odata.id': resource, id };
  return { ...headOf(subscription), changeType: KINDS[change.kind], resource, resourceData };
}
