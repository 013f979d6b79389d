import type { JobStatus } from '../../api/runReport.ts';
import type { ProviderStatus } from '../../api/providerStatus.ts';

/**
 * What is to be done about one provider: plain data, in the order in which it is to be done. Empty at rest.
 *
 * `setFinalizers` and `reportForJob` write the OutlookProvider itself, and so does `status` at the end, which is
 * decided for what they leave: each is guarded by the resourceVersion that the one before it gave back.
 */
export interface Plan {
  readonly actions: readonly Action[];
  /** The operator's fields of the status, all of them; null where they already are what they should be. */
  readonly status: OperatorStatus | null;
  /** Told only on transitions, after everything else went well. */
  readonly events: readonly PlannedEvent[];
  /** Milliseconds after which to look again though nothing happened. */
  readonly requeueAfterMs: number | null;
  /** The provider waits for room under the cap of backfills. */
  readonly awaitsBackfill: boolean;
}

/** A Kubernetes object to be written, as JSON. */
export type Manifest = Readonly<Record<string, unknown>> & {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>> & {
    readonly name: string;
    readonly namespace: string;
  };
};

export type Action =
  /** Its finalizers become these; guarded by the resourceVersion that was observed. */
  | { readonly kind: 'setFinalizers'; readonly finalizers: readonly string[] }
  | { readonly kind: 'applyCronJob'; readonly manifest: Manifest }
  | { readonly kind: 'deleteCronJob'; readonly name: string; readonly uid: string }
  /** Made, not applied: if it exists meanwhile, that is as good. */
  | { readonly kind: 'createLease'; readonly manifest: Manifest }
  | { readonly kind: 'createJob'; readonly manifest: Manifest }
  | { readonly kind: 'deleteJob'; readonly name: string; readonly uid: string }
  /** On behalf of a job that could not: applied under the job's field manager, if the provider is still as observed. */
  | { readonly kind: 'reportForJob'; readonly status: JobStatus };

export type OperatorStatus = Pick<
  ProviderStatus,
  | 'phase'
  | 'observedGeneration'
  | 'nextSyncAt'
  | 'lastHandledSyncRequest'
  | 'lastHandledResyncRequest'
  | 'lastLostPod'
  | 'conditions'
>;

export interface PlannedEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly action: string;
  readonly note: string;
}
