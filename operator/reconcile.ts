// One provider, looked at again: observe, decide, act, report. It takes a key and no event, and at rest it writes
// nothing. What it has written itself it first waits to see in its caches.
import { randomUUID } from 'node:crypto';
import { conditionTypes } from '../api/conditions.ts';
import type { ProviderStatus } from '../api/providerStatus.ts';
import { fieldManagers, labels, outlookProviders, apiVersion } from '../api/resource.ts';
import { isKubeError, KubeError } from '../kube/errors.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { Log } from '../kube/log.ts';
import { namespaces } from '../kube/resource.ts';
import type { WorkResult } from '../kube/workQueue.ts';
import type { Actor, Work } from './act/actor.ts';
import type { BackfillSlots } from './act/backfillSlots.ts';
import type { Expectations } from './act/expectations.ts';
import type { JobAccess } from './act/jobAccess.ts';
import { type Refusal, refusalOf } from './act/refusal.ts';
import type { Strangers } from './act/strangers.ts';
import type { Caches } from './observe/caches.ts';
import { observe } from './observe/observe.ts';
import { NotLeading } from './notLeading.ts';
import type { Observed, PlanSettings } from './plan/observed.ts';
import type { Action, Plan } from './plan/plan.ts';

export interface ReconcilerParts {
  readonly caches: Caches;
  readonly settings: PlanSettings;
  readonly decide: (observed: Observed) => Plan;
  readonly decideRefused: (observed: Observed, refusal: Refusal) => Pick<Plan, 'status' | 'events'>;
  readonly actor: Actor;
  readonly expectations: Expectations;
  readonly strangers: Strangers;
  readonly slots: BackfillSlots;
  /** Undefined where an administrator provides for the job's service account. */
  readonly access: JobAccess | undefined;
  readonly recorder: EventRecorder;
  readonly log: Log;
  readonly now: () => Date;
  /** Aborts calls under way: when leadership is lost, or a stop takes too long. */
  readonly signal: AbortSignal;
  readonly onOutcome: (outcome: Outcome) => void;
}

/** `terminal`: told on the provider; only a person can mend it. `timeout`: the API server did not answer in time. */
export type Outcome = 'success' | 'requeue' | 'requeue_after' | 'error' | 'terminal' | 'timeout' | 'panic';

/** The provider has changed under us; its news is on the way to the cache. */
const conflictMs = 1_000;
const refusedMs = 300_000;
/** What nothing tells of is looked at this often. */
const strangersMs = 30_000;
/** A Job that has no pod after this is asked about. */
const podlessMs = 10_000;
const terminatingMs = 600_000;

export class Reconciler {
  readonly #parts: ReconcilerParts;
  /**
   * Providers for which a write was refused because their namespace is going, and until when that is believed. Of one
   * provider, by its uid, and not of the namespace: that may be made anew, with other providers in it.
   */
  readonly #terminating = new Map<string, { readonly uid: string; readonly until: number }>();
  /** Providers of which something was not found the last time. */
  readonly #missed = new Set<string>();

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  /** @throws what is to be tried again, after a pause that grows */
  async reconcile(key: string): Promise<WorkResult | undefined> {
    try {
      const result = await this.#reconcile(key);
      this.#missed.delete(key);
      this.#parts.onOutcome(result?.requeueAfterMs === undefined ? 'success' : 'requeue_after');
      return result;
    } catch (error) {
      return this.#recover(key, error);
    }
  }

