/**
 * Names under which the programs know each other's work in the API server. They are a contract with everything that
 * is already stored there: changing one orphans what carries the old one.
 */

export const group = 'outlooksync.dev';
export const version = 'v1alpha1';
export const apiVersion = `${group}/${version}`;

export const outlookProviders = {
  group,
  version,
  plural: 'outlookproviders',
  kind: 'OutlookProvider',
  namespaced: true,
} as const;

export const labels = {
  /** On everything the operator makes; what it watches is selected by it. */
  managedBy: 'app.kubernetes.io/managed-by',
  /** The name of the provider's CronJob and Lease: unlike the provider's own it always fits a label. */
  instance: `${group}/instance`,
  /** Why a Job was started; one of `triggers`. */
  trigger: `${group}/trigger`,
} as const;

/** The value of `labels.managedBy`. */
export const managedByOperator = 'outlook-sync';

export const annotations = {
  /** On a CronJob, Job, Pod or Lease, and on a Secret that `connect` made: the name of its OutlookProvider, in the same namespace. */
  provider: `${group}/provider`,
  /** On a Job and its Pods: which version of the credentials Secret they were made for. */
  credentialsVersion: `${group}/credentials-version`,
  /** Set by people on an OutlookProvider: any new value asks for one sync, soon. */
  syncRequestedAt: `${group}/sync-requested-at`,
  /** Likewise, for a sync that walks the whole mailbox anew. */
  resyncRequestedAt: `${group}/resync-requested-at`,
} as const;

/** Holds a provider that is being deleted until its cleanup Job has ended. */
export const finalizer = `${group}/cleanup`;

/** Who applies which fields: see `providerStatus` for the status. */
export const fieldManagers = {
  operator: 'outlook-sync-operator',
  job: 'outlook-sync-job',
  webhook: 'outlook-sync-webhook',
  connect: 'outlook-sync-connect',
} as const;

export const triggers = ['schedule', 'push', 'manual', 'backfill', 'resync'] as const;
export type Trigger = (typeof triggers)[number];
