import type { VariableName } from '../../api/environment.ts';
import { jobEnvironment } from '../../api/jobEnvironment.ts';
import { handedOnForPush } from '../../api/operatorEnvironment.ts';
import type { ProviderSpec } from '../../api/providerSpec.ts';
import type { Trigger } from '../../api/resource.ts';
import { credentialsVersion } from './childMetadata.ts';
import { childName } from './names.ts';
import type { Observed } from './observed.ts';
import { mayBeSubscribed, wantsPush } from './subscription.ts';

/** The environment of a run: the spec in the job's own words, and Secrets by reference only. */

export type Variable = { readonly name: string } & Readonly<Record<string, unknown>>;

export const TERMINATION_LOG = '/dev/termination-log';

/**
 * Kubernetes puts a variable's value in the place of `$(NAME)`, in values and arguments alike: whoever writes a spec
 * must not get at a Secret's by that.
 */
export const literal = (value: string): string => value.replaceAll('$', '$$$$');

/** Key of the credentials Secret. */
const REFRESH_TOKEN_KEY = 'refreshToken';

/** The job ends by itself, and says how, before its Job is ended from outside. */
function ownDeadline(activeDeadlineSeconds: number): number {
  return Math.max(10, Math.floor(activeDeadlineSeconds * 0.8));
}

type Values = Partial<Record<VariableName, string>>;

function loginVariables({ auth }: ProviderSpec): Values {
  const { mode, tenantId, cloud } = auth;
  return { OUTLOOK_AUTH_MODE: mode, OUTLOOK_TENANT_ID: tenantId, OUTLOOK_CLOUD: cloud };
}

function syncVariables({ sync }: ProviderSpec): Values {
  return {
    OUTLOOK_SYNC_MAX_MESSAGES: String(sync.maxMessages),
    OUTLOOK_SYNC_DELTA_PAGE_LIMIT: String(sync.deltaPageLimit),
    OUTLOOK_SYNC_PAGE_SIZE: String(sync.pageSize),
    OUTLOOK_SYNC_HISTORY: sync.history,
    OUTLOOK_SYNC_DELTA_SCOPE: sync.deltaScope,
    OUTLOOK_SYNC_FOLDERS_INCLUDE: sync.folders.include.join(','),
    OUTLOOK_SYNC_FOLDERS_EXCLUDE: sync.folders.exclude.join(','),
    OUTLOOK_SYNC_STORE_RAW_PAYLOAD: String(sync.storeRawPayload),
    OUTLOOK_SYNC_SCHEDULER_RETRIES: String(sync.retries),
    OUTLOOK_SYNC_SCHEDULER_RETRY_BACKOFF_MS: String(sync.retryBackoffMs),
    OUTLOOK_SYNC_SCHEDULER_JITTER_MS: String(sync.jitterMs),
  };
}

function identityVariables(observed: Observed): Record<string, string> {
  const { namespace, name, uid, generation } = observed.provider;
  return {
    [jobEnvironment.namespace]: namespace,
    [jobEnvironment.name]: name,
    [jobEnvironment.uid]: uid,
    [jobEnvironment.generation]: String(generation),
    [jobEnvironment.lease]: childName(name),
    [jobEnvironment.credentialsVersion]: credentialsVersion(observed),
    [jobEnvironment.terminationLog]: TERMINATION_LOG,
  };
}

const ofField = (name: string, fieldPath: string): Variable => ({
  name,
  valueFrom: { fieldRef: { fieldPath } },
});

interface OfSecret {
  readonly secret: string;
  /** The variable's name, where it is not another. */
  readonly key?: string;
  /** A pod whose Secret is gone starts all the same. */
  readonly isOptional: boolean;
}

const ofSecret = (name: VariableName, { secret, key = name, isOptional }: OfSecret): Variable => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key, ...(isOptional && { optional: true }) } },
});