  #recover(key: string, error: unknown): WorkResult | undefined {
    const { log, onOutcome, signal } = this.#parts;
    const fields = namesOf(key);
    if (signal.aborted) throw error;
    const again = this.#lookAgain(key, error);
    if (again !== undefined) {
      log.debug({ ...fields, reason: (error as Error).message }, 'Changed meanwhile; looking again');
      onOutcome('requeue');
      return again;
    }
    if (isKubeError(error)) {
      log.warn({ ...fields, kind: error.kind, reason: error.message }, 'Reconcile failed; it is tried again');
      onOutcome(error.kind === 'timeout' ? 'timeout' : 'error');
    } else {
      const frames = error instanceof Error ? error.stack?.split('\n').slice(0, 6).join('\n') : typeof error;
      log.error({ ...fields, frames }, 'A bug: reconcile threw; it is tried again');
      onOutcome('panic');
    }
    throw error;
  }

  /** When to look again after what another look explains; undefined where it is a failure. */
  #lookAgain(key: string, error: unknown): WorkResult | undefined {
    if (isKubeError(error, 'namespaceTerminating'))
      return this.#learnTermination(key) ? { requeueAfterMs: 0 } : undefined;
    const explains =
      error instanceof NotLeading ||
      isKubeError(error, 'conflict') ||
      // The provider or its namespace has gone while it was worked on; what is missing for longer is a failure.
      (isKubeError(error, 'notFound') && this.#isFirstMiss(key));
    return explains ? { requeueAfterMs: conflictMs } : undefined;
  }

  #isFirstMiss(key: string): boolean {
    const isFirst = !this.#missed.has(key);
    this.#missed.add(key);
    return isFirst;
  }

  /** Whether it is news. */
  #learnTermination(key: string): boolean {
    const { caches, now } = this.#parts;
    const uid = caches.providers.get(key)?.metadata.uid;
    if (uid === undefined || this.#terminationLeft(key) > 0) return false;
    this.#terminating.set(key, { uid, until: now().getTime() + terminatingMs });
    return true;
  }

  /** Milliseconds for which it is still believed that the provider's namespace is going. */
  #terminationLeft(key: string): number {
    const { caches, now } = this.#parts;
    const belief = this.#terminating.get(key);
    const isSame = belief?.uid === caches.providers.get(key)?.metadata.uid;
    return belief !== undefined && isSame ? Math.max(0, belief.until - now().getTime()) : 0;
  }

  async #reconcile(key: string): Promise<WorkResult | undefined> {
    const { caches, expectations, strangers, slots } = this.#parts;
    if (caches.providers.get(key) === undefined) {
      expectations.forget(key);
      strangers.forget(key);
      this.#terminating.delete(key);
      slots.settle(key, { started: false, awaits: false });
      return undefined;
    }
    const pending = expectations.pendingMs(key);
    if (pending !== undefined) return { requeueAfterMs: pending };
    return this.#workOn(key);
  }

  async #workOn(key: string): Promise<WorkResult | undefined> {
    const { strangers } = this.#parts;
    const decided = this.#decide(key, await strangers.look(key));
    if (decided === undefined) return undefined;
    const { observed, plan } = decided;
    const refused = await this.#carryOut(key, observed, plan);
    if (refused) return soonest([plan.requeueAfterMs, refusedMs]);
    return soonest([
      plan.requeueAfterMs,
      strangers.knows(key) ? strangersMs : null,
      this.#awaitsPods(observed) ? podlessMs : null,
      // Nothing else would tell that it was not so.
      this.#terminationLeft(key) || null,
    ]);
  }

  /** Synchronous from the question for a slot to the answer, so that nobody else's question falls in between. */
  #decide(
    key: string,
    strange: Partial<Pick<Observed, 'cronJob' | 'lease'>>,
  ): { observed: Observed; plan: Plan } | undefined {
    const { caches, settings, slots, now, decide } = this.#parts;
    const namespaceTerminating = this.#terminationLeft(key) > 0;
    const mayBackfill = slots.reserve(key);
    const seen = observe(caches, key, { now: now(), settings, mayBackfill, namespaceTerminating });
    if (seen === undefined) return undefined;
    const observed = {
      ...seen,
      cronJob: seen.cronJob ?? strange.cronJob ?? null,
      lease: seen.lease ?? strange.lease ?? null,
    };
    const plan = decide(observed);
    this.#settle(key, plan, plan.actions.some(startsBackfill));
    return { observed, plan };
  }

  #settle(key: string, plan: Plan, started: boolean): void {
    this.#parts.slots.settle(key, { started, awaits: plan.awaitsBackfill });
  }

  /** Whether the API server refused something, which the status then says. */
  async #carryOut(key: string, observed: Observed, plan: Plan): Promise<boolean> {
    const work = this.#workFor(key, observed);
    try {
      await this.#ensureAccess(observed, plan);
      for (const action of plan.actions) await this.#parts.actor.act(action, work);
    } catch (error) {
      if (plan.actions.some(startsBackfill)) this.#settle(key, plan, false);
      if (isKubeError(error, 'forbidden')) await this.#assertStays(observed.provider.namespace);
      const refusal = refusalOf(error);
      if (refusal === undefined) throw error;
      work.log.warn({ reason: refusal.reason, message: refusal.message }, 'The API server refused');
      const provider = { ...observed.provider, resourceVersion: work.version };
      await this.#report(this.#parts.decideRefused({ ...observed, provider }, refusal), work);
      this.#parts.onOutcome('terminal');
      return true;
    }
    await this.#report(plan, work);
    return false;
  }

  /** Our rights in a namespace may go before what is in it: then it is not they that have to be mended. */
  async #assertStays(namespace: string): Promise<void> {
    const found = await this.#parts.strangers
      .find(namespaces, namespace, namespace)
      .catch((error: unknown) => {
        if (isKubeError(error, 'forbidden')) return undefined;
        throw error;
      });
    if (found?.metadata.deletionTimestamp !== undefined)
      throw new KubeError('namespaceTerminating', `The namespace ${namespace} is being deleted`);
  }

  #workFor(key: string, { provider, cronJob }: Observed): Work {
    const fields = { ...namesOf(key), generation: provider.generation, reconcileId: randomUUID() };
    const { log, signal } = this.#parts;
    const { resourceVersion: version } = provider;
    return {
      key,
      provider,
      version,
      expectsNoCronJob: cronJob === null,
      log: withFields(log, fields),
      signal,
    };
  }

  async #ensureAccess(observed: Observed, { actions }: Plan): Promise<void> {
    const { provider, namespaceTerminating } = observed;
    const makesPods = actions.some(({ kind }) => kind === 'createJob' || kind === 'applyCronJob');
    const isAtWork = provider.deletedAt === null && observed.cronJob !== null;
    if (namespaceTerminating || !(makesPods || isAtWork)) return;
    await this.#parts.access?.ensure(provider.namespace, this.#awaitsPods(observed));
  }

  /** A Job runs and has no pod: the job controller cannot make one, for want of a service account for example. */
  #awaitsPods({ jobs, pods, now }: Observed): boolean {
    return jobs.some(
      ({ name, phase, deletedAt, createdAt }) =>
        phase === 'active' &&
        deletedAt === null &&
        now.getTime() - Date.parse(createdAt) < terminatingMs &&
        !pods.some(({ jobName }) => jobName === name),
    );
  }

  async #report({ status, events }: Pick<Plan, 'status' | 'events'>, work: Work): Promise<void> {
    const { provider, log } = work;
    if (status !== null) {
      await this.#parts.actor.applyStatus(status, fieldManagers.operator, work);
      const [before, now] = [readiness(provider.status), readiness(status)];
      if (before !== now) log.info({ phase: status.phase, ready: now }, 'Status changed');
    }
    const { name, namespace, uid } = provider;
    const regarding = { apiVersion, kind: outlookProviders.kind, metadata: { name, namespace, uid } };
    for (const event of events) void this.#parts.recorder.record(regarding, event);
  }
}

