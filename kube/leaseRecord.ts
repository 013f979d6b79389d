// Who may hold a Lease: PURE. Expiry is judged by how long *we* have seen the record unchanged, on our own monotonic
// clock, never by the times written in it, which are another machine's (kubernetes/client-go#448). The price is one
// lease duration of waiting when a holder dies; one that releases is followed at once.
import { microTime } from './microTime.ts';
import type { KubeObject } from './object.ts';
import { leases as plainLeases, type Resource } from './resource.ts';

export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

export interface Lease extends KubeObject {
  readonly spec?: LeaseSpec;
}

export const leases: Resource<Lease> = plainLeases;

/** A record as we see it, and since when (monotonic milliseconds) we have seen it so. */
export interface Observation {
  readonly record: string;
  readonly since: number;
}

export type LeaseVerdict =
  /** Nobody holds it. */
  | { readonly act: 'acquire' }
  /** We hold it. */
  | { readonly act: 'renew' }
  /** Its holder has been silent for its whole duration. */
  | { readonly act: 'takeOver' }
  | { readonly act: 'wait'; readonly forMs: number; readonly holder: string };

/** The observation after seeing `lease`: the former one as long as its record is the same. */
export function observe(before: Observation | undefined, lease: Lease, monotonic: number): Observation {
  const record = recordOf(lease);
  return before?.record === record ? before : { record, since: monotonic };
}

/** Another object under the same name is another record; a label that somebody sets is no sign of life. */
function recordOf({ metadata, spec = {} }: Lease): string {
  const { holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions } = spec;
  return JSON.stringify([
    metadata.uid,
    holderIdentity,
    leaseDurationSeconds,
    acquireTime,
    renewTime,
    leaseTransitions,
  ]);
}

export function judgeLease(
  lease: Lease,
  observation: Observation,
  us: { readonly identity: string; readonly monotonic: number; readonly defaultSeconds: number },
): LeaseVerdict {
  const { holderIdentity = '', leaseDurationSeconds = us.defaultSeconds } = lease.spec ?? {};
  if (holderIdentity === '') return { act: 'acquire' };
  if (holderIdentity === us.identity) return { act: 'renew' };
  const forMs = observation.since + leaseDurationSeconds * 1000 - us.monotonic;
  return forMs > 0 ? { act: 'wait', forMs, holder: holderIdentity } : { act: 'takeOver' };
}

/** The spec under which we hold it from `now` (milliseconds since the epoch) on; a change of holder counts. */
export function heldSpec(
  before: LeaseSpec | undefined,
  us: { readonly identity: string; readonly durationSeconds: number; readonly now: number },
): Required<LeaseSpec> {
  const isOurs = before?.holderIdentity === us.identity;
  const transitions = before?.leaseTransitions ?? 0;
  return {
    holderIdentity: us.identity,
    leaseDurationSeconds: us.durationSeconds,
    acquireTime: (isOurs ? before.acquireTime : undefined) ?? microTime(us.now),
    renewTime: microTime(us.now),
    leaseTransitions: isOurs ? transitions : transitions + 1,
  };
}

/** Nobody's, for whoever comes next to take at once; what has been counted stays counted. */
export function releasedSpec(before: LeaseSpec | undefined, now: number): LeaseSpec {
  return {
    holderIdentity: '',
    // The API server refuses 0.
    leaseDurationSeconds: 1,
    acquireTime: microTime(now),
    renewTime: microTime(now),
    leaseTransitions: before?.leaseTransitions ?? 0,
  };
}
