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

/** What each code says to people, without a full stop; the exit code says the rest. */
export const errorMeanings: Readonly<Record<ErrorCode, string>> = {
  ConfigurationInvalid: 'The environment or the arguments of the job are missing or malformed',
  DeltaScopeUnsupported:
    'The spec asks for the scope Mailbox, and Graph has no change tracking for whole mailboxes here',
  InternalError: 'A bug of ours',

  ProviderTypeMismatch: 'The row of email_providers is of another type than OUTLOOK',
  ProviderInactive: 'The row of email_providers is not active',
  OwnershipMismatch: 'The row of email_providers belongs to another user, workspace or address',
  ReauthorizationRequired: 'The grant is dead: the user has to sign in again',
  RefreshTokenMissing: 'There is no grant: neither the Secret nor the row has a refresh token',
  TokenUnreadable: 'None of our keys decrypts the stored tokens',
  ClientCredentialsInvalid: 'Microsoft does not know the app, or refuses its secret',
  ClientUnauthorized: 'The app may not do this in the tenant: an administrator has to consent or to allow it',
  LoginRequestInvalid: 'Microsoft refuses the token request: scope, resource or tenant is wrong',
  AccessTokenRejected: 'Graph rejects a token that was just issued',
  AccessDenied: 'Graph refuses access to the mailbox: permission, licence or policy',
  MailboxNotFound: 'There is no such mailbox',

  LoginThrottled: 'Microsoft’s login asks to wait',
  LoginUnavailable: 'Microsoft’s login does not answer, or with a fault of its own',
  GraphThrottled: 'Graph asks to wait',
  GraphUnavailable: 'Graph answers with a fault of its own',
  GraphUnreachable: 'No connection to Graph',
  GraphTimeout: 'Graph does not answer in time',
  MailboxQuotaExceeded: 'The mailbox is full, and Graph refuses to work on it',
  CursorExpired: 'Graph has forgotten a cursor and gives no other',

  GraphResponseInvalid: 'An answer of Graph is not what its protocol says',
  GraphRequestRefused: 'Graph refuses a request of ours as malformed',
  ForeignLink: 'A link of Graph leads to another host; it is not followed',
  PageLoop: 'Graph gives the same page again and again',

  DatabaseUnreachable: 'No connection to Postgres',
  DatabaseConnectionLost: 'The connection to Postgres broke',
  DatabaseAuthenticationFailed: 'Postgres refuses user or password',
  DatabaseTlsFailed: 'TLS with Postgres fails',
  DatabaseMissing: 'The database does not exist',
  DatabaseReadOnly: 'The database takes no writes',
  DatabaseNotMigrated: 'The tables are missing or older than the job: `job migrate` has not run',
  DatabaseFailed: 'Postgres refuses a statement',
  LeaseLost: 'Another run has taken over; this one has written nothing since',
};

/**
 * The grant itself is of no use: only another refresh token, or another spec, can mend it. A token that no key of the
 * ring opens is none of these: the ring is mended elsewhere, and nobody would tell.
 */
export const deadGrantCodes = ['ReauthorizationRequired', 'RefreshTokenMissing'] as const;

/** What `CredentialsValid` is false for: the dead grants, and an app registration that an administrator must mend. */
export const credentialCodes = [
  ...deadGrantCodes,
  'TokenUnreadable',
  'ClientCredentialsInvalid',
  'ClientUnauthorized',
  'AccessTokenRejected',
  'AccessDenied',
] as const;