/** To run at all, and to sign in. The client secret may be empty. */
const ofAllJobs: readonly VariableName[] = [
  'DATABASE_URL',
  'OUTLOOK_CLIENT_ID',
  'OUTLOOK_CLIENT_SECRET',
  'OUTLOOK_TOKEN_ENCRYPTION_KEYS',
];

/** What jobs share with the webhook. An installation may do without either. */
const ofPush: readonly VariableName[] = ['OUTLOOK_PUSH_CLIENT_STATE_SECRET', 'OUTLOOK_PUSH_WEBHOOK_TOKEN'];

function refreshToken({ auth, credentialsSecretRef }: ProviderSpec, isOptional: boolean): Variable[] {
  const secret = auth.mode === 'Delegated' ? credentialsSecretRef?.name : undefined;
  if (secret === undefined) return [];
  return [ofSecret('OUTLOOK_REFRESH_TOKEN', { secret, key: REFRESH_TOKEN_KEY, isOptional })];
}

/** All have to be there, so that a missing key is told before a run begins. */
function secretsOfRun(observed: Observed, spec: ProviderSpec): Variable[] {
  const secret = observed.settings.jobSecretName;
  return [
    ...ofAllJobs.map((name) => ofSecret(name, { secret, isOptional: false })),
    ...(wantsPush(observed) ? ofPush.map((name) => ofSecret(name, { secret, isOptional: true })) : []),
    ...refreshToken(spec, false),
  ];
}

/**
 * A cleanup needs the database alone, and for rows that are to go waits for it. To end a subscription it signs in, as
 * far as it can: the Secrets may have been deleted with the provider, and the subscription ends by itself in time.
 */
function secretsOfCleanup(observed: Observed, spec: ProviderSpec): Variable[] {
  const secret = observed.settings.jobSecretName;
  const database = ofSecret('DATABASE_URL', { secret, isOptional: spec.deletionPolicy === 'Retain' });
  if (!mayBeSubscribed(observed)) return [database];
  const login = ofAllJobs.filter((name) => name !== 'DATABASE_URL');
  return [
    database,
    ...login.map((name) => ofSecret(name, { secret, isOptional: true })),
    ...refreshToken(spec, true),
  ];
}

/** Of the administrator's settings those that are for this run. The secrets of push are no settings. */
function settingsFor(observed: Observed, isCleanup: boolean): Record<string, string> {
  const isPushed = isCleanup ? mayBeSubscribed(observed) : wantsPush(observed);
  const left: readonly string[] = isPushed ? ofPush : [...ofPush, ...handedOnForPush];
  return Object.fromEntries(
    Object.entries(observed.settings.jobVariables).filter(([name]) => !left.includes(name)),
  );
}

/** Each name once. An empty value is left out: the API server does not keep it, and to the job it is the same. */
export function jobVariables(
  observed: Observed,
  spec: ProviderSpec,
  run: { readonly trigger: Trigger | null; readonly deadlineSeconds: number },
): readonly Variable[] {
  const { trigger } = run;
  const isCleanup = trigger === null;
  const plain: Record<string, string> = {
    ...settingsFor(observed, isCleanup),
    ...(isCleanup
      ? mayBeSubscribed(observed) && loginVariables(spec)
      : { ...loginVariables(spec), ...syncVariables(spec), OUTLOOK_SYNC_TRIGGER: trigger }),
    OUTLOOK_SYNC_DEADLINE_SECONDS: String(ownDeadline(run.deadlineSeconds)),
    ...identityVariables(observed),
  };
  const references = [
    ofField(jobEnvironment.job, "metadata.labels['batch.kubernetes.io/job-name']"),
    ofField(jobEnvironment.pod, 'metadata.name'),
    ...(isCleanup ? secretsOfCleanup(observed, spec) : secretsOfRun(observed, spec)),
  ];
  const taken = new Set(references.map(({ name }) => name));
  const values = Object.entries(plain)
    .filter(([name, value]) => value !== '' && !taken.has(name))
    .map(([name, value]): Variable => ({ name, value: literal(value) }));
  return [...values, ...references];
}
