/**
 * POST, GET, PATCH and DELETE of /subscriptions (Graph docs: subscription resource type). A delegated bearer sees the
 * subscriptions to its own mailbox, an app-only one those to every mailbox. What they are told is push.ts's.
 */
import { MAILBOX_SCOPE } from './changeLog.ts';
import { readPreferences } from './context.ts';
import { refuse, type Reply } from './graphError.ts';
import { shakeHands } from './handshake.ts';
import { guid } from './ids.ts';
import type { AccessToken } from './login.ts';
import type { SimulatedMailbox } from './mailbox.ts';
import { Poster } from './poster.ts';
import { parseQuery } from './query.ts';
import {
  authenticate,
  mailboxAndRest,
  pathSegments,
  type GraphRequest,
  type GraphService,
} from './routes.ts';
import type { Subscription, SubscriptionRegister } from './subscriptionRegister.ts';
import { readRenewal, readTerms, type Body, type SubscriptionTerms } from './subscriptionTerms.ts';

export interface SubscriptionRecord extends SubscriptionTerms {
  id: string;
  mailbox: string;
  /** Waits to be authorised anew. */
  withheld: boolean;
}

const GONE = 'The object was not found.';

function parse(body: string): Body {
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

function isVisible(subscription: Subscription, token: AccessToken): boolean {
  return (token.mailbox ?? subscription.mailbox) === subscription.mailbox;
}

export class Subscriptions {
  readonly #service: GraphService;
  readonly #register: SubscriptionRegister;
  /** Handshakes wait for no notification. */
  readonly #poster = new Poster(Infinity);
  #count = 0;

  constructor(service: GraphService, register: SubscriptionRegister) {
    this.#service = service;
    this.#register = register;
  }

  /** Whether a path is one of ours. */
  static owns(path: string): boolean {
    return /^\/v1\.0\/subscriptions(\/|$)/i.test(path);
  }

  /** Throws a GraphRefusal for what Graph refuses. */
  async answer(request: GraphRequest, body: string): Promise<Reply> {
    const token = authenticate(this.#service, request.headers);
    const [, id, action] = pathSegments(request.path);
    if (id === undefined) {
      if (request.method === 'POST') return this.#create(request, parse(body));
      if (request.method === 'GET') return this.#list(request, token);
      return refuse(405, 'BadRequest', 'Method not allowed.');
    }
    const found = this.#register.find(id);
    const subscription = found !== undefined && isVisible(found, token) ? found : undefined;
    if (action === undefined) return this.#actOn(subscription, request, body);
    if (action.toLowerCase() !== 'reauthorize')
      refuse(400, 'BadRequest', `Resource not found for the segment '${action}'.`);
    if (request.method !== 'POST') refuse(405, 'BadRequest', 'Method not allowed.');
    if (subscription === undefined) return refuse(404, 'ResourceNotFound', GONE);
    subscription.withheld = false;
    return { status: 204, headers: {}, body: undefined };
  }

  #actOn(subscription: Subscription | undefined, request: GraphRequest, body: string): Reply {
    const { method } = request;
    if (!['GET', 'PATCH', 'DELETE'].includes(method)) refuse(405, 'BadRequest', 'Method not allowed.');
    if (subscription === undefined) {
      const { renewalOfGone } = this.#service.settings.subscriptions;
      if (method === 'PATCH' && renewalOfGone === 400)
        return refuse(400, 'ErrorInvalidParameter', 'The subscription is not valid.');
      return refuse(404, 'ResourceNotFound', GONE);
    }
    if (method === 'DELETE') {
      this.#register.remove(subscription.id);
      return { status: 204, headers: {}, body: undefined };
    }
    if (method === 'PATCH') this.#renew(subscription, parse(body));
    return { status: 200, headers: {}, body: this.#entity(request, subscription) };
  }

  /** Renewing also authorises anew. */
  #renew(subscription: Subscription, body: Body): void {
    const { settings, clock } = this.#service;
    subscription.terms.expirationDateTime = readRenewal(body, clock(), settings.subscriptions);
    subscription.withheld = false;
  }

  /** A page; no option but the link's own is taken (Graph docs: list subscriptions). */
  #list(request: GraphRequest, token: AccessToken): Reply {
    const { settings } = this.#service;
    const size = settings.subscriptions.subscriptionsPerPage;
    const after = readPageToken(request.query);
    const rest = this.#register.all().filter((one) => one.serial > after && isVisible(one, token));
    const page = rest.slice(0, size);
    const last = page.at(-1)?.serial ?? 0;
    const origin = settings.relativeLinks ? '' : request.origin;
    const body = {
      '@odata.context': `${request.origin}/v1.0/$metadata#subscriptions`,
      // The list alone keeps the clientState to itself.
      value: page.map((one) => ({ ...viewOf(one), clientState: null })),
      ...(rest.length > size ? { '@odata.nextLink': `${origin}${request.path}?$skiptoken=p${last}` } : {}),
    };
    return { status: 200, headers: {}, body };
  }

  async #create(request: GraphRequest, body: Body): Promise<Reply> {
    const { settings, clock } = this.#service;
    const limits = settings.subscriptions;
    const terms = readTerms(body, clock(), limits);
    const { mailbox, scope } = this.#target(request, terms.resource);
    const number = ++this.#count;
    const token = `Validation: Testing client application reachability for subscription ${number} + & ü`;
    await shakeHands(this.#poster, terms.notificationUrl, token, limits.handshakeMs);
    if (terms.lifecycleNotificationUrl !== undefined)
      await shakeHands(this.#poster, terms.lifecycleNotificationUrl, token, limits.handshakeMs);
    if (this.#register.of(mailbox).length >= limits.subscriptionsPerMailbox) {
      const reason = 'Status Code: Forbidden; Reason: Maximum number of subscriptions has been reached';
      refuse(403, 'ExtensionError', `Operation: Create; Exception: [${reason}]`);
    }
    const subscription = this.#register.add({
      id: guid(settings.seed, 'subscription', number),
      terms,
      mailbox,
      scope,
      immutable: readPreferences(request.headers['prefer'], settings.immutableIds).immutable,
      told: mailbox.log.sequence,
      withheld: false,
    });
    return { status: 201, headers: {}, body: this.#entity(request, subscription) };
  }

  #entity(request: GraphRequest, subscription: Subscription): object {
    return {
      '@odata.context': `${request.origin}/v1.0/$metadata#subscriptions/$entity`,
      ...viewOf(subscription),
    };
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
    return this.#register
      .all()
      .map(({ id, terms, mailbox, withheld }) => ({ id, ...terms, mailbox: mailbox.email, withheld }));
  }

  close(): Promise<void> {
    return this.#poster.close();
  }
}

/** The serial after which the page begins. */
function readPageToken(query: string): number {
  const options = parseQuery(query);
  const unknown = [...options.keys()].find((name) => name !== '$skiptoken');
  if (unknown !== undefined)
    refuse(400, 'BadRequest', `The query option '${unknown}' is not supported on this resource.`);
  const token = options.get('$skiptoken');
  const serial = /^p(\d{1,9})$/.exec(token ?? 'p0')?.[1];
  return serial === undefined ? refuse(400, 'BadRequest', 'The skiptoken is not valid.') : Number(serial);
}

function viewOf({ id, terms, mailbox }: Subscription): object {
  return {
    id,
    ...terms,
    clientState: terms.clientState ?? null,
    lifecycleNotificationUrl: terms.lifecycleNotificationUrl ?? null,
    applicationId: guid('simulated application'),
    creatorId: mailbox.userId,
    latestSupportedTlsVersion: 'v1_2',
    includeResourceData: null,
    notificationContentType: 'application/json',
  };
}
