/**
 * What the operator tells a pod of the job about itself, by environment variables. People do not set them: without a
 * cluster there is `--standalone`.
 */
export const jobEnvironment = {
  /** The OutlookProvider: namespace, name, uid, and the generation of the spec that the run is made from. */
  namespace: 'OUTLOOK_PROVIDER_NAMESPACE',
  name: 'OUTLOOK_PROVIDER_NAME',
  uid: 'OUTLOOK_PROVIDER_UID',
  generation: 'OUTLOOK_PROVIDER_GENERATION',
  /** The provider's Lease, in the same namespace. */
  lease: 'OUTLOOK_PROVIDER_LEASE',
  /** Version of the credentials Secret; empty where there is none. */
  credentialsVersion: 'OUTLOOK_CREDENTIALS_VERSION',
  /** The Job and the Pod that the run is in. */
  job: 'OUTLOOK_JOB_NAME',
  pod: 'OUTLOOK_POD_NAME',
  /** Where the container's termination message is written. */
  terminationLog: 'OUTLOOK_TERMINATION_LOG',
} as const;

/** The container of the job in its pod. */
export const jobContainer = 'job';
