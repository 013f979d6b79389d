import type { PushReport } from '../../api/runReport.ts';
import type { Settings } from '../config.ts';
import { Interrupted, stackOf, SyncError, toSyncError } from '../errors.ts';
import type { Refusal } from '../graph/answer.ts';
import type { GraphClient } from '../graph/client.ts';
import { type Subscription, Subscriptions } from '../graph/subscriptions.ts';
import { isGone, isTold, nextStep, shorterLife, type StoredSubscription } from '../plan/subscription.ts';
import { forgetSubscription, loadSubscription, saveSubscription } from '../store/subscription.ts';
import type { SyncContext } from '../sync/context.ts';
import { discard, refusedTo, removeLeftovers, removeOne } from './removal.ts';
import { type PushTarget, pushTarget } from './target.ts';

/**
 * The step of a run that sees to Graph's subscription: made, renewed, found alive, made anew, or deleted where none is
 * wanted. Nothing of it fails a sync, and it takes no longer than it may. No transaction is open while Graph is asked:
 * it calls the webhook back meanwhile, which may ask anything of anybody.
 */
export interface SubscribeRequest {
  readonly context: Pick<SyncContext, 'pool' | 'lease' | 'client' | 'urls' | 'clock' | 'log'>;
  readonly settings: Settings;
  /** When Graph last told of the subscription itself. */
  readonly eventAt: Date | null;
}

export interface Subscribed {
  readonly report: PushReport;
  /** Of what changed before the subscription was there, or while Graph held notifications back, nobody was told. */
  readonly wantsPass: boolean;
}

/** Milliseconds for all of it; two creations that wait for slow handshakes are well within. */
const longest = 120_000;

/** Requests that ask for less time, of one subscription. */
const mostLives = 6;

const messages = {
  Subscribed: 'Graph notifies the webhook of changes',
  NotConfigured: 'spec.push.enabled is not set, or the installation has no webhook',
} as const;

/** @throws SyncError `LeaseLost`; Interrupted when the run is to stop */
export async function subscribe(request: SubscribeRequest): Promise<Subscribed> {
  const { clock, client, log } = request.context;
  const timeout = AbortSignal.timeout(Math.max(0, Math.min(longest, clock.deadline - clock.now())));
  const signal = AbortSignal.any([clock.signal, timeout]);
  const deadline = Math.min(clock.deadline, clock.now() + longest);
  const keeper = new Keeper(request, client.within({ ...clock, signal, deadline }));
  try {
    const wantsPass = await keeper.run();
    return { wantsPass, report: reportOf(keeper, null) };
  } catch (error) {
    if (clock.signal.aborted) throw new Interrupted('Stopped while subscribing', { cause: error });
    const meaning = timeout.aborted
      ? new SyncError('GraphTimeout', 'The subscription could not be seen to in time')
      : toSyncError(error);
    const { code, message, cause } = meaning;
    if (code === 'LeaseLost') throw meaning;
    if (code === 'InternalError') log.error({ err: stackOf(cause) }, 'A bug');
    log.warn({ code, reason: message }, 'The subscription for push could not be seen to');
    return { wantsPass: false, report: reportOf(keeper, meaning) };
  }
}

function reportOf({ target, standing }: Keeper, failure: SyncError | null): PushReport {
  const subscription = standing && { id: standing.id, expiresAt: standing.expiresAt.toISOString() };
  const reason = target === null ? 'NotConfigured' : failure === null ? 'Subscribed' : 'SubscriptionFailed';
  const told = reason === 'SubscriptionFailed' ? '' : messages[reason];
  const parts = [told, failure?.message ?? ''].filter((part) => part !== '');
  return { reason, message: parts.join('; ').slice(0, 300), ...(subscription && { subscription }) };
}

class Keeper {
  readonly target: PushTarget | null;
  /** The subscription that is known to be there, as far as is known. */
  standing: Subscription | null = null;
  readonly #request: SubscribeRequest;
  readonly #client: GraphClient;
  readonly #subscriptions: Subscriptions;

  constructor(request: SubscribeRequest, client: GraphClient) {
    const { settings, context } = request;
    this.#request = request;
    this.#client = client;
    this.#subscriptions = new Subscriptions(client);
    this.target = pushTarget(settings, context.lease.providerId, context.urls.path);
  }

