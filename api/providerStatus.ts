import * as z from 'zod';
import { triggers } from './resource.ts';

/**
 * `status` of an OutlookProvider. Each field has one writer, by server-side apply under its own field manager; the
 * groups below say whose it is. A status is read leniently: it may be from another version, or written by hand.
 */
const time = z.iso.datetime({ offset: true }).meta({ format: 'date-time' });
const count = z.int().min(0);

export const phases = ['Pending', 'Syncing', 'Connected', 'Error', 'Suspended'] as const;
export type Phase = (typeof phases)[number];

export const cursorStates = ['None', 'Bootstrapping', 'Paging', 'Steady'] as const;

const conditionSchema = z.object({
  type: z.string().min(1).max(316).describe('What the condition is about'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether it is so'),
  reason: z.string().min(1).max(1024).describe('Why, in one word for programs'),
  message: z.string().max(32_768).describe('Why, in words for people'),
  observedGeneration: count.optional().describe('Generation of the spec that this is about'),
  lastTransitionTime: time.describe('When the status changed last'),
});

/** Of the operator, but for `phase`, which the job sets while it runs and the operator where no job can. */
const operatorFields = {
  observedGeneration: count.describe('Generation of the spec that the operator has acted on'),
  nextSyncAt: time.describe('When the schedule fires next'),
  lastHandledSyncRequest: z
    .string()
    .describe(
      'The value of the annotation sync-requested-at, of syncRequestedAt, or both, that was acted on last',
    ),
  lastHandledResyncRequest: z
    .string()
    .describe('The value of the annotation resync-requested-at acted on last'),
  lastLostPod: z.string().describe('The last pod of the job that ended without a word, by its uid'),
} as const;

const jobFields = {
  providerId: z.string().describe('The row of email_providers'),
  lastAttemptAt: time.describe('When the last run began'),
  lastSyncedAt: time.describe('When a run last succeeded'),
  lastSyncDuration: z.string().describe('How long that took, such as 1.083s'),
  lastSyncError: z.string().describe('Why the last run failed; absent when it did not'),
  lastSyncErrorAt: time.describe('When it failed'),
  attempts: count.describe('Tries of the last run'),
  consecutiveFailures: count.describe('Runs that failed since the last success'),
  cursor: z.enum(cursorStates).describe('Bootstrapping or Paging while there is more to read, else Steady'),
  messages: z
    .object({
      upserted: count.describe('Written by the last run'),
      removed: count.describe('Removed by the last run'),
      stored: count.describe('In Postgres'),
    })
    .describe('Counts of messages'),
  subscription: z
    .object({
      id: z.string().describe('As Graph calls it'),
      expiresAt: time.describe('When it ends unless it is renewed'),
    })
    .describe("Graph's subscription for change notifications"),
  lastJob: z.string().describe('The Job of the last run'),
  lastTrigger: z.enum(triggers).describe('Why the last run was started'),
  credentialsVersion: z.string().describe('Version of the credentials Secret that the last run was made for'),
} as const;

/** Lifecycle events after which the subscription is to be renewed or made anew (Graph docs: lifecycle notifications). */
export const subscriptionEvents = ['reauthorizationRequired', 'subscriptionRemoved'] as const;

const webhookFields = {
  syncRequestedAt: time.describe('When a change notification last asked for a sync'),
  subscriptionEvent: z
    .object({
      event: z.enum(subscriptionEvents).describe('As Graph calls it'),
      at: time.describe('When it was told'),
    })
    .describe('What Graph last told of the subscription itself; the next run acts on it'),
} as const;

/** Who writes a field; the job sets `phase` while it runs, and the operator where no job can. */
export const statusWriters: Readonly<Record<string, string>> = {
  phase: 'operator, job',
  conditions: 'operator, job',
  ...Object.fromEntries(Object.keys(operatorFields).map((name) => [name, 'operator'])),
  ...Object.fromEntries(Object.keys(jobFields).map((name) => [name, 'job'])),
  ...Object.fromEntries(Object.keys(webhookFields).map((name) => [name, 'webhook'])),
};

export const operatorFieldNames = Object.keys(operatorFields) as (keyof typeof operatorFields)[];
export const jobFieldNames = Object.keys(jobFields) as (keyof typeof jobFields)[];

const fields = {
  phase: z.enum(phases).describe('Where the provider stands, in one word'),
  ...operatorFields,
  ...jobFields,
  ...webhookFields,
} as const;

/** The schema that the CRD states. */
export const providerStatus = z
  .object({
    ...fields,
    conditions: z
      .array(conditionSchema)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
      .describe('One entry for each type'),
  })
  .partial()
  .describe('What is seen');
export type ProviderStatus = z.infer<typeof providerStatus>;

/** Reads a status field by field: one that is not valid counts as absent, and none makes another unreadable. */
export function readStatus(raw: unknown): ProviderStatus {
  const source = typeof raw === 'object' && raw !== null ? (raw as Record<string, unknown>) : {};
  const read = Object.entries(fields).flatMap(([name, schema]) => {
    const parsed = schema.safeParse(source[name]);
    return parsed.success ? [[name, parsed.data]] : [];
  });
  const list = Array.isArray(source['conditions']) ? source['conditions'] : [];
  const conditions = list.flatMap((one) => {
    const parsed = conditionSchema.safeParse(one);
    return parsed.success ? [parsed.data] : [];
  });
  return { ...(Object.fromEntries(read) as ProviderStatus), conditions };
}
