/**
 * The environment variables of the job: the one table from which configuration, `--help`, error messages and the
 * reference page are made. Names and ranges are a contract with the operator and with every existing deployment;
 * this file holds no behaviour and reads nothing.
 */
export interface Variable {
  /** One sentence for people, without a full stop. */
  readonly meaning: string;
  /** A value that would be accepted. Never a real secret. */
  readonly example: string;
  /** What holds when the variable is absent or empty; `undefined` where there is no default. */
  readonly fallback?: string;
  /** Inclusive bounds of an integer; a number outside is clamped with a warning. */
  readonly range?: readonly [min: number, max: number];
  /** The accepted words. */
  readonly oneOf?: readonly string[];
  /** True for values that must never be shown. */
  readonly secret?: true;
}

const words = {
  clouds: ['Global', 'USGov', 'USGovDoD', 'China'],
  modes: ['Delegated', 'Application'],
  scopes: ['Auto', 'Folders', 'Mailbox'],
  triggers: ['schedule', 'push', 'manual', 'backfill', 'resync'],
  levels: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
  booleans: ['true', 'false'],
} as const;

const connection = {
  DATABASE_URL: {
    meaning: 'The Postgres database of the unified inbox',
    example: 'postgres://inbox:secret@db.internal:5432/inbox',
    secret: true,
  },
  OUTLOOK_CLIENT_ID: {
    meaning: 'Application (client) id of the app registered with Microsoft',
    example: '6f1c2b7e-0d7a-4c55-9d37-2b6a4f0f7a11',
  },
  OUTLOOK_CLIENT_SECRET: {
    meaning: 'Client secret of that app; set it to nothing for a public client without a secret',
    example: 'the secret value from "Certificates & secrets"',
    secret: true,
  },
  OUTLOOK_TOKEN_ENCRYPTION_KEYS: {
    meaning:
      'Keys for tokens at rest, `id:base64` of 32 bytes each, comma-separated; the first encrypts, all decrypt',
    example: '2026-11:$(openssl rand -base64 32)',
    secret: true,
  },
  OUTLOOK_REFRESH_TOKEN: {
    meaning:
      'The grant of a sign-in; it seeds the row, whose rotated token then wins until this value changes',
    example: 'the refresh_token of the sign-in',
    secret: true,
  },
  OUTLOOK_AUTH_MODE: {
    meaning: 'Delegated acts for the signed-in user, Application with the app’s own permission',
    example: 'Delegated',
    fallback: 'Delegated',
    oneOf: words.modes,
  },
  OUTLOOK_TENANT_ID: {
    meaning: 'Tenant id or domain; Application mode needs one',
    example: 'contoso.onmicrosoft.com',
    fallback: 'common',
  },
  OUTLOOK_CLOUD: {
    meaning: 'Microsoft cloud of the tenant',
    example: 'Global',
    fallback: 'Global',
    oneOf: words.clouds,
  },
  OUTLOOK_GRAPH_BASE_URL: {
    meaning: 'Microsoft Graph; `http:` only for loopback and cluster-internal hosts',
    example: 'https://graph.microsoft.com/v1.0',
    fallback: 'from OUTLOOK_CLOUD',
  },
  OUTLOOK_TOKEN_URL: {
    meaning: 'Full URL of the token endpoint; `http:` only for loopback and cluster-internal hosts',
    example: 'https://login.microsoftonline.com/common/oauth2/v2.0/token',
    fallback: 'from OUTLOOK_CLOUD and OUTLOOK_TENANT_ID',
  },
} as const satisfies Record<string, Variable>;