/** The summary as one word, such as `False SecretNotFound`. */
function readiness({ conditions = [] }: Pick<ProviderStatus, 'conditions'>): string {
  const ready = conditions.find(({ type }) => type === conditionTypes.ready);
  return `${ready?.status ?? 'Unknown'} ${ready?.reason ?? ''}`.trimEnd();
}

function startsBackfill(action: Action): boolean {
  if (action.kind !== 'createJob') return false;
  const all = action.manifest.metadata['labels'] as Readonly<Record<string, string>> | undefined;
  return all?.[labels.trigger] === 'backfill';
}

function namesOf(key: string): { namespace: string; provider: string } {
  const [namespace = '', provider = ''] = key.split('/');
  return { namespace, provider };
}

function soonest(times: readonly (number | null)[]): WorkResult | undefined {
  const given = times.filter((ms) => ms !== null);
  return given.length === 0 ? undefined : { requeueAfterMs: Math.min(...given) };
}

/** A log whose every line has these fields. */
function withFields(log: Log, fields: object): Log {
  return {
    debug: (more, message) => log.debug({ ...fields, ...more }, message),
    info: (more, message) => log.info({ ...fields, ...more }, message),
    warn: (more, message) => log.warn({ ...fields, ...more }, message),
    error: (more, message) => log.error({ ...fields, ...more }, message),
  };
}
