import type { ProviderSpec } from '../../api/providerSpec.ts';
import type { ProviderStatus } from '../../api/providerStatus.ts';
import type { Trigger } from '../../api/resource.ts';

/**
 * Everything that a decision about one provider rests on, as it was seen at one moment: plain data, read from the
 * caches, reduced to what decides. Times are strings as the API server writes them.
 */
export interface Observed {
  readonly now: Date;
  readonly settings: PlanSettings;
  readonly provider: ObservedProvider;
  /** Name of an older provider of this namespace for the same mailbox or row. */
  readonly duplicateOf: string | null;
  readonly cronJob: ObservedCronJob | null;
  readonly lease: ObservedOwned | null;
  /** Of this provider, in the order of their creation. */
  readonly jobs: readonly ObservedJob[];
  readonly pods: readonly ObservedPod[];
  /** Null where it does not exist; undefined where the spec names none. Values are never read. */
  readonly credentialsSecret: ObservedOwned | null | undefined;
  /** The Secret with what all jobs of the namespace need. */
  readonly jobSecret: ObservedOwned | null;
  /** Whether the cluster-wide cap leaves room for one more backfill. */
  readonly mayBackfill: boolean;
  /** The namespace is being deleted: nothing can be made in it any more. */
  readonly namespaceTerminating: boolean;
}

/** What is the same for all providers: the operator's configuration. */
export interface PlanSettings {
  readonly image: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  /** How the job is started in its image. */
  readonly command: readonly string[];
  /** Name of the Secret that each namespace with providers has: DATABASE_URL, OUTLOOK_CLIENT_ID, and so on. */
  readonly jobSecretName: string;
  readonly jobServiceAccount: string;
  /** Handed on to every job: base URLs, the event sink, lease seconds, log level. */
  readonly jobVariables: Readonly<Record<string, string>>;
  /** Seconds after which a Job is given up. */
  readonly activeDeadlineSeconds: number;
  /** Seconds a finished Job is kept. */
  readonly ttlSecondsAfterFinished: number;
  /** Milliseconds that a deletion waits for its cleanup at most. */
  readonly cleanupTimeoutMs: number;
  /** Requests and limits where the provider names none. */
  readonly resources: Readonly<Record<string, unknown>>;
}

export interface ObservedOwned {
  readonly uid: string;
  readonly resourceVersion: string;
  /** Uid of the controller that owns it. */
  readonly controllerUid: string | null;
  /** Where no controller owns it, though it bears our marks: the name of the provider that it was made for. */
  readonly orphanOf?: string;
}

export interface ObservedProvider {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  readonly createdAt: string;
  readonly deletedAt: string | null;
  readonly finalizers: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
  /** Null where the stored spec is not valid. */
  readonly spec: ProviderSpec | null;
  /** What is wrong with the spec, by field. */
  readonly problems: readonly string[];
  readonly status: ProviderStatus;
}

export interface ObservedCronJob extends ObservedOwned {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly deletedAt: string | null;
  /** `spec` as JSON: ten thousand of them have to fit into the operator's memory. */
  readonly specJson: string;
}

export interface ObservedJob {
  readonly name: string;
  readonly uid: string;
  readonly createdAt: string;
  readonly deletedAt: string | null;
  /** Null for the cleanup Job. */
  readonly trigger: Trigger | null;
  readonly generation: number;
  readonly credentialsVersion: string;
  readonly phase: 'active' | 'complete' | 'failed';
  readonly finishedAt: string | null;
  /** Of the condition `Failed`, or `FailureTarget` before it, such as DeadlineExceeded. */
  readonly failureReason: string | null;
}

export interface ObservedPod {
  readonly name: string;
  readonly uid: string;
  readonly jobName: string;
  readonly createdAt: string;
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
  /** Of the pod itself, such as Evicted or DeadlineExceeded. */
  readonly reason: string | null;
  /** Taken away by the cluster: eviction, drain, preemption. */
  readonly disrupted: boolean;
  /** Of the waiting container, such as ImagePullBackOff or CreateContainerConfigError. */
  readonly waitingReason: string | null;
  readonly waitingMessage: string | null;
  readonly exitCode: number | null;
  /** Of the ended container, such as OOMKilled. */
  readonly terminatedReason: string | null;
  readonly terminationMessage: string | null;
  readonly finishedAt: string | null;
}
