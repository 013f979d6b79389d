import type { Reason } from '../../api/conditions.ts';
import type { ProviderStatus } from '../../api/providerStatus.ts';
import { bounded } from './bounded.ts';
import { childName } from './names.ts';
import type { Observed, ObservedOwned } from './observed.ts';
import { lastFailure } from './verdict.ts';

/** Why no sync of a provider may be started now. The first that applies is told. */
export interface Obstacle {
  readonly reason: Reason;
  readonly message: string;
  /** It stays until a person acts. */
  readonly stalls: boolean;
  /**
   * What becomes of the CronJob. `keep`: it is as it was. `silence`: one of ours is suspended, but none is made.
   * `pause`: it is made as the spec says, suspended.
   */
  readonly cronJob: 'keep' | 'silence' | 'pause';
}

export function obstacleTo(observed: Observed, status: ProviderStatus): Obstacle | null {
  return (
    invalidSpec(observed) ??
    nameConflict(observed) ??
    duplicate(observed) ??
    suspended(observed) ??
    secretMissing(observed) ??
    deadGrant(observed, status)
  );
}

/**
 * A spec that the API server accepted and this operator cannot read is from another version. What runs is the last
 * that was understood: to stop it would make an outage of every upgrade that goes wrong.
 */
function invalidSpec({ provider: { spec, problems } }: Observed): Obstacle | null {
  if (spec !== null) return null;
  const message = bounded(`The stored spec is not valid: ${problems.join('; ') || 'unreadable'}`);
  return { reason: 'InvalidSpec', message, stalls: true, cronJob: 'keep' };
}

/** What is ours by its marks and has lost its owner is taken back: as after a deletion that left orphans. */
export function isForeign({ provider }: Pick<Observed, 'provider'>, owned: ObservedOwned | null): boolean {
  return owned !== null && owned.controllerUid !== provider.uid && owned.orphanOf !== provider.name;
}

function nameConflict(observed: Observed): Obstacle | null {
  const kinds = [
    ...(isForeign(observed, observed.cronJob) ? ['CronJob'] : []),
    ...(isForeign(observed, observed.lease) ? ['Lease'] : []),
  ];
  if (kinds.length === 0) return null;
  const name = childName(observed.provider.name);
  const message = `The ${kinds.join(' and the ')} ${name} exists already and does not belong to this OutlookProvider`;
  return { reason: 'NameConflict', message, stalls: true, cronJob: 'silence' };
}

function duplicate({ duplicateOf }: Observed): Obstacle | null {
  if (duplicateOf === null) return null;
  const message = `The OutlookProvider ${duplicateOf} is older and for the same mailbox or row`;
  return { reason: 'DuplicateProvider', message, stalls: true, cronJob: 'silence' };
}

function suspended({ provider: { spec } }: Observed): Obstacle | null {
  if (spec?.suspend !== true) return null;
  return { reason: 'Suspended', message: 'spec.suspend is set', stalls: false, cronJob: 'pause' };
}

/** A pod that cannot start helps nobody; that the Secret appears is seen at once. */
function secretMissing(observed: Observed): Obstacle | null {
  const { spec } = observed.provider;
  const names = [
    ...(observed.jobSecret === null ? [observed.settings.jobSecretName] : []),
    ...(observed.credentialsSecret === null ? [spec?.credentialsSecretRef?.name ?? ''] : []),
  ];
  if (names.length === 0) return null;
  const absent = names.length === 1 ? 'does not exist' : 'do not exist';
  const message = `The Secret ${names.join(' and the Secret ')} ${absent} in this namespace`;
  return { reason: 'SecretNotFound', message, stalls: false, cronJob: 'pause' };
}

/** Trying again with the same grant only brings the app into disrepute with Microsoft. */
function deadGrant(observed: Observed, status: ProviderStatus): Obstacle | null {
  const failure = lastFailure(observed, status);
  if (failure?.isDeadGrant !== true || !failure.isCurrent) return null;
  return { reason: failure.code as Reason, message: failure.message, stalls: true, cronJob: 'pause' };
}
