import type { ErrorCode } from '../../api/errorCodes.ts';
import { type Entry, seeConditions, seeLog, seeSecrets } from './entry.ts';

/** Errors of a run, by who has to act. That each has its entry, the compiler sees to. */

const seeRow = (columns: string): string =>
  `psql "$DATABASE_URL" -c "SELECT ${columns} FROM email_providers WHERE id = '$ROW'"`;
const seePostgres = 'psql "$DATABASE_URL" -c "SELECT version(), pg_is_in_recovery()"';
const seeRequests =
  'helm upgrade outlook-sync charts/outlook-sync -n outlook-sync --reset-then-reuse-values --set logLevel=debug   # then the log has each request';

export const personEntries = {
  ConfigurationInvalid: {
    see: seeLog,
    act: 'Mend all that the message names; nothing was touched. In a cluster that is a value of the Secret for all jobs, or a variable that the operator hands on. A malformed `OUTLOOK_TOKEN_ENCRYPTION_KEYS` is the usual one: `id:base64 of 32 bytes`.',
  },
  DeltaScopeUnsupported: {
    see: "kubectl get olp anna -n $NS -o jsonpath='{.spec.sync.deltaScope}'",
    act: 'Set `spec.sync.deltaScope` to `Auto` or `Folders`.',
  },
  ProviderTypeMismatch: {
    see: seeRow('id, type, email'),
    act: '`spec.providerId` names a row of another kind of mailbox. It cannot be changed: delete the resource and make it anew, with the right id or without one.',
  },
  ProviderInactive: {
    see: seeRow('id, \\"isActive\\", status'),
    act: 'Another program has switched the mailbox off in the inbox. Have it switched on there (`isActive`), or suspend or delete the resource.',
  },
  OwnershipMismatch: {
    see: seeRow('id, email, \\"userId\\", \\"workspaceId\\"'),
    act: 'The row has another address, `userId` or `workspaceId` than the spec. Mend `spec.emailAddress` and `spec.owner`; without `spec.owner.workspaceId` the row must have none. Nothing of the row was changed.',
  },
  ReauthorizationRequired: {
    see: 'kubectl events -n $NS --for outlookprovider/anna',
    act: 'The user signs in again: [connecting a mailbox](connecting-a-mailbox.md). The schedule is suspended until the Secret or the spec changes; then one run starts at once. AADSTS numbers in the message say why: revoked, expired, password changed, MFA or a policy.',
  },
  RefreshTokenMissing: {
    see: seeSecrets,
    act: 'Neither the Secret’s `refreshToken` nor the row has a grant. Sign in: [connecting a mailbox](connecting-a-mailbox.md). The schedule is suspended until then.',
  },
  TokenUnreadable: {
    see: seeRow('split_part(\\"refreshToken\\", \':\', 2) AS key'),
    act: 'The row’s tokens are under a key that is not in `OUTLOOK_TOKEN_ENCRYPTION_KEYS`, and the Secret has no grant to begin anew with. Put the key back behind the first one ([rotating secrets](rotating-secrets.md#encryption-keys)), or sign in again. The schedule goes on.',
  },
  ClientCredentialsInvalid: {
    see: "kubectl get secret outlook-sync -n $NS -o jsonpath='{.data.OUTLOOK_CLIENT_ID}' | base64 -d",
    act: 'The app’s secret has expired or is wrong, or the id is. Make a new one with Microsoft and put it in: [rotating secrets](rotating-secrets.md#client-secret-of-the-app). No user has to sign in. It concerns all mailboxes of the namespace.',
  },
  ClientUnauthorized: {
    see: seeConditions,
    act: 'The app is unknown to, or disabled in, this tenant. An administrator of the tenant has to consent, or to allow it. Check `spec.auth.tenantId`.',
  },
  LoginRequestInvalid: {
    see: "kubectl get olp anna -n $NS -o jsonpath='{.spec.auth}'",
    act: 'Check `spec.auth.mode`, `tenantId` and `cloud`. In Application mode the tenant must be one of its own, not `common`.',
  },
  AccessTokenRejected: {
    see: seeRequests,
    act: 'Token endpoint and Graph belong to different clouds: check `OUTLOOK_TOKEN_URL` and `OUTLOOK_GRAPH_BASE_URL` (`jobs.tokenUrl`, `jobs.graphBaseUrl`) and `spec.auth.cloud`.',
  },
  AccessDenied: {
    see: seeConditions,
    act: 'Grant the app `Mail.Read`. In Application mode also look at the policy that narrows the app to some mailboxes. The mailbox needs an Exchange Online licence.',
  },
  MailboxNotFound: {
    see: "kubectl get olp anna -n $NS -o jsonpath='{.spec.emailAddress} {.spec.userPrincipalName}'",
    act: 'Check the address; in Application mode set `spec.userPrincipalName` where the sign-in name is another. The mailbox may be on-premises, or not made yet.',
  },
} satisfies Partial<Record<ErrorCode, Entry>>;