const syncing = {
  OUTLOOK_SYNC_TRIGGER: {
    meaning:
      'Why this run was started; resync walks the whole mailbox anew, push shows fewer messages at first',
    example: 'push',
    fallback: 'schedule',
    oneOf: words.triggers,
  },
  OUTLOOK_SYNC_MAX_MESSAGES: {
    meaning: 'Newest messages that a first sync shows before it walks the folders',
    example: '200',
    fallback: '100',
    range: [1, 1000],
  },
  OUTLOOK_PUSH_SYNC_MAX_MESSAGES: {
    meaning: 'The same for a run that a push notification triggered',
    example: '25',
    fallback: '25',
    range: [1, 200],
  },
  OUTLOOK_SYNC_DELTA_PAGE_LIMIT: {
    meaning: 'Delta pages that one cursor may take in one run',
    example: '20',
    fallback: '5',
    range: [1, 20],
  },
  OUTLOOK_SYNC_PAGE_SIZE: {
    meaning: 'Messages asked for per delta page; Graph takes it as a hint',
    example: '200',
    fallback: '100',
    range: [1, 1000],
  },
  OUTLOOK_SYNC_HISTORY: {
    meaning: 'How far back mail is kept: All, or an ISO 8601 duration',
    example: 'P90D',
    fallback: 'All',
  },
  OUTLOOK_SYNC_DELTA_SCOPE: {
    meaning: 'Auto asks Graph once whether the whole mailbox has one delta, and else walks the folders',
    example: 'Folders',
    fallback: 'Auto',
    oneOf: words.scopes,
  },
  OUTLOOK_SYNC_FOLDERS_INCLUDE: {
    meaning:
      'Only these folders and all below them, comma-separated: well-known name, id, or path; all but the usual exclusions when empty',
    example: 'inbox,sentitems,Projects/2026',
    fallback: '',
  },
  OUTLOOK_SYNC_FOLDERS_EXCLUDE: {
    meaning: 'Not these folders nor anything below them, in the same form; wins over the includes',
    example: 'Newsletters',
    fallback: '',
  },
  OUTLOOK_SYNC_STORE_RAW_PAYLOAD: {
    meaning: 'Also keep each message as Graph gave it, in "rawPayload"',
    example: 'true',
    fallback: 'false',
    oneOf: words.booleans,
  },
} as const satisfies Record<string, Variable>;

const running = {
  OUTLOOK_SYNC_SCHEDULER_RETRIES: {
    meaning: 'Further attempts after a failed one',
    example: '2',
    fallback: '1',
    range: [0, 5],
  },
  OUTLOOK_SYNC_SCHEDULER_RETRY_BACKOFF_MS: {
    meaning: 'Wait before the second attempt, doubled for each one after it',
    example: '500',
    fallback: '250',
    range: [50, 15_000],
  },
  OUTLOOK_SYNC_SCHEDULER_JITTER_MS: {
    meaning: 'A scheduled run and each retry wait a random time up to this',
    example: '1000',
    fallback: '150',
    range: [0, 10_000],
  },
  OUTLOOK_SYNC_LEASE_SECONDS: {
    meaning: 'How long the lease of a run lasts without being renewed; renewed at a third of it',
    example: '60',
    fallback: '60',
    range: [5, 3600],
  },
  OUTLOOK_SYNC_DEADLINE_SECONDS: {
    meaning: 'A run stops after the page in hand when this is over, and waits for nothing beyond it',
    example: '600',
    fallback: '600',
    range: [10, 86_400],
  },
  OUTLOOK_SYNC_REQUEST_TIMEOUT_MS: {
    meaning: 'Time limit of one HTTP request: until the headers, and between two parts of the body',
    example: '20000',
    fallback: '20000',
    range: [100, 300_000],
  },
  NOTIFICATION_SINK_URL: {
    meaning: 'Where SYNC_FAILED and SYNC_RECOVERED go as CloudEvents; nowhere when empty',
    example: 'https://events.internal/outlook',
    fallback: '',
  },
  LOG_LEVEL: {
    meaning: 'Least level that is logged',
    example: 'debug',
    fallback: 'info',
    oneOf: words.levels,
  },
} as const satisfies Record<string, Variable>;

const pushing = {
  OUTLOOK_PUSH_NOTIFICATION_URL: {
    meaning: 'The webhook as Graph reaches it; no subscription is wanted when empty',
    example: 'https://outlook.example.com/outlook-sync/webhooks/push',
    fallback: '',
  },
  OUTLOOK_PUSH_WEBHOOK_TOKEN: {
    meaning: 'What the webhook expects as `?token=…`; of several, comma-separated, the first is used',
    example: 'the output of: openssl rand -hex 32',
    fallback: '',
    secret: true,
  },
  OUTLOOK_PUSH_CLIENT_STATE_SECRET: {
    meaning:
      'What the clientState of subscriptions is signed with, for the webhook to tell; of several, comma-separated, the first is used; a random one is sent when empty',
    example: 'the output of: openssl rand -hex 32',
    fallback: '',
    secret: true,
  },
  OUTLOOK_PUSH_SUBSCRIPTION_DURATION_MINUTES: {
    meaning: 'How long a subscription is asked for; Graph may grant less',
    example: '2880',
    fallback: '2880',
    range: [5, 4230],
  },
  OUTLOOK_PUSH_SUBSCRIPTION_RENEW_THRESHOLD_MINUTES: {
    meaning: 'How long before its end a subscription is renewed',
    example: '120',
    fallback: '120',
    range: [1, 1440],
  },
} as const satisfies Record<string, Variable>;

/** Every variable that the job reads, by name. */
export const environment = { ...connection, ...syncing, ...pushing, ...running };

export type VariableName = keyof typeof environment;
