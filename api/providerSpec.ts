import * as z from 'zod';
import {
  emailPattern,
  historyPattern,
  objectNamePattern,
  schedulePattern,
  tenantPattern,
  timeZonePattern,
  uuidPattern,
} from './patterns.ts';

/**
 * `spec` of an OutlookProvider: the single source of the CRD, of the reference page and of what the operator reads.
 * A number out of range is refused here; the same number in an environment variable of the job is clamped.
 */
const text = (max: number) => z.string().min(1).max(max);
const matching = (pattern: string, max: number) => text(max).regex(new RegExp(pattern));
const integer = (min: number, max: number, fallback: number) => z.int().min(min).max(max).default(fallback);
const folders = z
  .array(text(512))
  .max(100)
  .default([])
  .describe('Well-known name (inbox, sentitems, …), folder id, or path of display names');

const owner = z
  .object({
    userId: text(253).describe('The user of the unified inbox whom the mail belongs to'),
    workspaceId: text(253).optional().describe("The user's workspace; absent is the same as none"),
  })
  .describe('Whom the mail belongs to in the unified inbox');

const auth = z
  .object({
    mode: z
      .enum(['Delegated', 'Application'])
      .default('Delegated')
      .describe("Delegated acts for the user who signed in, Application with the app's own permission"),
    tenantId: matching(tenantPattern, 253)
      .default('common')
      .describe('Tenant id or domain; Application mode needs one'),
    cloud: z
      .enum(['Global', 'USGov', 'USGovDoD', 'China'])
      .default('Global')
      .describe("Microsoft's cloud that the tenant lives in"),
  })
  .prefault({})
  .describe('How the job signs in');

const sync = z
  .object({
    maxMessages: integer(1, 1000, 100).describe(
      'Newest messages that a first sync shows before it walks the folders',
    ),
    deltaPageLimit: integer(1, 20, 5).describe('Delta pages that one cursor may take in one run'),
    pageSize: integer(1, 1000, 100).describe('Messages asked for per page; Graph takes it as a hint'),
    history: matching(historyPattern, 64)
      .default('All')
      .describe('How far back mail is kept: All, or an ISO 8601 duration such as P90D'),
    folders: z
      .object({
        include: folders.describe(
          'Only these folders and all below them; empty: all but the usual exclusions',
        ),
        exclude: folders.describe('Not these folders nor anything below them; wins over include'),
      })
      .prefault({})
      .describe('Which folders are synced: well-known names, ids, or paths of display names'),
    deltaScope: z
      .enum(['Auto', 'Folders', 'Mailbox'])
      .default('Auto')
      .describe('Auto asks Graph once whether the whole mailbox has one delta, and else walks the folders'),
    storeRawPayload: z.boolean().default(false).describe('Also keep each message as Graph gave it'),
    retries: integer(0, 5, 1).describe('Further attempts within a run after a failed one'),
    retryBackoffMs: integer(50, 15_000, 250).describe(
      'Milliseconds before the second attempt, doubled for each one after it',
    ),
    jitterMs: integer(0, 10_000, 150).describe(
      'A scheduled run and each retry wait a random time up to this',
    ),
  })
  .prefault({})
  .describe('What one run does');

const preserved = (description: string) =>
  z.looseObject({}).meta({ 'x-kubernetes-preserve-unknown-fields': true }).describe(description);

const podTemplate = z
  .object({
    annotations: z.record(z.string(), z.string()).optional().describe('Annotations of the pods'),
    nodeSelector: z.record(z.string(), z.string()).optional().describe('Labels that a node must have'),
    tolerations: z.array(preserved('A toleration, as in a PodSpec')).max(50).optional(),
    affinity: preserved('As in a PodSpec').optional(),
    priorityClassName: matching(objectNamePattern, 253).optional().describe('Priority class of the pods'),
    resources: preserved('Requests and limits of the container, as in a PodSpec').optional(),
  })
  .describe('How the pods of the job are placed and sized');

export const providerSpec = z.object({
  emailAddress: matching(emailPattern, 254).describe('Address of the mailbox'),
  userPrincipalName: matching(emailPattern, 254)
    .optional()
    .describe('The mailbox in Application mode, where its sign-in name is not the address'),
  owner,
  providerId: matching(uuidPattern, 36)
    .optional()
    .describe(
      'The row of email_providers to adopt; absent: one is made under the uid of this resource. Immutable',
    ),
  schedule: matching(schedulePattern, 100)
    .default('H/5 * * * *')
    .describe('Five cron fields; H stands for a stable value of its own, so that not all run at once'),
  timeZone: matching(timeZonePattern, 64)
    .optional()
    .describe('Of the schedule, such as Europe/Berlin; absent: UTC'),
  suspend: z.boolean().default(false).describe('No syncs while this is set'),
  credentialsSecretRef: z
    .object({ name: matching(objectNamePattern, 253).describe('Name of the Secret') })
    .optional()
    .describe('Secret of this namespace with the key refreshToken; needed in Delegated mode'),
  auth,
  sync,
  push: z
    .object({ enabled: z.boolean().default(false).describe('Ask Graph to notify the webhook of changes') })
    .prefault({})
    .describe('Near-real-time sync'),
  deletionPolicy: z
    .enum(['Retain', 'Delete'])
    .default('Retain')
    .describe('What becomes of the rows in Postgres when this resource is deleted'),
  podTemplate: podTemplate.optional(),
});

export type ProviderSpec = z.output<typeof providerSpec>;
