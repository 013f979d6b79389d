import { type Condition, conditionTypes } from '../../api/conditions.ts';
import { deadGrantCodes, type ErrorCode } from '../../api/errorCodes.ts';
import type { ProviderStatus } from '../../api/providerStatus.ts';
import { bounded } from './bounded.ts';
import { credentialsVersion } from './childMetadata.ts';
import type { Observed } from './observed.ts';

/** What the last run that ended says about the provider. */

/** Nothing gets better by trying again: a person has to act. */
export const personalCodes: readonly ErrorCode[] = [
  ...deadGrantCodes,
  'TokenUnreadable',
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
  const found = failureIn(status);
  if (found === null) return null;
  const { code, message, generation } = found;
  const isOfSpec = generation === undefined || generation === observed.provider.generation;
  return {
    code,
    message: bounded(message),
    isPersonal: (personalCodes as readonly string[]).includes(code),
    isDeadGrant: (deadGrantCodes as readonly string[]).includes(code),
    isCurrent: isOfSpec && (status.credentialsVersion ?? '') === credentialsVersion(observed),
  };
}

/** Where somebody has wiped the conditions, the fields beside them still tell. */
function failureIn(
  status: ProviderStatus,
): { code: string; message: string; generation?: number | undefined } | null {
  const { lastSyncError } = status;
  const synced = conditionOf(status, conditionTypes.synced);
  if (synced !== undefined) {
    const { reason: code, message, observedGeneration: generation } = synced;
    return synced.status === 'False' ? { code, message: lastSyncError ?? message, generation } : null;
  }
  if (lastSyncError === undefined) return null;
  return { code: /^([A-Za-z]+): /.exec(lastSyncError)?.[1] ?? 'SyncFailed', message: lastSyncError };
}

export function hasSynced(status: ProviderStatus): boolean {
  const synced = conditionOf(status, conditionTypes.synced);
  if (synced !== undefined) return synced.status === 'True';
  return status.lastSyncedAt !== undefined && status.lastSyncError === undefined;
}
