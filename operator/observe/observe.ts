// One provider with all that concerns it, put together from the caches.
import { providerSpec } from '../../api/providerSpec.ts';
import { readStatus } from '../../api/providerStatus.ts';
import type { ObjectMeta } from '../../kube/object.ts';
import { childName } from '../plan/names.ts';
import type {
  Observed,
  ObservedCronJob,
  ObservedJob,
  ObservedOwned,
  ObservedPod,
  ObservedProvider,
  PlanSettings,
} from '../plan/observed.ts';
import type { Caches } from './caches.ts';
import { compareAge } from './providerTokens.ts';
import { cronJobOf, ownedPart, type ProviderRecord } from './records.ts';

/** What is not in the caches. */
export interface Circumstances {
  readonly now: Date;
  readonly settings: PlanSettings;
  readonly mayBackfill: boolean;
  /** Where a write has told so before the cache did. */
  readonly namespaceTerminating: boolean;
}

const mostProblems = 10;

/** The app signs in by itself in the other mode, and looks at no grant. */
function neededSecret({ spec }: ObservedProvider): string | undefined {
  return spec?.auth.mode === 'Delegated' ? spec.credentialsSecretRef?.name : undefined;
}

/** Undefined when the provider is gone. */
export function observe(caches: Caches, key: string, circumstances: Circumstances): Observed | undefined {
  const record = caches.providers.get(key);
  if (record === undefined) return undefined;
  const provider = observedProvider(record);
  const secret = neededSecret(provider);
  const { namespace } = provider;
  return {
    ...circumstances,
    provider,
    duplicateOf: olderRival(caches, key, record),
    cronJob: observedCronJob(caches, provider),
    lease: observedLease(caches, provider),
    jobs: observedJobs(caches, key, provider.createdAt),
    pods: observedPods(caches, key, provider.createdAt),
    credentialsSecret: secret === undefined ? undefined : observedSecret(caches, namespace, secret),
    jobSecret: observedSecret(caches, namespace, circumstances.settings.jobSecretName),
    namespaceTerminating: circumstances.namespaceTerminating || caches.isTerminating(namespace),
  };
}

/** What the API server sets on every object; the types of the wire leave it open. */
function identityOf({ namespace = '', name, uid = '', resourceVersion = '', generation = 0 }: ObjectMeta) {
  return { namespace, name, uid, resourceVersion, generation };
}

function observedProvider({ metadata, specJson, statusJson }: ProviderRecord): ObservedProvider {
  const parsed = providerSpec.safeParse(JSON.parse(specJson));
  const issues = parsed.error?.issues ?? [];
  return {
    ...identityOf(metadata),
    createdAt: metadata.creationTimestamp ?? '',
    deletedAt: metadata.deletionTimestamp ?? null,
    finalizers: metadata.finalizers ?? [],
    annotations: metadata.annotations ?? {},
    spec: parsed.data ?? null,
    problems: issues.slice(0, mostProblems).map(({ path, message }) => `spec.${path.join('.')}: ${message}`),
    status: readStatus(JSON.parse(statusJson)),
  };
}

function olderRival(caches: Caches, key: string, { metadata }: ProviderRecord): string | null {
  const older = caches
    .rivals(key)
    .flatMap((rival) => caches.providers.get(rival)?.metadata ?? [])
    .filter((rival) => compareAge(rival, metadata) < 0)
    .sort(compareAge);
  return older[0]?.name ?? null;
}

/** The one of the name that is needed, whatever it says of itself: a copy under another name is none of ours. */
function observedCronJob(caches: Caches, { namespace, name }: ObservedProvider): ObservedCronJob | null {
  const cronJob = caches.cronJobs.get(`${namespace}/${childName(name)}`);
  return cronJob === undefined ? null : cronJobOf(cronJob);
}

function observedLease(caches: Caches, { namespace, name }: ObservedProvider): ObservedOwned | null {
  const lease = caches.leases.get(`${namespace}/${childName(name)}`);
  return lease === undefined ? null : ownedPart(lease);
}

/** Those of a provider of the same name that was there before are no longer anybody's. */
function since<T extends { readonly createdAt: string; readonly name: string }>(
  all: readonly T[],
  createdAt: string,
): T[] {
  const order = (one: T): string => `${one.createdAt} ${one.name}`;
  return all
    .filter((one) => one.createdAt >= createdAt)
    .sort((left, right) => (order(left) < order(right) ? -1 : 1));
}

function observedJobs(caches: Caches, key: string, createdAt: string): ObservedJob[] {
  const all = caches.children('Job', key).flatMap((child) => caches.jobs.get(child)?.observed ?? []);
  return since(all, createdAt);
}

function observedPods(caches: Caches, key: string, createdAt: string): ObservedPod[] {
  const all = caches.children('Pod', key).flatMap((child) => caches.pods.get(child)?.observed ?? []);
  return since(all, createdAt);
}

function observedSecret(caches: Caches, namespace: string, name: string): ObservedOwned | null {
  const secret = caches.secrets.get(`${namespace}/${name}`);
  return secret === undefined ? null : ownedPart(secret);
}
