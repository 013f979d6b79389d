// A Pod as the process node reads it: what it can honour, and enough of the rest to refuse it.
import * as z from 'zod';

const name = z.string().default('');
const optional = z.boolean().default(false);
const keyRef = z.object({ name, key: z.string(), optional });
const mapRef = z.object({ name, optional });
const fieldRef = z.object({ fieldPath: z.string() });
const items = z.array(z.object({ key: z.string(), path: z.string() })).optional();

const envVar = z.object({
  name: z.string(),
  value: z.string().default(''),
  valueFrom: z
    .object({
      secretKeyRef: keyRef.optional(),
      configMapKeyRef: keyRef.optional(),
      fieldRef: fieldRef.optional(),
      resourceFieldRef: z.unknown().optional(),
      fileKeyRef: z.unknown().optional(),
    })
    .optional(),
});

const probe = z.object({
  httpGet: z
    .object({
      path: z.string().default('/'),
      port: z.union([z.int(), z.string()]),
      scheme: z.string().default('HTTP'),
    })
    .optional(),
  initialDelaySeconds: z.int().default(0),
  periodSeconds: z.int().default(10),
  timeoutSeconds: z.int().default(1),
  successThreshold: z.int().default(1),
  failureThreshold: z.int().default(3),
});

const container = z.object({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()).default([]),
  args: z.array(z.string()).default([]),
  workingDir: z.string().optional(),
  env: z.array(envVar).default([]),
  envFrom: z
    .array(
      z.object({
        prefix: z.string().default(''),
        secretRef: mapRef.optional(),
        configMapRef: mapRef.optional(),
      }),
    )
    .default([]),
  volumeMounts: z
    .array(z.object({ name: z.string(), mountPath: z.string(), subPath: z.string().default('') }))
    .default([]),
  resources: z.object({ limits: z.record(z.string(), z.string()).default({}) }).prefault({}),
  ports: z.array(z.object({ name: z.string().default(''), containerPort: z.int() })).default([]),
  startupProbe: probe.optional(),
  readinessProbe: probe.optional(),
  livenessProbe: probe.optional(),
  lifecycle: z.unknown().optional(),
  securityContext: z.object({ privileged: z.boolean().default(false) }).optional(),
  terminationMessagePath: z.string().default('/dev/termination-log'),
  terminationMessagePolicy: z.enum(['File', 'FallbackToLogsOnError']).default('File'),
});

const downward = z.object({
  items: z.array(z.object({ path: z.string(), fieldRef: fieldRef.optional() })).default([]),
});

const projection = z.object({
  serviceAccountToken: z
    .object({
      audience: z.string().optional(),
      expirationSeconds: z.int().default(3600),
      path: z.string(),
    })
    .optional(),
  configMap: z.object({ name, items, optional }).optional(),
  secret: z.object({ name, items, optional }).optional(),
  downwardAPI: downward.optional(),
});

const volume = z.looseObject({
  name: z.string(),
  emptyDir: z.object({}).optional(),
  secret: z.object({ secretName: z.string(), items, optional }).optional(),
  configMap: z.object({ name, items, optional }).optional(),
  downwardAPI: downward.optional(),
  projected: z.object({ sources: z.array(projection).default([]) }).optional(),
});

export const podSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
    creationTimestamp: z.string(),
    deletionTimestamp: z.string().optional(),
    deletionGracePeriodSeconds: z.int().default(0),
  }),
  spec: z.object({
    nodeName: z.string().optional(),
    nodeSelector: z.record(z.string(), z.string()).default({}),
    schedulingGates: z.array(z.unknown()).default([]),
    serviceAccountName: z.string().default('default'),
    restartPolicy: z.enum(['Always', 'OnFailure', 'Never']).default('Always'),
    terminationGracePeriodSeconds: z.int().default(30),
    activeDeadlineSeconds: z.int().optional(),
    initContainers: z.array(z.unknown()).default([]),
    containers: z.array(container),
    volumes: z.array(volume).default([]),
  }),
  status: z.object({ phase: z.string().default('Pending') }).prefault({}),
});

export type Pod = z.infer<typeof podSchema>;
export type Container = Pod['spec']['containers'][number];
export type Volume = Pod['spec']['volumes'][number];
export type Probe = z.infer<typeof probe>;
export type Projection = z.infer<typeof projection>;
export type KeyItems = z.infer<typeof items>;
