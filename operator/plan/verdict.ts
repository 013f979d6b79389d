import { type Condition, conditionTypes } from '../../api/conditions.ts';
import { deadGrantCodes, type ErrorCode } from '../../api/errorCodes.ts';
import type { ProviderStatus } from '../../api/providerStatus.ts';
import { bounded } from './bounded.ts';
import { credentialsVersion } from './childMetadata.ts';
import type { Observed } from './observed.ts';

/** What the last run that ended says about the provider. */

/** Nothing gets better by trying again: a person has to act. */
const personalCodes: readonly ErrorCode[] = [
  ...deadGrantCodes,
  'ConfigurationInvalid',
  'DeltaScopeUnsupported',
  'ProviderTypeMismatch',
  'ProviderInactive',
  'OwnershipMismatch',
  'ClientCredentialsInvalid',
  'ClientUnauthorized',
  'LoginRequestInvalid',
  'AccessDenied',
  'MailboxNotFound',
];

export interface Failure {
  readonly code: string;
  readonly message: string;
  /** A person has to act. */
  readonly isPersonal: boolean;
  /** It is about the grant itself. */
  readonly isDeadGrant: boolean;
  /** The run was made from the spec and the Secret that are there now: what it says holds still. */
  readonly isCurrent: boolean;
}

export function conditionOf(status: ProviderStatus, type: string): Condition | undefined {
  return status.conditions?.find((one) => one.type === type);
}

/** Null where the last run did not fail, or none has ended. */
export function lastFailure(observed: Observed, status: ProviderStatus): Failure | null {
  const synced = conditionOf(status, conditionTypes.synced);
  if (synced?.status !== 'False') return null;
  const code = synced.reason;
  const isCurrent =
    synced.observedGeneration === observed.provider.generation &&
    (status.credentialsVersion ?? '') === credentialsVersion(observed);
  return {
    code,
    message: bounded(status.lastSyncError ?? synced.message),
    isPersonal: (personalCodes as readonly string[]).includes(code),
    isDeadGrant: (deadGrantCodes as readonly string[]).includes(code),
    isCurrent,
  };
}

export function hasSynced(status: ProviderStatus): boolean {
  return conditionOf(status, conditionTypes.synced)?.status === 'True';
}
