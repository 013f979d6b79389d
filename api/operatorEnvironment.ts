import type { Variable } from './environment.ts';

/**
 * The environment variables of the operator: the one table from which its configuration, `--help`, error messages and
 * the reference page are made. Names and ranges are a contract with every existing deployment; this file holds no
 * behaviour and reads nothing.
 */
const words = {
  pullPolicies: ['Always', 'IfNotPresent', 'Never'],
  levels: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
  booleans: ['true', 'false'],
} as const;

const jobs = {
  OUTLOOK_OPERATOR_JOB_IMAGE: {
    meaning: 'Image that the pods of the sync job run',
    example: 'ghcr.io/example/outlook-sync:1.0.0',
  },
  OUTLOOK_OPERATOR_JOB_IMAGE_PULL_POLICY: {
    meaning: 'When that image is pulled',
    example: 'Always',
    fallback: 'IfNotPresent',
    oneOf: words.pullPolicies,
  },
  OUTLOOK_OPERATOR_JOB_COMMAND: {
    meaning: 'How the job is started in its image: words, or a JSON array where a word has blanks',
    example: '["node", "/app/job.js"]',
    fallback: 'node /app/job.js',
  },
  OUTLOOK_OPERATOR_JOB_SECRET: {
    meaning:
      'Secret of each namespace with what all its jobs need: DATABASE_URL, OUTLOOK_CLIENT_ID and so on',
    example: 'outlook-sync',
    fallback: 'outlook-sync',
  },
  OUTLOOK_OPERATOR_JOB_SERVICE_ACCOUNT: {
    meaning: 'Service account of the job, made in each namespace that has providers',
    example: 'outlook-sync-job',
    fallback: 'outlook-sync-job',
  },
  OUTLOOK_OPERATOR_JOB_CLUSTER_ROLE: {
    meaning: 'ClusterRole that it is bound to there',
    example: 'outlook-sync-job',
    fallback: 'outlook-sync-job',
  },
  OUTLOOK_OPERATOR_MANAGE_JOB_ACCESS: {
    meaning: 'Whether the operator makes that service account and its RoleBinding where they are missing',
    example: 'false',
    fallback: 'true',
    oneOf: words.booleans,
  },
  OUTLOOK_OPERATOR_JOB_DEADLINE_SECONDS: {
    meaning: 'A Job that has not ended after this is given up; a run itself stops at four fifths of it',
    example: '900',
    fallback: '900',
    range: [30, 86_400],
  },
  OUTLOOK_OPERATOR_JOB_TTL_SECONDS: {
    meaning: 'How long a finished Job is kept',
    example: '300',
    fallback: '300',
    range: [30, 604_800],
  },
  OUTLOOK_OPERATOR_JOB_RESOURCES: {
    meaning: 'Requests and limits of the job’s container as JSON, where the provider names none',
    example: '{"requests":{"cpu":"50m","memory":"96Mi"}}',
    fallback: '{"requests":{"cpu":"50m","memory":"96Mi"},"limits":{"memory":"256Mi"}}',
  },
} as const satisfies Record<string, Variable>;

const work = {
  OUTLOOK_OPERATOR_WATCH_NAMESPACES: {
    meaning: 'Namespaces whose OutlookProviders are served, comma-separated; all when empty',
    example: 'team-a,team-b',
    fallback: '',
  },
  OUTLOOK_OPERATOR_WORKERS: {
    meaning: 'Providers that are worked on at the same time',
    example: '16',
    fallback: '16',
    range: [1, 256],
  },
  OUTLOOK_OPERATOR_MAX_BACKFILLS: {
    meaning:
      'Backfill Jobs that run at the same time in the whole cluster; 0 leaves backfills to the schedule',
    example: '10',
    fallback: '10',
    range: [0, 1000],
  },
  OUTLOOK_OPERATOR_CLEANUP_TIMEOUT_SECONDS: {
    meaning: 'How long the deletion of a provider waits for its cleanup at most',
    example: '120',
    fallback: '120',
    range: [1, 3600],
  },
  OUTLOOK_OPERATOR_RELIST_SECONDS: {
    meaning: 'How often everything is listed anew, whatever the watches say',
    example: '600',
    fallback: '600',
    range: [10, 86_400],
  },
} as const satisfies Record<string, Variable>;

