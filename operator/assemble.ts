// Puts the parts together: caches that enqueue, a queue whose workers reconcile, and an elector that says whether they
// may. Every write asks the elector first.
import { type ProviderStatus, readStatus } from '../api/providerStatus.ts';
import { fieldManagers, group, outlookProviders } from '../api/resource.ts';
import { KubeClient } from '../kube/client.ts';
import type { Connection } from '../kube/connection.ts';
import { EventRecorder } from '../kube/events.ts';
import { LeaderElector } from '../kube/leaderElection.ts';
import type { Log } from '../kube/log.ts';
import type { Change } from '../kube/reflector.ts';
import { WorkQueue } from '../kube/workQueue.ts';
import { Actor } from './act/actor.ts';
import { BackfillSlots } from './act/backfillSlots.ts';
import { Expectations } from './act/expectations.ts';
import { JobAccess } from './act/jobAccess.ts';
import { Strangers } from './act/strangers.ts';
import type { OperatorConfig } from './config.ts';
import { Metrics } from './metrics.ts';
import { NotLeading } from './notLeading.ts';
import { Caches } from './observe/caches.ts';
import type { JobRecord, ProviderRecord } from './observe/records.ts';
import { decide, decideRefused } from './plan/decide.ts';
import { Reconciler } from './reconcile.ts';
import { answeredMark, endedRun, missedInterval } from './runs.ts';

export interface Surroundings {
  readonly config: OperatorConfig;
  readonly connection: Connection;
  /** Of this replica, unlike that of any other that ever ran. */
  readonly identity: string;
  readonly log: Log;
  /** Aborts calls under way. */
  readonly calls: AbortSignal;
}

export interface Operator {
  readonly caches: Caches;
  readonly queue: WorkQueue;
  readonly elector: LeaderElector;
  readonly reconciler: Reconciler;
  readonly recorder: EventRecorder;
  readonly slots: BackfillSlots;
  readonly metrics: Metrics;
  /** From now on changes are worked on, beginning with all providers that there are. */
  readonly begin: () => void;
}

export function assemble(surroundings: Surroundings): Operator {
  const { config, log, identity, calls } = surroundings;
  const metrics = new Metrics({ workers: config.workers, leaseName: config.lease.name });
  const queue = new WorkQueue({ observer: metrics.queueObserver() });
  const elector = electorOf(surroundings, metrics);
  const client = clientOf(surroundings, metrics, () => {
    if (!elector.isLeader()) throw new NotLeading('This replica does not lead');
  });
  // A replica that stands by follows the cluster and has no work.
  let isAtWork = false;
  const enqueue = (key: string): void => {
    if (isAtWork) queue.add(key);
  };
  const slots = new BackfillSlots(config.maxBackfills, enqueue);
  const expectations: Expectations = new Expectations((kind, key) => caches.lookUp(kind, key));
  const caches: Caches = new Caches({
    client,
    log: explaining(log),
    namespaces: config.watchNamespaces,
    relistMs: config.relistMs,
    jobSecretName: config.plan.jobSecretName,
    enqueue,
    onProvider: (change) => {
      if (isAtWork) countRuns(change, metrics);
    },
    onJob: (change) => followSlots(change, slots),
    onAny: (kind, change) => expectations.noticed(kind, change),
  });
  const reportingController = `${group}/operator`;
  const recorder = new EventRecorder({ client, log, reportingController, reportingInstance: identity });
  const strangers = new Strangers(client, calls, (kind, key) => caches.lookUp(kind, key));
  const reconciler = new Reconciler({
    caches,
    settings: config.plan,
    decide,
    decideRefused,
    actor: new Actor(client, expectations, strangers),
    expectations,
    strangers,
    slots,
    access: config.manageJobAccess ? accessOf(client, surroundings) : undefined,
    recorder,
    log,
    now: () => new Date(),
    signal: calls,
    onOutcome: (outcome) => metrics.outcome(outcome),
  });
  const begin = (): void => {
    isAtWork = true;
    for (const [key] of caches.providers.entries()) queue.add(key);
  };
  return { caches, queue, elector, reconciler, recorder, slots, metrics, begin };
}

function clientOf({ connection, identity }: Surroundings, metrics: Metrics, guard?: () => void): KubeClient {
  return new KubeClient(connection, {
    userAgent: `outlook-sync-operator (${identity})`,
    onRequest: (request) => metrics.request(request),
    ...(guard !== undefined && { guard }),
  });
}

function electorOf(surroundings: Surroundings, metrics: Metrics): LeaderElector {
  const { config, connection, identity, log } = surroundings;
  const { namespace, name, durationMs, renewMs, retryMs } = config.lease;
  return new LeaderElector({
    client: clientOf(surroundings, metrics),
    namespace: namespace ?? connection.namespace ?? 'default',
    name,
    identity,
    leaseDurationMs: durationMs,
    renewDeadlineMs: renewMs,
    retryPeriodMs: retryMs,
    log,
  });
}

function accessOf(client: KubeClient, { config, calls }: Surroundings): JobAccess {
  return new JobAccess({
    client,
    serviceAccount: config.plan.jobServiceAccount,
    clusterRole: config.jobClusterRole,
    fieldManager: fieldManagers.operator,
    signal: calls,
  });
}

/** The one failure of a list that a person has to be told what to do about. */
function explaining(log: Log): Log {
  const explain = (fields: object): void => {
    const { resource, kind } = fields as { readonly resource?: unknown; readonly kind?: unknown };
    if (resource !== outlookProviders.plural || kind !== 'notFound') return;
    log.error(fields, 'The API server knows no OutlookProviders: install the CRD; waiting for it');
  };
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    error: (fields, message) => log.error(fields, message),
    warn: (fields, message) => {
      log.warn(fields, message);
      explain(fields);
    },
  };
}

function followSlots({ object, previous }: Change<JobRecord>, slots: BackfillSlots): void {
  const job = object ?? previous;
  if (job === undefined) return;
  const provider = `${job.metadata.namespace ?? ''}/${job.provider ?? ''}`;
  const { trigger, phase } = job.observed;
  const isBackfill = object !== undefined && trigger === 'backfill';
  const isActiveBackfill = isBackfill && phase === 'active';
  const cameEnded = isBackfill && !isActiveBackfill && previous === undefined;
  slots.jobChanged(job, { provider, isActiveBackfill, cameEnded });
}

function countRuns({ object, previous }: Change<ProviderRecord>, metrics: Metrics): void {
  if (object === undefined || previous === undefined) return;
  const isSame = object.metadata.uid === previous.metadata.uid;
  if (!isSame || object.statusJson === previous.statusJson) return;
  const before = statusOf(previous);
  const now = statusOf(object);
  const run = endedRun(before, now);
  if (run !== undefined) metrics.run(run);
  if (answeredMark(before, now)) metrics.answeredMark();
  if (missedInterval(before, now, object.metadata.creationTimestamp ?? '')) metrics.missedInterval();
}

function statusOf({ statusJson }: ProviderRecord): ProviderStatus {
  return readStatus(JSON.parse(statusJson));
}
