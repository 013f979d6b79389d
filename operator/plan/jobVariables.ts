import type { VariableName } from '../../api/environment.ts';
import { jobEnvironment } from '../../api/jobEnvironment.ts';
import type { ProviderSpec } from '../../api/providerSpec.ts';
import type { Trigger } from '../../api/resource.ts';
import { credentialsVersion } from './childMetadata.ts';
import { childName } from './names.ts';
import type { Observed } from './observed.ts';

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

function syncVariables({ auth, sync }: ProviderSpec): Partial<Record<VariableName, string>> {
  return {
    OUTLOOK_AUTH_MODE: auth.mode,
    OUTLOOK_TENANT_ID: auth.tenantId,
    OUTLOOK_CLOUD: auth.cloud,
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

const ofSecret = (name: VariableName, secret: string, key: string = name): Variable => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key } },
});

/** All have to be there, so that a missing key is told before a run begins; the client secret may be empty. */
const ofAllJobs: readonly VariableName[] = [
  'DATABASE_URL',
  'OUTLOOK_CLIENT_ID',
  'OUTLOOK_CLIENT_SECRET',
  'OUTLOOK_TOKEN_ENCRYPTION_KEYS',
];

function secretVariables(spec: ProviderSpec, secret: string): Variable[] {
  const credentials = spec.auth.mode === 'Delegated' ? spec.credentialsSecretRef?.name : undefined;
  const common = ofAllJobs.map((name) => ofSecret(name, secret));
  if (credentials === undefined) return common;
  return [...common, ofSecret('OUTLOOK_REFRESH_TOKEN', credentials, REFRESH_TOKEN_KEY)];
}

/** Each name once. An empty value is left out: the API server does not keep it, and to the job it is the same. */
export function jobVariables(
  observed: Observed,
  spec: ProviderSpec,
  run: { readonly trigger: Trigger | null; readonly deadlineSeconds: number },
): readonly Variable[] {
  const { jobVariables: fixed, jobSecretName } = observed.settings;
  const plain: Record<string, string> = {
    ...fixed,
    ...(run.trigger !== null && { ...syncVariables(spec), OUTLOOK_SYNC_TRIGGER: run.trigger }),
    OUTLOOK_SYNC_DEADLINE_SECONDS: String(ownDeadline(run.deadlineSeconds)),
    ...identityVariables(observed),
  };
  const references = [
    ofField(jobEnvironment.job, "metadata.labels['batch.kubernetes.io/job-name']"),
    ofField(jobEnvironment.pod, 'metadata.name'),
    // A cleanup needs the database alone, and goes on where the credentials were deleted with the provider.
    ...(run.trigger === null
      ? [ofSecret('DATABASE_URL', jobSecretName)]
      : secretVariables(spec, jobSecretName)),
  ];
  const taken = new Set(references.map(({ name }) => name));
  const values = Object.entries(plain)
    .filter(([name, value]) => value !== '' && !taken.has(name))
    .map(([name, value]): Variable => ({ name, value: literal(value) }));
  return [...values, ...references];
}