  /** @returns whether there may be changes that nobody was told of */
  async run(): Promise<boolean> {
    const { settings, eventAt, context } = this.#request;
    const { target } = this;
    const stored = await loadSubscription(context.pool, context.lease.providerId);
    const now = context.clock.now();
    this.standing = alive(stored, now);
    const threshold = settings.OUTLOOK_PUSH_SUBSCRIPTION_RENEW_THRESHOLD_MINUTES * 60_000;
    const step = nextStep({ terms: target?.terms ?? null, stored, eventAt, now, threshold });
    if (target === null) {
      if (stored !== null) await this.#remove(stored.id);
      return false;
    }
    if (stored === null) return this.#make(target);
    if (step === 'create') await discard(this.#subscriptions, stored.id, context.log);
    else if (step === 'renew' ? await this.#renew(target, stored.id) : await this.#check(stored.id)) {
      return isTold(stored.lastRenewedAt, eventAt);
    }
    await this.#forget();
    return this.#make(target);
  }

  async #forget(): Promise<void> {
    const { pool, lease } = this.#request.context;
    await forgetSubscription(pool, lease);
    this.standing = null;
  }

  async #remove(id: string): Promise<void> {
    await removeOne(this.#subscriptions, id);
    await this.#forget();
    this.#request.context.log.info({ subscription: id }, 'Deleted the subscription for push');
  }

  async #check(id: string): Promise<boolean> {
    const answer = await this.#subscriptions.get(id);
    if (!('ok' in answer)) return true;
    if (isGone(answer, 'check')) return false;
    throw refusedTo('show the subscription', answer);
  }

  async #renew(target: PushTarget, id: string): Promise<boolean> {
    const request = (expiresAt: Date): Promise<Subscription | Refusal> =>
      this.#subscriptions.renew(id, expiresAt);
    const renewedAt = new Date(this.#request.context.clock.now());
    const answer = await this.#askForLess(target, request);
    if (!('ok' in answer)) {
      await this.#keep({ ...answer, id }, target, renewedAt);
      this.#request.context.log.info({ subscription: id }, 'Renewed the subscription for push');
      return true;
    }
    if (isGone(answer, 'renew')) return false;
    throw refusedTo('renew the subscription', answer);
  }

  async #make(target: PushTarget): Promise<true> {
    const { context } = this.#request;
    const renewedAt = new Date(context.clock.now());
    for (let tries = 1; ; tries += 1) {
      await removeLeftovers(this.#subscriptions, target.urls.notificationUrl, context.log);
      try {
        const made = await this.#create(target);
        await this.#keep(made, target, renewedAt);
        context.log.info({ subscription: made.id }, 'Subscribed to the mailbox’s changes');
        return true;
      } catch (error) {
        // It may have been made all the same; the next try looks for it first.
        const mayPass = error instanceof SyncError && error.retry === 'retry' && tries < 2;
        if (!mayPass || !(await this.#client.pause(tries, 0))) throw error;
      }
    }
  }

  async #create({ urls, resource, clientState, minutes }: PushTarget): Promise<Subscription> {
    const terms = { ...urls, resource, clientState: clientState() };
    const request = (expiresAt: Date): Promise<Subscription | Refusal> =>
      this.#subscriptions.create(terms, expiresAt);
    const answer = await this.#askForLess({ minutes }, request);
    if ('ok' in answer) throw refusedTo('create the subscription', answer);
    return answer;
  }

  /** For as long as is wanted, or for as long as Graph grants. */
  async #askForLess(
    { minutes: wanted }: Pick<PushTarget, 'minutes'>,
    request: (expiresAt: Date) => Promise<Subscription | Refusal>,
  ): Promise<Subscription | Refusal> {
    for (let [minutes, asked] = [wanted, 1]; ; asked += 1) {
      const answer = await request(new Date(this.#request.context.clock.now() + minutes * 60_000));
      if (!('ok' in answer) || isGone(answer, 'check')) return answer;
      const shorter = shorterLife(answer, minutes);
      if (shorter === null || asked >= mostLives) return answer;
      minutes = shorter;
    }
  }

  async #keep(made: Subscription, { terms }: PushTarget, renewedAt: Date): Promise<void> {
    const { pool, lease } = this.#request.context;
    await saveSubscription(pool, lease, { ...made, renewedAt, terms });
    this.standing = made;
  }
}

function alive(stored: StoredSubscription | null, now: number): Subscription | null {
  const { id, expiresAt } = stored ?? {};
  return id === undefined || !expiresAt || expiresAt.getTime() <= now ? null : { id, expiresAt };
}
