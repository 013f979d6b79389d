// A cluster as far as it matters to the operator's decisions, as a pure function: what becomes of what was seen when a
// plan is carried out. It answers as the API server would: defaults filled in, empty things dropped, names once.
import { type ProviderStatus, readStatus } from '../../../../api/providerStatus.ts';
import type { JobStatus } from '../../../../api/runReport.ts';
import { triggers } from '../../../../api/resource.ts';
import type {
  Observed,
  ObservedCronJob,
  ObservedJob,
  ObservedProvider,
} from '../../../../operator/plan/observed.ts';
import type { Action, Manifest, OperatorStatus, Plan } from '../../../../operator/plan/plan.ts';

const operatorConditions = ['Ready', 'Scheduled', 'Reconciling', 'Stalled'];
const operatorFields = [
  'observedGeneration',
  'nextSyncAt',
  'lastHandledSyncRequest',
  'lastHandledResyncRequest',
  'lastLostPod',
] as const;

/** @param steps how many writes are done before the operator is killed; all, where there is none */
export function applied(observed: Observed, plan: Plan, steps = Number.POSITIVE_INFINITY): Observed {
  const done = plan.actions.slice(0, steps).reduce(perform, observed);
  if (plan.status === null || steps <= plan.actions.length) return done;
  return { ...done, provider: withOperatorStatus(done.provider, plan.status) };
}

function perform(observed: Observed, action: Action): Observed {
  const { provider, jobs } = observed;
  switch (action.kind) {
    case 'setFinalizers':
      return { ...observed, provider: { ...provider, finalizers: action.finalizers } };
    case 'applyCronJob':
      return { ...observed, cronJob: written(observed, action.manifest) };
    case 'deleteCronJob':
      return { ...observed, cronJob: null };
    case 'createLease':
      return {
        ...observed,
        lease: observed.lease ?? { uid: 'lease-uid', resourceVersion: '1', controllerUid: provider.uid },
      };
    case 'createJob':
      return { ...observed, jobs: withJob(jobs, jobFrom(action.manifest, observed)) };
    case 'deleteJob':
      return { ...observed, jobs: jobs.filter(({ uid }) => uid !== action.uid) };
    case 'reportForJob':
      return { ...observed, provider: withJobStatus(provider, action.status) };
  }
}

function written({ provider, cronJob }: Observed, { metadata, spec }: Manifest): ObservedCronJob {
  const { labels, annotations } = metadata as unknown as Pick<ObservedCronJob, 'labels' | 'annotations'>;
  return {
    uid: cronJob?.uid ?? 'cronjob-uid',
    resourceVersion: '1',
    controllerUid: provider.uid,
    labels,
    annotations,
    deletedAt: null,
    specJson: JSON.stringify(withDefaults(spec)),
  };
}

/** Empty values dropped, quantities in their shortest form, and fields that nobody named. */
function withDefaults(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((one) => withDefaults(one));
  if (typeof value !== 'object' || value === null) return key === 'cpu' ? canonical(value) : value;
  const entries = Object.entries(value).map(([name, one]) => [name, withDefaults(one, name)] as const);
  const kept = Object.fromEntries(entries.filter(([, one]) => !isNothing(one)));
  if ('containers' in kept) return { dnsPolicy: 'ClusterFirst', schedulerName: 'default-scheduler', ...kept };
  return 'fieldPath' in kept ? { apiVersion: 'v1', ...kept } : kept;
}

const isNothing = (value: unknown): boolean => value === '' || (Array.isArray(value) && value.length === 0);

const canonical = (cpu: unknown): string => (cpu === '1000m' ? '1' : String(cpu));

function withJob(jobs: readonly ObservedJob[], job: ObservedJob): readonly ObservedJob[] {
  return jobs.some(({ name }) => name === job.name) ? jobs : [...jobs, job];
}

const TRIGGER = 'outlooksync.dev/trigger';
const VERSION = 'outlooksync.dev/credentials-version';

function jobFrom({ metadata }: Manifest, { now, provider }: Observed): ObservedJob {
  const { labels, annotations } = metadata as unknown as Pick<ObservedCronJob, 'labels' | 'annotations'>;
  return {
    name: metadata.name,
    uid: `uid of ${metadata.name}`,
    // Whole seconds, cut off.
    createdAt: now.toISOString().replace(/\.\d+Z$/, 'Z'),
    deletedAt: null,
    trigger: triggers.find((one) => one === labels[TRIGGER]) ?? null,
    generation: provider.generation,
    credentialsVersion: annotations[VERSION] ?? '',
    phase: 'active',
    finishedAt: null,
    failureReason: null,
  };
}

/** As it comes back from the API server. */
function reread(status: ProviderStatus): ProviderStatus {
  return readStatus(JSON.parse(JSON.stringify(status)));
}

function withOperatorStatus(provider: ObservedProvider, status: OperatorStatus): ObservedProvider {
  const { conditions: before = [], ...rest } = provider.status;
  const jobs = Object.entries(rest).filter(([name]) => !(operatorFields as readonly string[]).includes(name));
  const conditions = [
    ...before.filter(({ type }) => !operatorConditions.includes(type)),
    ...(status.conditions ?? []),
  ];
  return { ...provider, status: reread({ ...Object.fromEntries(jobs), ...status, conditions }) };
}

function withJobStatus(provider: ObservedProvider, status: JobStatus): ObservedProvider {
  const before = provider.status;
  const kept = Object.fromEntries(
    [...operatorFields, 'syncRequestedAt' as const, 'subscriptionEvent' as const].map((name) => [
      name,
      before[name],
    ]),
  );
  const conditions = [
    ...(before.conditions ?? []).filter(({ type }) => operatorConditions.includes(type)),
    ...(status.conditions ?? []),
  ];
  return { ...provider, status: reread({ ...kept, ...status, conditions }) };
}
