import { conditionTypes } from './conditions.ts';
import { providerSpec } from './providerSpec.ts';
import { providerStatus } from './providerStatus.ts';
import { group, outlookProviders, version } from './resource.ts';
import { type StructuralSchema, structuralSchema } from './structuralSchema.ts';

/** A column of `kubectl get outlookproviders`; those of priority 1 are for `-o wide`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly priority?: 1;
  readonly description: string;
}

const ready = `.status.conditions[?(@.type=="${conditionTypes.ready}")]`;

export const printerColumns: readonly PrinterColumn[] = [
  { name: 'EMAIL', type: 'string', jsonPath: '.spec.emailAddress', description: 'Address of the mailbox' },
  { name: 'STATUS', type: 'string', jsonPath: '.status.phase', description: 'Where the provider stands' },
  { name: 'READY', type: 'string', jsonPath: `${ready}.status`, description: 'Whether all is well' },
  {
    name: 'LAST SYNC',
    type: 'date',
    jsonPath: '.status.lastSyncedAt',
    description: 'How long ago a run last succeeded',
  },
  {
    name: 'MESSAGES',
    type: 'integer',
    jsonPath: '.status.messages.stored',
    description: 'Messages in Postgres',
  },
  { name: 'SCHEDULE', type: 'string', jsonPath: '.spec.schedule', description: 'As the spec has it' },
  { name: 'AGE', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Since its creation' },
  {
    name: 'REASON',
    type: 'string',
    jsonPath: `${ready}.reason`,
    priority: 1,
    description: 'Why it is ready, or is not',
  },
  {
    name: 'ERROR',
    type: 'string',
    jsonPath: '.status.lastSyncError',
    priority: 1,
    description: 'Why the last run failed',
  },
  {
    // A date would be printed as an age, and a time to come as <invalid>.
    name: 'NEXT SYNC',
    type: 'string',
    jsonPath: '.status.nextSyncAt',
    priority: 1,
    description: 'When the schedule fires next',
  },
  {
    name: 'PROVIDER ID',
    type: 'string',
    jsonPath: '.status.providerId',
    priority: 1,
    description: 'The row of email_providers',
  },
];

const metadata = {
  apiVersion: {
    description: 'Version of the schema that this object is written in',
    type: 'string',
  },
  kind: { description: 'Kind of this object', type: 'string' },
  metadata: { type: 'object' },
} as const satisfies Record<string, StructuralSchema>;

const schema: StructuralSchema = {
  description: 'A mailbox of Outlook that is kept in Postgres',
  type: 'object',
  required: ['spec'],
  properties: {
    ...metadata,
    spec: structuralSchema(providerSpec),
    status: structuralSchema(providerStatus),
  },
};

/** The CustomResourceDefinition of OutlookProvider, as data. */
export const outlookProviderCrd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${outlookProviders.plural}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: {
      kind: outlookProviders.kind,
      listKind: `${outlookProviders.kind}List`,
      plural: outlookProviders.plural,
      singular: outlookProviders.kind.toLowerCase(),
      shortNames: ['olp'],
      categories: ['outlook'],
    },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: printerColumns,
        schema: { openAPIV3Schema: schema },
      },
    ],
  },
};
