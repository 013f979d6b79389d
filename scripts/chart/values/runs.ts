import { environment } from '../../../api/environment.ts';
import { operatorEnvironment } from '../../../api/operatorEnvironment.ts';
import { flag, group, integer, manifest, manifests, setting, text, texts, words } from '../valueNodes.ts';
import { addressOrEmpty, duration, namespaceName, objectName } from './patterns.ts';
import { placement, securityContexts } from './programs.ts';

/** The pods that come and go, and what looks at all of them. */

const env = operatorEnvironment;
export const jobs = group('The sync jobs, which the operator makes', {
  image: text('Another image for them than image.*, as one reference'),
  command: words('How the job is started in its image', ['node', '/app/job.js']),
  namespaces: words(
    'Namespaces that the chart prepares for them, with the Secret and on request the service account. When empty: watchNamespaces, or the release’s namespace where all are served. Every other namespace with OutlookProviders needs the Secret from you',
    [],
    namespaceName,
  ),
  secret: group('The Secret with what all jobs of a namespace need', {
    name: text(env.OUTLOOK_OPERATOR_JOB_SECRET.meaning, env.OUTLOOK_OPERATOR_JOB_SECRET.fallback, objectName),
    create: flag(
      'Copy it into jobs.namespaces, from the Secrets that postgres, oauth, encryption and push name. Needs a cluster to look at (not helm template), and copies what has changed at the next helm upgrade. Without, you make it',
      true,
    ),
  }),
  serviceAccount: group('Their service account', {
    name: text(
      env.OUTLOOK_OPERATOR_JOB_SERVICE_ACCOUNT.meaning,
      env.OUTLOOK_OPERATOR_JOB_SERVICE_ACCOUNT.fallback,
      objectName,
    ),
    create: flag('Make it and its RoleBinding in jobs.namespaces, with image.pullSecrets', false),
    annotations: texts('Annotations of it'),
  }),
  manageAccess: flag(
    'Let the operator make service account and RoleBinding in every other namespace that has OutlookProviders. Without, it lacks the rights for that, too',
    true,
  ),
  deadlineSeconds: setting(env.OUTLOOK_OPERATOR_JOB_DEADLINE_SECONDS),
  ttlSeconds: setting(env.OUTLOOK_OPERATOR_JOB_TTL_SECONDS),
  resources: manifest(
    'Requests and limits, where the provider names none',
    JSON.parse(env.OUTLOOK_OPERATOR_JOB_RESOURCES.fallback) as object,
  ),
  leaseSeconds: setting(environment.OUTLOOK_SYNC_LEASE_SECONDS),
  requestTimeoutMs: setting(environment.OUTLOOK_SYNC_REQUEST_TIMEOUT_MS),
  graphBaseUrl: text(
    `${environment.OUTLOOK_GRAPH_BASE_URL.meaning}; that of the cloud when empty`,
    '',
    addressOrEmpty,
  ),
  tokenUrl: text(
    `${environment.OUTLOOK_TOKEN_URL.meaning}; that of the tenant when empty`,
    '',
    addressOrEmpty,
  ),
  notificationSinkUrl: setting(environment.NOTIFICATION_SINK_URL, { pattern: '^(https?://\\S+)?$' }),
});

export const migration = group(
  'The Job that brings the database up to date, before anything else of a release',
  {
    enabled: flag('Run it. Without, run `job migrate` yourself before each upgrade', true),
    hooks: words(
      'When. Use post-install where the Secret of postgres comes with this very release (extraObjects)',
      ['pre-install', 'pre-upgrade'],
      { enum: ['pre-install', 'post-install', 'pre-upgrade', 'post-upgrade'] },
    ),
    backoffLimit: integer('Further attempts', 4, 0, 20),
    activeDeadlineSeconds: integer('Time for all attempts; below the timeout of helm', 240, 10, 3600),
    annotations: texts('Annotations of its pod'),
    extraEnv: manifests('Further environment variables, as [{name: …, value: …}]'),
    resources: manifest('Requests and limits', {
      requests: { cpu: '50m', memory: '96Mi' },
      limits: { memory: '256Mi' },
    }),
    ...securityContexts,
    ...placement,
  },
);

const scraping = (kind: string) =>
  group(`${kind} of the Prometheus operator`, {
    enabled: flag('Make one for each program', false),
    interval: text('How often', '30s', duration),
    scrapeTimeout: text('How long at most', '10s', duration),
    labels: texts('Labels by which your Prometheus finds it'),
    annotations: texts('Annotations of it'),
  });

export const monitoring = {
  serviceMonitor: scraping('ServiceMonitor'),
  podMonitor: scraping('PodMonitor'),
  prometheusRule: group('Alerts, as PrometheusRule of the Prometheus operator', {
    enabled: flag('Make it', false),
    labels: texts('Labels by which your Prometheus finds it'),
    annotations: texts('Annotations of it'),
    alertLabels: texts('Labels of all alerts'),
    staleAfterSeconds: integer(
      'Age of the last success from which on a mailbox is stale: a few intervals of your slowest schedule',
      3600,
      60,
      2_592_000,
    ),
    additionalRules: manifests('Further rules of the same group'),
  }),
  dashboard: group('Grafana dashboard, as ConfigMap for the sidecar of Grafana’s chart', {
    enabled: flag('Make it', false),
    labels: texts('Labels by which the sidecar finds it', { grafana_dashboard: '1' }),
    annotations: texts('Annotations of it, such as grafana_folder'),
  }),
};

export const surroundings = {
  networkPolicy: group('NetworkPolicies', {
    enabled: flag('Make one for each program, and for the jobs of jobs.namespaces', false),
    webhookFrom: manifests('From where the webhook may be reached, as peers; from everywhere when empty'),
    metricsFrom: manifests(
      'From where metrics may be read, as peers; from the whole cluster’s pods when empty',
      [{ namespaceSelector: {} }],
    ),
    apiServerTo: manifests('Where the API server is, as peers; anywhere when empty'),
    apiServerPorts: {
      about: 'Ports of the API server',
      value: [443, 6443],
      schema: { type: 'array', items: { type: 'integer', minimum: 1, maximum: 65_535 }, minItems: 1 },
    },
    jobPorts: {
      about: 'Ports that jobs may reach besides: Microsoft, Postgres, the sink of events',
      value: [443, 5432],
      schema: { type: 'array', items: { type: 'integer', minimum: 1, maximum: 65_535 } },
    },
    jobTo: manifests('Where these are, as peers; anywhere when empty'),
  }),
  test: group('The pod of `helm test`', {
    enabled: flag('Offer it', true),
    timeoutSeconds: integer('How long it waits for what it looks for', 60, 1, 600),
    resources: manifest('Requests and limits', {
      requests: { cpu: '50m', memory: '64Mi' },
      limits: { memory: '128Mi' },
    }),
  }),
  extraObjects: {
    about: 'Further objects of the release, as objects or as text; both may have template expressions',
    value: [],
    schema: { type: 'array', items: { type: ['object', 'string'] } },
  },
};
