// What is kept of an object of the API server: only what decides, for ten thousand providers with their children have
// to fit into a small pod. Reducing never throws: what cannot be read counts as absent.
import * as z from 'zod';
import { jobContainer, jobEnvironment } from '../../api/jobEnvironment.ts';
import { annotations, group, labels, managedByOperator, triggers } from '../../api/resource.ts';
import type { KubeObject, ObjectMeta } from '../../kube/object.ts';
import type { ObservedCronJob, ObservedJob, ObservedOwned, ObservedPod } from '../plan/observed.ts';
import { type PackedText, TextPacker } from './packedText.ts';
import { providerTokens } from './providerTokens.ts';

export interface ProviderRecord extends KubeObject {
  /** As JSON: parsed only when the provider is worked on. */
  readonly specJson: string;
  readonly statusJson: string;
  /** What it is looked up by: see `providerTokens`. */
  readonly tokens: readonly string[];
}

/** Of an object that exists for a provider: the provider's name, as the object claims it. */
interface ChildRecord extends KubeObject {
  readonly provider: string | null;
  readonly controllerUid: string | null;
  readonly orphanOf?: string;
}

export interface CronJobRecord extends ChildRecord {
  readonly observed: Omit<ObservedCronJob, 'specJson'>;
  readonly packedSpec: PackedText;
}
export interface JobRecord extends ChildRecord {
  readonly observed: ObservedJob;
}
export interface PodRecord extends ChildRecord {
  readonly observed: ObservedPod;
}
export type LeaseRecord = ChildRecord;
export type SecretRecord = Pick<ChildRecord, 'controllerUid' | 'orphanOf'> & KubeObject;
export interface NamespaceRecord extends KubeObject {
  readonly isTerminating: boolean;
}

function essential({ metadata }: KubeObject): ObjectMeta {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp } = metadata;
  return {
    name,
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(creationTimestamp !== undefined && { creationTimestamp }),
    ...(deletionTimestamp !== undefined && { deletionTimestamp }),
  };
}

function kindOf({ apiVersion, kind }: KubeObject): Pick<KubeObject, 'apiVersion' | 'kind'> {
  return { apiVersion, kind };
}

function controllerOf({ metadata }: KubeObject): { uid: string; name: string; kind: string } | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}

function childOf(raw: KubeObject): ChildRecord {
  const controllerUid = controllerOf(raw)?.uid ?? null;
  const provider = raw.metadata.annotations?.[annotations.provider] ?? null;
  const isMarked = raw.metadata.labels?.[labels.managedBy] === managedByOperator;
  const isOrphan = controllerUid === null && provider !== null && isMarked;
  const orphan = isOrphan ? { orphanOf: provider } : {};
  return { ...kindOf(raw), metadata: essential(raw), provider, controllerUid, ...orphan };
}

export function reduceProvider(raw: KubeObject): ProviderRecord {
  const { spec, status } = raw as KubeObject & { readonly spec?: unknown; readonly status?: unknown };
  const { generation = 0, finalizers = [], annotations: all = {} } = raw.metadata;
  // kubectl's copy of the whole object is one of them.
  const own = Object.entries(all).filter(([name]) => name.startsWith(`${group}/`));
  const metadata = { ...essential(raw), generation, finalizers, annotations: Object.fromEntries(own) };
  return {
    ...kindOf(raw),
    metadata,
    specJson: JSON.stringify(spec ?? {}),
    statusJson: JSON.stringify(status ?? {}),
    tokens: providerTokens(metadata, spec),
  };
}

export function reduceLease(raw: KubeObject): LeaseRecord {
  return childOf(raw);
}

export function reduceSecret(raw: KubeObject): SecretRecord {
  return { ...kindOf(raw), metadata: essential(raw), controllerUid: controllerOf(raw)?.uid ?? null };
}

export function reduceNamespace(raw: KubeObject): NamespaceRecord {
  const isTerminating = raw.metadata.deletionTimestamp !== undefined;
  return { ...kindOf(raw), metadata: essential(raw), isTerminating };
}

export function ownedPart({ metadata, controllerUid, orphanOf }: SecretRecord): ObservedOwned {
  const { uid = '', resourceVersion = '' } = metadata;
  return { uid, resourceVersion, controllerUid, ...(orphanOf !== undefined && { orphanOf }) };
}

const specs = new TextPacker();

export function reduceCronJob(raw: KubeObject): CronJobRecord {
  const child = childOf(raw);
  const { spec } = raw as KubeObject & { readonly spec?: unknown };
  const observed = {
    ...ownedPart(child),
    labels: raw.metadata.labels ?? {},
    annotations: raw.metadata.annotations ?? {},
    deletedAt: raw.metadata.deletionTimestamp ?? null,
  };
  return { ...child, observed, packedSpec: specs.pack(JSON.stringify(spec ?? {})) };
}

