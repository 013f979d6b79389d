import * as z from 'zod';
import { type FieldsRule, type Rule, authRules, changeRules, specRules, textRules } from './specRules.ts';

/**
 * `spec` of an OutlookProvider: the single source of the CRD, of the reference page and of what the operator reads.
 * A number out of range is refused here; the same number in an environment variable of the job is clamped.
 * Unknown fields are dropped, as the API server drops them.
 */
/** As in the API server, rules are asked of nothing that is too short or too long. */
const text = (max: number) => z.string().min(1, { abort: true }).max(max, { abort: true });
const integer = (min: number, max: number, fallback: number) => z.int().min(min).max(max).default(fallback);

/** A rule as a CRD states it. */
const validation = ({ cel, message }: Rule<never>) => ({ rule: cel, message });
const fieldsValidation = (rule: FieldsRule<never>) => ({
  ...validation(rule),
  reason: rule.reason,
  fieldPath: `.${rule.field}`,
});

const ruled = (rules: readonly Rule<string>[], max: number) =>
  rules
    .reduce((schema, { holds, message }) => schema.refine(holds, { message, abort: true }), text(max))
    .meta({ 'x-kubernetes-validations': rules.map(validation) });

/** Puts each rule that does not hold to the field that it blames. */
const judge =
  <T>(rules: readonly FieldsRule<T>[]) =>
  (value: T, context: z.core.$RefinementCtx): void => {
    for (const { field, holds, message } of rules) {
      if (!holds(value)) context.addIssue({ code: 'custom', path: [field], message });
    }
  };

const folders = z
  .array(ruled(textRules.folder, 512))
  .max(100)
  .default([])
  .describe('Well-known name (inbox, sentitems, …), folder id, or path of display names');

/** A map of strings, with at most `max` entries. */
const strings = (max: number) =>
  z
    .record(z.string(), z.string())
    .refine((map) => Object.keys(map).length <= max, `at most ${max} entries`)
    .meta({ maxProperties: max });

const owner = z
  .object({
    userId: ruled(textRules.userId, 253).describe('The user of the unified inbox whom the mail belongs to'),
    workspaceId: ruled(textRules.workspaceId, 253)
      .optional()
      .describe("The user's workspace; absent is the same as none"),
  })
  .describe('Whom the mail belongs to in the unified inbox');

const auth = z
  .object({
    mode: z
      .enum(['Delegated', 'Application'])
      .default('Delegated')
      .describe("Delegated acts for the user who signed in, Application with the app's own permission"),
    tenantId: ruled(textRules.tenantId, 253)
      .default('common')
      .describe('Tenant id or domain; Application mode needs one'),
    cloud: z
      .enum(['Global', 'USGov', 'USGovDoD', 'China'])
      .default('Global')
      .describe("Microsoft's cloud that the tenant lives in"),
  })
  .superRefine(judge(authRules))
  .meta({ 'x-kubernetes-validations': authRules.map(fieldsValidation) })
  .prefault({})
  .describe('How the job signs in');

const sync = z
  .object({
    maxMessages: integer(1, 1000, 100).describe(
      'Newest messages that a first sync shows before it walks the folders',
    ),
    deltaPageLimit: integer(1, 20, 5).describe('Delta pages that one cursor may take in one run'),
    pageSize: integer(1, 1000, 100).describe('Messages asked for per page; Graph takes it as a hint'),
    history: ruled(textRules.history, 64)
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
    annotations: strings(100).optional().describe('Annotations of the pods'),
    nodeSelector: strings(100).optional().describe('Labels that a node must have'),
    tolerations: z
      .array(preserved('A toleration, as in a PodSpec'))
      .max(50)
      .optional()
      .describe('Taints of nodes that the pods bear'),
    affinity: preserved('As in a PodSpec').optional(),
    priorityClassName: ruled(textRules.priorityClassName, 253)
      .optional()
      .describe('Priority class of the pods'),
    resources: preserved('Requests and limits of the container, as in a PodSpec').optional(),
  })
  .describe('How the pods of the job are placed and sized');

const fields = z.object({
  emailAddress: ruled(textRules.emailAddress, 254).describe('Address of the mailbox'),
  userPrincipalName: ruled(textRules.userPrincipalName, 254)
    .optional()
    .describe('The mailbox in Application mode, where its sign-in name is not the address'),
  owner,
  providerId: ruled(textRules.providerId, 36)
    .optional()
    .describe(
      'The row of email_providers to adopt; absent: one is made under the uid of this resource. Immutable',
    ),
  schedule: ruled(textRules.schedule, 100)
    .default('H/5 * * * *')
    .describe('Five cron fields; H stands for a stable value of its own, so that not all run at once'),
  timeZone: ruled(textRules.timeZone, 64)
    .optional()
    .describe('Of the schedule, such as Europe/Berlin; absent: UTC'),
  suspend: z.boolean().default(false).describe('No syncs while this is set'),
  credentialsSecretRef: z
    .object({ name: ruled(textRules.secretName, 253).describe('Name of the Secret') })
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

export const providerSpec = fields
  .superRefine(judge(specRules))
  .meta({
    'x-kubernetes-validations': [...specRules.map(fieldsValidation), ...changeRules.map(fieldsValidation)],
  })
  .describe('What is asked for');

export type ProviderSpec = z.output<typeof providerSpec>;