export const microsoftEntries = {
  LoginThrottled: {
    see: seeConditions,
    act: 'Nothing; the message says until when. If it lasts, something else asks for tokens with this app too often.',
  },
  LoginUnavailable: {
    see: 'kubectl run login --rm -i --restart=Never --image=curlimages/curl -n $NS -- -sS -o /dev/null -w "%{http_code}\\n" https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration',
    act: 'Nothing for a while; Microsoft’s status page may tell. If it lasts, the way there: DNS, firewall, NetworkPolicy (`networkPolicy.jobTo`), proxy, `OUTLOOK_TOKEN_URL`.',
  },
  GraphThrottled: {
    see: seeConditions,
    act: 'Nothing; the message says until when. If it lasts for one mailbox, look for another client of the same app on it. For many at once, see [Graph’s limits](scaling.md#graphs-limits).',
  },
  GraphUnavailable: {
    see: seeRequests,
    act: 'Nothing: the next run tries again. If it lasts, Microsoft’s status page, and a support case with the `graphRequestId` of the log.',
  },
  GraphUnreachable: {
    see: 'kubectl run graph --rm -i --restart=Never --image=curlimages/curl -n $NS -- -sS -o /dev/null -w "%{http_code}\\n" https://graph.microsoft.com/v1.0/me   # 401 is good',
    act: 'The way there: DNS, firewall, NetworkPolicy (`networkPolicy.jobTo`), TLS inspection (`NODE_EXTRA_CA_CERTS`), `OUTLOOK_GRAPH_BASE_URL`.',
  },
  GraphTimeout: {
    see: seeRequests,
    act: 'Lower `spec.sync.pageSize`, or raise `OUTLOOK_SYNC_REQUEST_TIMEOUT_MS` (`jobs.requestTimeoutMs`).',
  },
  MailboxQuotaExceeded: {
    see: seeConditions,
    act: 'The mailbox’s owner has to make room: Graph keeps its delta in the mailbox, and has no room for it.',
  },
  CursorExpired: {
    see: seeLog,
    act: 'Nothing: Graph reset a cursor more than twice in a row, and the next run walks the folder anew. A single reset is no error and is not told. If it lasts, a support case with Microsoft.',
  },
  GraphResponseInvalid: {
    see: seeRequests,
    act: 'Look for a proxy that alters answers. Otherwise the next run tries again.',
  },
  GraphRequestRefused: {
    see: seeRequests,
    act: 'Report it, with status and code of the message and the `graphRequestId` of the log.',
  },
  ForeignLink: {
    see: "kubectl get deployment outlook-sync-operator -n outlook-sync -o jsonpath='{.spec.template.spec.containers[0].env}'",
    act: 'No token went there. Check `OUTLOOK_GRAPH_BASE_URL` (`jobs.graphBaseUrl`): it must be the host that Graph itself names in its links.',
  },
  PageLoop: {
    see: seeLog,
    act: 'The cursor stays, and the next run tries on. If it lasts, report it to Microsoft; `outlooksync.dev/resync-requested-at` begins the walk anew.',
  },
} satisfies Partial<Record<ErrorCode, Entry>>;

export const databaseEntries = {
  DatabaseUnreachable: {
    see: seePostgres,
    act: 'Check `DATABASE_URL`, the server, a NetworkPolicy (`networkPolicy.jobPorts`), and `max_connections`: a run uses up to four connections ([scaling](scaling.md#postgres)).',
  },
  DatabaseConnectionLost: {
    see: seePostgres,
    act: 'Nothing: a restart or failover. The next run goes on at the page where this one stopped.',
  },
  DatabaseAuthenticationFailed: {
    see: seePostgres,
    act: 'User or password are refused: [rotating secrets](rotating-secrets.md#password-of-postgres).',
  },
  DatabaseTlsFailed: {
    see: 'psql "$DATABASE_URL" -c "SHOW ssl"',
    act: 'Mend `sslmode` in `DATABASE_URL`, or the server’s certificate. An authority of your own is trusted by `NODE_EXTRA_CA_CERTS`, which takes an image that has it.',
  },
  DatabaseMissing: {
    see: 'psql "$DATABASE_URL" -l',
    act: 'Create the database, then migrate it ([upgrading](upgrading.md#the-migration-by-hand)). Or mend the name in `DATABASE_URL`.',
  },
  DatabaseReadOnly: {
    see: seePostgres,
    act: '`DATABASE_URL` names a standby, or the server is set to read-only (a full disk does that with some). Name the primary.',
  },
  DatabaseNotMigrated: {
    see: 'psql "$DATABASE_URL" -c "SELECT * FROM outlook_sync_migrations ORDER BY version"',
    act: 'Run the migration of this version ([upgrading](upgrading.md#the-migration-by-hand)). With the chart: `migration.enabled`, and `kubectl logs -n outlook-sync job/outlook-sync-migration` if it failed.',
  },
  DatabaseFailed: {
    see: seeLog,
    act: 'The message has the SQLSTATE; look it up in Postgres’ documentation, appendix A, and the statement in Postgres’ own log. A missing right is 42501: who migrates owns the tables, and who syncs needs to read and write them.',
  },
} satisfies Partial<Record<ErrorCode, Entry>>;

export const ownFaultEntries = {
  LeaseLost: {
    see: 'kubectl get lease outlook-sync-anna -n $NS -o yaml',
    act: 'Nothing: another run goes on, and this one wrote nothing more. If it happens often, the runs are starved: give them CPU, or raise `OUTLOOK_SYNC_LEASE_SECONDS` (`jobs.leaseSeconds`).',
  },
  InternalError: {
    see: seeLog,
    act: 'Report it, with the log line `A bug`, which has the class and the stack and nothing of a message.',
  },
} satisfies Partial<Record<ErrorCode, Entry>>;

export const runEntries: Readonly<Record<ErrorCode, Entry>> = {
  ...personEntries,
  ...microsoftEntries,
  ...databaseEntries,
  ...ownFaultEntries,
};