const process = {
  POD_NAME: {
    meaning: 'Name of the operator’s pod; part of its identity and of its User-Agent',
    example: 'outlook-sync-operator-7c9d5b6f4-x2x7q',
    fallback: 'the host name',
  },
  POD_NAMESPACE: {
    meaning: 'Namespace of the operator’s pod',
    example: 'outlook-sync',
    fallback: 'from the service account or the kubeconfig',
  },
  OUTLOOK_OPERATOR_LEASE_NAMESPACE: {
    meaning: 'Namespace of the Lease by which one of several replicas leads',
    example: 'outlook-sync',
    fallback: 'from POD_NAMESPACE',
  },
  OUTLOOK_OPERATOR_LEASE_NAME: {
    meaning: 'Name of that Lease',
    example: 'outlook-sync-operator',
    fallback: 'outlook-sync-operator',
  },
  OUTLOOK_OPERATOR_LEASE_DURATION_SECONDS: {
    meaning: 'How long a leader that fell silent keeps the others waiting',
    example: '15',
    fallback: '15',
    range: [2, 600],
  },
  OUTLOOK_OPERATOR_LEASE_RENEW_SECONDS: {
    meaning: 'How long a leader goes on without being able to renew; shorter than the duration',
    example: '10',
    fallback: '10',
    range: [1, 599],
  },
  OUTLOOK_OPERATOR_LEASE_RETRY_SECONDS: {
    meaning: 'How often the Lease is renewed, or looked at by who does not lead; shorter than that',
    example: '1',
    fallback: '1',
    range: [1, 60],
  },
  OUTLOOK_OPERATOR_HTTP_HOST: {
    meaning: 'Address that probes and metrics are served on; 0.0.0.0 or :: in a pod',
    example: '0.0.0.0',
    fallback: '127.0.0.1',
  },
  OUTLOOK_OPERATOR_HTTP_PORT: {
    meaning: 'Port of /healthz, /readyz and /metrics; 0 takes a free one, which the log names',
    example: '8080',
    fallback: '8080',
    range: [0, 65_535],
  },
  LOG_LEVEL: {
    meaning: 'Least level that is logged, by the operator and by its jobs',
    example: 'debug',
    fallback: 'info',
    oneOf: words.levels,
  },
} as const satisfies Record<string, Variable>;

/** Every variable that the operator reads for itself, by name. */
export const operatorEnvironment = { ...jobs, ...work, ...process };

export type OperatorVariableName = keyof typeof operatorEnvironment;

/** Of those below the ones that ask a job for a subscription: only jobs of providers with spec.push.enabled have them. */
export const handedOnForPush = [
  'OUTLOOK_PUSH_NOTIFICATION_URL',
  'OUTLOOK_PUSH_SUBSCRIPTION_DURATION_MINUTES',
  'OUTLOOK_PUSH_SUBSCRIPTION_RENEW_THRESHOLD_MINUTES',
] as const;

/** Variables that the operator hands on to every job as they are, when they are set; an administrator's, not a tenant's. */
export const handedOnToJobs = [
  'OUTLOOK_GRAPH_BASE_URL',
  'OUTLOOK_TOKEN_URL',
  ...handedOnForPush,
  'OUTLOOK_PUSH_SYNC_MAX_MESSAGES',
  'OUTLOOK_SYNC_LEASE_SECONDS',
  'OUTLOOK_SYNC_REQUEST_TIMEOUT_MS',
  'NOTIFICATION_SINK_URL',
  'LOG_LEVEL',
] as const;
