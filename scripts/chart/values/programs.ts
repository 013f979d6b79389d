import { operatorEnvironment } from '../../../api/operatorEnvironment.ts';
import { webhookEnvironment } from '../../../api/webhookEnvironment.ts';
import {
  choice,
  flag,
  group,
  integer,
  manifest,
  manifests,
  setting,
  text,
  texts,
  words,
} from '../valueNodes.ts';
import { serviceAccount } from './install.ts';
import { host, hostOrEmpty, objectNameOrEmpty, originOrEmpty } from './patterns.ts';

/** The two Deployments. */

const containerSecurity = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
};

const podSecurity = {
  runAsNonRoot: true,
  runAsUser: 65_532,
  runAsGroup: 65_532,
  seccompProfile: { type: 'RuntimeDefault' },
};

export const securityContexts = {
  podSecurityContext: manifest(
    'Security context of the pod: the restricted Pod Security Standard',
    podSecurity,
  ),
  securityContext: manifest('Security context of the container, likewise', containerSecurity),
};

export const placement = {
  nodeSelector: texts('Labels of the nodes that it may run on'),
  tolerations: manifests('Taints that it tolerates'),
  affinity: manifest('Affinity of its pods'),
  priorityClassName: text('Its PriorityClass', '', objectNameOrEmpty),
};

const spread = {
  topologySpreadConstraints: manifests(
    'How its pods are spread; a constraint without labelSelector is given the one of its pods',
    [
      { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' },
      { maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' },
    ],
  ),
  podDisruptionBudget: group('PodDisruptionBudget', {
    enabled: flag('Make one', true),
    maxUnavailable: integer('Pods that may be away at a time', 1, 0, 100),
  }),
};

const probe = (about: string, periodSeconds: number, failureThreshold: number) =>
  manifest(`${about}; the request itself is the chart’s`, {
    periodSeconds,
    timeoutSeconds: 5,
    failureThreshold,
  });

const deployment = (graceSeconds: number) => ({
  annotations: texts('Annotations of the Deployment'),
  podAnnotations: texts('Annotations of its pods'),
  podLabels: texts('Labels of its pods'),
  extraEnv: manifests('Further environment variables, as [{name: …, value: …}]; they win over the chart’s'),
  extraArgs: words('Arguments of Node, such as --max-old-space-size=384; the program itself takes none'),
  livenessProbe: probe('Liveness probe', 10, 3),
  readinessProbe: probe('Readiness probe', 5, 2),
  terminationGracePeriodSeconds: integer('Time to stop in', graceSeconds, 1, 3600),
  ...securityContexts,
  ...placement,
  ...spread,
});

const env = operatorEnvironment;
export const operator = group('The operator', {
  replicas: integer('Of which one leads; the others stand by', 2, 0, 20),
  workers: setting(env.OUTLOOK_OPERATOR_WORKERS),
  maxBackfills: setting(env.OUTLOOK_OPERATOR_MAX_BACKFILLS),
  cleanupTimeoutSeconds: setting(env.OUTLOOK_OPERATOR_CLEANUP_TIMEOUT_SECONDS),
  relistSeconds: setting(env.OUTLOOK_OPERATOR_RELIST_SECONDS),
  leaderElection: group('The Lease by which one of the replicas leads', {
    leaseDurationSeconds: setting(env.OUTLOOK_OPERATOR_LEASE_DURATION_SECONDS),
    renewDeadlineSeconds: setting(env.OUTLOOK_OPERATOR_LEASE_RENEW_SECONDS),
    retryPeriodSeconds: setting(env.OUTLOOK_OPERATOR_LEASE_RETRY_SECONDS),
  }),
  serviceAccount: serviceAccount('the release’s with -operator'),
  resources: manifest('Requests and limits', {
    requests: { cpu: '50m', memory: '128Mi' },
    limits: { memory: '512Mi' },
  }),
  ...deployment(30),
});

const ingress = group('Ingress for the two paths of the webhook', {
  enabled: flag('Make one', false),
  className: text('IngressClass; the cluster’s default when empty', '', objectNameOrEmpty),
  annotations: texts('Annotations of it'),
  host: text('Host name; that of webhook.publicUrl when empty', '', hostOrEmpty),
  tlsSecret: text(
    'Secret with the certificate. Empty: TLS is the ingress controller’s own affair',
    '',
    objectNameOrEmpty,
  ),
});

const httpRoute = group('HTTPRoute of the Gateway API for the two paths of the webhook', {
  enabled: flag('Make one', false),
  annotations: texts('Annotations of it'),
  parentRefs: manifests('Gateways that it belongs to, as [{name: …, namespace: …}]. Required with enabled'),
  hostnames: words('Host names; that of webhook.publicUrl when empty', [], host),
});

const service = group('The Service that faces the ingress', {
  type: choice('Its type', 'ClusterIP', ['ClusterIP', 'NodePort', 'LoadBalancer']),
  port: integer('Its port', 80, 1, 65_535),
  annotations: texts('Annotations of it'),
});

export const webhook = group('The webhook, which takes Microsoft Graph’s change notifications', {
  enabled: flag('Run it, and have the jobs subscribe for providers with spec.push.enabled', false),
  publicUrl: text(
    'How Microsoft reaches it, such as https://outlook.example.com, without a path. Empty: the host of the ingress or the HTTPRoute. One of them is required with enabled',
    '',
    originOrEmpty,
  ),
  replicas: integer('How many, where autoscaling is off', 2, 0, 100),
  trustProxy: choice(
    `${webhookEnvironment.OUTLOOK_WEBHOOK_TRUST_PROXY.meaning}. auto: with the chart’s ingress or HTTPRoute`,
    'auto',
    ['auto', true, false],
  ),
  rateLimit: setting(webhookEnvironment.OUTLOOK_WEBHOOK_RATE_LIMIT),
  bodyLimitBytes: setting(webhookEnvironment.OUTLOOK_WEBHOOK_BODY_LIMIT_BYTES),
  requestTimeoutMs: setting(webhookEnvironment.OUTLOOK_WEBHOOK_REQUEST_TIMEOUT_MS),
  writeTimeoutMs: setting(webhookEnvironment.OUTLOOK_WEBHOOK_WRITE_TIMEOUT_MS),
  service,
  ingress,
  httpRoute,
  autoscaling: group('HorizontalPodAutoscaler', {
    enabled: flag('Make one', false),
    minReplicas: integer('At least', 2, 1, 100),
    maxReplicas: integer('At most', 10, 1, 1000),
    targetCPUUtilizationPercentage: integer('Of the requested processor time', 70, 1, 1000),
    behavior: manifest('How fast it grows and shrinks'),
  }),
  preStopSeconds: integer(
    'How long a pod goes on answering after it was taken from the Service, until all have heard of it',
    5,
    0,
    60,
  ),
  serviceAccount: serviceAccount('the release’s with -webhook'),
  resources: manifest('Requests and limits', {
    requests: { cpu: '50m', memory: '96Mi' },
    limits: { memory: '256Mi' },
  }),
  ...deployment(30),
});
