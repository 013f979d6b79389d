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

export const conditionSchema = z.object({
  type: z.string().min(1).max(316),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().min(1).max(1024),
  message: z.string().max(32_768),
  observedGeneration: count.optional(),
  lastTransitionTime: time,
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
    .object({ id: z.string(), expiresAt: time })
    .describe("Graph's subscription for change notifications"),
  lastJob: z.string().describe('The Job of the last run'),
  lastTrigger: z.enum(triggers).describe('Why the last run was started'),
  credentialsVersion: z.string().describe('Version of the credentials Secret that the last run was made for'),
} as const;

const webhookFields = {
  syncRequestedAt: time.describe('When a change notification last asked for a sync'),
} as const;

export const jobFieldNames = Object.keys(jobFields) as (keyof typeof jobFields)[];

const fields = {
  phase: z.enum(phases).describe('Where the provider stands, in one word'),
  ...operatorFields,
  ...jobFields,
  ...webhookFields,
} as const;

/** The schema that the CRD states. */
export const providerStatus = z.object({ ...fields, conditions: z.array(conditionSchema) }).partial();
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
