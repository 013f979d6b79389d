/**
 * Every way in which a sync can fail, by name. A code is at once the `error.code` of a run's summary line, the reason
 * of the conditions `Synced` and `CredentialsValid`, and the reason of an Event.
 */
export const errorCodes = [
  'ConfigurationInvalid',
  'DeltaScopeUnsupported',
  'InternalError',

  'ProviderTypeMismatch',
  'ProviderInactive',
  'OwnershipMismatch',
  'ReauthorizationRequired',
  'RefreshTokenMissing',
  'TokenUnreadable',
  'ClientCredentialsInvalid',
  'ClientUnauthorized',
  'LoginRequestInvalid',
  'AccessTokenRejected',
  'AccessDenied',
  'MailboxNotFound',

  'LoginThrottled',
  'LoginUnavailable',
  'GraphThrottled',
  'GraphUnavailable',
  'GraphUnreachable',
  'GraphTimeout',
  'MailboxQuotaExceeded',
  'CursorExpired',

  'GraphResponseInvalid',
  'GraphRequestRefused',
  'ForeignLink',
  'PageLoop',

  'DatabaseUnreachable',
  'DatabaseConnectionLost',
  'DatabaseAuthenticationFailed',
  'DatabaseTlsFailed',
  'DatabaseMissing',
  'DatabaseReadOnly',
  'DatabaseNotMigrated',
  'DatabaseFailed',
  'LeaseLost',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** The grant itself is of no use: only another refresh token, or another spec, can mend it. */
export const deadGrantCodes = ['ReauthorizationRequired', 'RefreshTokenMissing', 'TokenUnreadable'] as const;

/** What `CredentialsValid` is false for: the dead grants, and an app registration that an administrator must mend. */
export const credentialCodes = [
  ...deadGrantCodes,
  'ClientCredentialsInvalid',
  'ClientUnauthorized',
  'AccessTokenRejected',
  'AccessDenied',
] as const;
