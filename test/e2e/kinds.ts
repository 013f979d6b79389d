// The kinds that the scenarios look at, with the fields that they look at.
import { labels, managedByOperator, outlookProviders } from '../../api/resource.ts';
import type { ProviderStatus } from '../../api/providerStatus.ts';
import type { KubeObject } from '../../kube/object.ts';
import * as kube from '../../kube/resource.ts';

export interface Provider extends KubeObject {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: ProviderStatus;
}

export interface CronJob extends KubeObject {
  readonly spec: {
    readonly schedule: string;
    readonly timeZone?: string;
    readonly suspend?: boolean;
    readonly concurrencyPolicy: string;
    readonly jobTemplate: { readonly spec: JobSpec };
  };
}

interface JobSpec {
  readonly template: {
    readonly spec: {
      readonly nodeSelector?: Readonly<Record<string, string>>;
      readonly containers: readonly {
        readonly env?: readonly { readonly name: string; readonly value?: string }[];
      }[];
    };
  };
}

export interface Job extends KubeObject {
  readonly spec: JobSpec;
  readonly status?: {
    readonly completionTime?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
    }[];
  };
}

export interface Pod extends KubeObject {
  readonly status?: {
    readonly phase?: string;
    readonly containerStatuses?: readonly {
      readonly state?: {
        readonly terminated?: {
          readonly exitCode: number;
          readonly message?: string;
          readonly reason?: string;
        };
      };
    }[];
  };
}

export interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string | null;
    readonly leaseTransitions?: number;
    readonly acquireTime?: string | null;
    readonly renewTime?: string | null;
  };
}

export interface KubeEvent extends KubeObject {
  readonly type: string;
  readonly reason: string;
  readonly note?: string;
  readonly regarding: { readonly kind: string; readonly name: string };
}

const typed = <T extends KubeObject>(resource: kube.Resource): kube.Resource<T> => resource;

export const providers = typed<Provider>(outlookProviders);
export const cronJobs = typed<CronJob>(kube.cronJobs);
export const jobs = typed<Job>(kube.jobs);
export const pods = typed<Pod>(kube.pods);
export const leases = typed<Lease>(kube.leases);
export const events = typed<KubeEvent>(kube.events);

/** Selects what the operator made. */
export const ours = `${labels.managedBy}=${managedByOperator}`;

export const hasEnded = (job: Job): boolean =>
  (job.status?.conditions ?? []).some(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