export function cronJobOf({ observed, packedSpec }: CronJobRecord): ObservedCronJob {
  return { ...observed, specJson: specs.unpack(packedSpec) };
}

const text = z.string().nullable().catch(null).default(null);

const jobSchema = z.object({
  spec: z
    .object({
      template: z.object({
        spec: z.object({
          containers: z.array(
            z.object({
              name: text,
              env: z
                .array(z.object({ name: text, value: text }))
                .catch([])
                .default([]),
            }),
          ),
        }),
      }),
    })
    .optional()
    .catch(undefined),
  status: z
    .object({
      completionTime: text,
      conditions: z
        .array(z.object({ type: text, status: text, reason: text, lastTransitionTime: text }))
        .catch([])
        .default([]),
    })
    .prefault({})
    .catch({ completionTime: null, conditions: [] }),
});
type ParsedJob = z.infer<typeof jobSchema>;

const triggerName = z.enum(triggers).nullable().catch(null);

export function reduceJob(raw: KubeObject): JobRecord {
  const child = childOf(raw);
  const { uid = '', creationTimestamp = '', deletionTimestamp, name } = child.metadata;
  const parsed = jobSchema.parse({ ...raw });
  const { labels: named = {}, annotations: noted = {} } = raw.metadata;
  const observed: ObservedJob = {
    name,
    uid,
    createdAt: creationTimestamp,
    deletedAt: deletionTimestamp ?? null,
    trigger: triggerName.parse(named[labels.trigger] ?? null),
    generation: Number(variableOf(parsed, jobEnvironment.generation)) || 0,
    credentialsVersion: noted[annotations.credentialsVersion] ?? '',
    ...ending(parsed),
  };
  return { ...child, observed };
}

function variableOf({ spec }: ParsedJob, wanted: string): string | undefined {
  const containers = spec?.template.spec.containers ?? [];
  const container = containers.find(({ name }) => name === jobContainer);
  return container?.env.find(({ name }) => name === wanted)?.value ?? undefined;
}

function ending({ status }: ParsedJob): Pick<ObservedJob, 'phase' | 'finishedAt' | 'failureReason'> {
  const isSet = (wanted: string) =>
    status.conditions.find((one) => one.type === wanted && one.status === 'True');
  const failed = isSet('Failed');
  if (failed !== undefined)
    return { phase: 'failed', finishedAt: failed.lastTransitionTime, failureReason: failed.reason };
  const complete = isSet('Complete');
  // That it is to fail is said before its pods are ended for it: they are not to be taken for dead by themselves.
  const failureReason = isSet('FailureTarget')?.reason ?? null;
  if (complete === undefined) return { phase: 'active', finishedAt: null, failureReason };
  const finishedAt = status.completionTime ?? complete.lastTransitionTime;
  return { phase: 'complete', finishedAt, failureReason: null };
}

const stateSchema = z.object({
  waiting: z.object({ reason: text, message: text }).prefault({}),
  terminated: z
    .object({
      exitCode: z.int().nullable().catch(null).default(null),
      reason: text,
      message: text,
      finishedAt: text,
    })
    .prefault({}),
});
const noState = stateSchema.parse({});

const podSchema = z.object({
  phase: z.enum(['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown']).catch('Unknown'),
  reason: text,
  conditions: z
    .array(z.object({ type: text, status: text }))
    .catch([])
    .default([]),
  containerStatuses: z
    .array(z.object({ name: text, state: stateSchema.catch(noState).default(noState) }))
    .catch([])
    .default([]),
});

function jobOf({ metadata }: KubeObject): string {
  const { labels: all = {} } = metadata;
  return all['batch.kubernetes.io/job-name'] ?? all['job-name'] ?? '';
}

export function reducePod(raw: KubeObject): PodRecord {
  const child = childOf(raw);
  const { uid = '', creationTimestamp = '', name } = child.metadata;
  const { status } = raw as KubeObject & { readonly status?: object };
  const { phase, reason, conditions, containerStatuses } = podSchema.parse({ ...status });
  const ours = containerStatuses.find((container) => container.name === jobContainer);
  const { waiting, terminated } = ours?.state ?? noState;
  const observed: ObservedPod = {
    name,
    uid,
    jobName: jobOf(raw),
    createdAt: creationTimestamp,
    phase,
    reason,
    disrupted: conditions.some((one) => one.type === 'DisruptionTarget' && one.status === 'True'),
    waitingReason: waiting.reason,
    waitingMessage: waiting.message,
    exitCode: terminated.exitCode,
    terminatedReason: terminated.reason,
    terminationMessage: terminated.message,
    finishedAt: terminated.finishedAt,
  };
  return { ...child, observed };
}
