import * as z from 'zod';
import { cloudEndpoints } from '../api/cloud.ts';
import { environment, type Variable, type VariableName } from '../api/environment.ts';
import { pushPath } from '../api/pushUrl.ts';
import { isTokenUrl } from '../api/tokenUrl.ts';
import { isHistory } from './plan/history.ts';
import type { EncryptionKey, KeyRing } from './store/cipher.ts';

/**
 * The configuration of a run, read once at the edge from arguments and environment. All problems are found at once;
 * a value that is secret is never repeated in one.
 */

/** What is wrong with one setting. `name` is a variable or an argument as the user wrote it. */
export interface Problem {
  readonly name: string;
  readonly problem: string;
  readonly example: string;
}

export type Settings = z.infer<typeof settingsSchema>;

const shown = (name: VariableName, value: string): string => {
  const variable: Variable = environment[name];
  return variable.secret ? '' : `${JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)} `;
};

/** Fails with `problem` unless `accepts`; the value stands before it unless it is secret. */
function text(name: VariableName, accepts: (value: string) => boolean, problem: string) {
  const { fallback }: Variable = environment[name];
  const checked = z.string({ error: 'is missing' }).refine(accepts, {
    error: (issue) => `${shown(name, String(issue.input))}${problem}`,
  });
  return fallback === undefined ? checked : checked.default(fallback);
}

const anything = (value: string): boolean => value !== '';

function integer(name: VariableName) {
  const { range: [min, max] = [0, Number.MAX_SAFE_INTEGER], fallback = '' }: Variable = environment[name];
  return z
    .string()
    .regex(/^[+-]?\d+$/, { error: (issue) => `${shown(name, String(issue.input))}is not a whole number` })
    .transform((value) => Math.min(max, Math.max(min, Number(value))))
    .default(Number(fallback));
}

function word<const T extends readonly [string, ...string[]]>(name: VariableName, words: T) {
  const { fallback }: Variable = environment[name];
  return z
    .enum(words, { error: (issue) => `${shown(name, String(issue.input))}is none of ${words.join(', ')}` })
    .default(fallback as T[number]);
}

function list() {
  return z
    .string()
    .default('')
    .transform((value) => value.split(',').map((part) => part.trim()))
    .transform((parts) => parts.filter((part) => part !== ''));
}

const keyRing = z.string({ error: 'is missing' }).transform((value, context): KeyRing => {
  const keys = value.split(',').map((entry): EncryptionKey | null => {
    const [, id, encoded] = /^([\w.-]{1,64}):([A-Za-z0-9+/_-]{43}=?)$/.exec(entry.trim()) ?? [];
    return id === undefined || encoded === undefined ? null : { id, key: Buffer.from(encoded, 'base64') };
  });
  const bad = keys.findIndex((key) => key?.key.length !== 32);
  const ids = new Set(keys.map((key) => key?.id));
  if (bad >= 0) context.addIssue(`has no \`id:base64 of 32 bytes\` as its entry ${bad + 1}`);
  else if (ids.size < keys.length) context.addIssue('names one key id twice');
  return keys as [EncryptionKey, ...EncryptionKey[]];
});

function isPostgresUrl(value: string): boolean {
  const url = URL.parse(value);
  if (url === null || !/^postgres(?:ql)?:$/.test(url.protocol)) return false;
  try {
    return [url.username, url.password, url.pathname].map(decodeURIComponent).length > 0;
  } catch {
    return false;
  }
}

const httpUrl = {
  error: 'is no https: URL without credentials (http: only for loopback and cluster-internal hosts)',
};
const optionalUrl = z.string().refine(isTokenUrl, httpUrl).optional();

/** A fragment is never sent; where one is written, something else was meant. */
const pushUrl = z
  .string()
  .refine(isTokenUrl, httpUrl)
  .refine((value) => !value.includes('#'), { error: 'has a fragment (#…), which no server gets to see' })
  .optional();

const settingsSchema = z.object({
  DATABASE_URL: text('DATABASE_URL', isPostgresUrl, 'is no postgres:// URL with its parts percent-encoded'),
  OUTLOOK_CLIENT_ID: text('OUTLOOK_CLIENT_ID', anything, 'is empty'),
  OUTLOOK_CLIENT_SECRET: z.string({ error: 'is missing (set it to nothing for a public client)' }),
  OUTLOOK_TOKEN_ENCRYPTION_KEYS: keyRing,
  OUTLOOK_REFRESH_TOKEN: z.string().optional(),
  OUTLOOK_AUTH_MODE: word('OUTLOOK_AUTH_MODE', ['Delegated', 'Application']),
  OUTLOOK_TENANT_ID: text('OUTLOOK_TENANT_ID', (v) => /^[\w.-]{1,253}$/.test(v), 'is no tenant id or domain'),
  OUTLOOK_CLOUD: word('OUTLOOK_CLOUD', ['Global', 'USGov', 'USGovDoD', 'China']),
  OUTLOOK_GRAPH_BASE_URL: optionalUrl,
  OUTLOOK_TOKEN_URL: optionalUrl,
  OUTLOOK_SYNC_TRIGGER: word('OUTLOOK_SYNC_TRIGGER', ['schedule', 'push', 'manual', 'backfill', 'resync']),
  OUTLOOK_SYNC_MAX_MESSAGES: integer('OUTLOOK_SYNC_MAX_MESSAGES'),
  OUTLOOK_PUSH_SYNC_MAX_MESSAGES: integer('OUTLOOK_PUSH_SYNC_MAX_MESSAGES'),
  OUTLOOK_SYNC_DELTA_PAGE_LIMIT: integer('OUTLOOK_SYNC_DELTA_PAGE_LIMIT'),
  OUTLOOK_SYNC_PAGE_SIZE: integer('OUTLOOK_SYNC_PAGE_SIZE'),
  OUTLOOK_SYNC_HISTORY: text('OUTLOOK_SYNC_HISTORY', isHistory, 'is neither All nor an ISO 8601 duration'),
  OUTLOOK_SYNC_DELTA_SCOPE: word('OUTLOOK_SYNC_DELTA_SCOPE', ['Auto', 'Folders', 'Mailbox']),
  OUTLOOK_SYNC_FOLDERS_INCLUDE: list(),
  OUTLOOK_SYNC_FOLDERS_EXCLUDE: list(),
  OUTLOOK_SYNC_STORE_RAW_PAYLOAD: word('OUTLOOK_SYNC_STORE_RAW_PAYLOAD', ['true', 'false']),
  OUTLOOK_PUSH_NOTIFICATION_URL: pushUrl,
  OUTLOOK_PUSH_WEBHOOK_TOKEN: z.string().default(''),
  OUTLOOK_PUSH_CLIENT_STATE_SECRET: z.string().default(''),
  OUTLOOK_PUSH_SUBSCRIPTION_DURATION_MINUTES: integer('OUTLOOK_PUSH_SUBSCRIPTION_DURATION_MINUTES'),
  OUTLOOK_PUSH_SUBSCRIPTION_RENEW_THRESHOLD_MINUTES: integer(
    'OUTLOOK_PUSH_SUBSCRIPTION_RENEW_THRESHOLD_MINUTES',
  ),
  OUTLOOK_SYNC_SCHEDULER_RETRIES: integer('OUTLOOK_SYNC_SCHEDULER_RETRIES'),
  OUTLOOK_SYNC_SCHEDULER_RETRY_BACKOFF_MS: integer('OUTLOOK_SYNC_SCHEDULER_RETRY_BACKOFF_MS'),
  OUTLOOK_SYNC_SCHEDULER_JITTER_MS: integer('OUTLOOK_SYNC_SCHEDULER_JITTER_MS'),
  OUTLOOK_SYNC_LEASE_SECONDS: integer('OUTLOOK_SYNC_LEASE_SECONDS'),
  OUTLOOK_SYNC_DEADLINE_SECONDS: integer('OUTLOOK_SYNC_DEADLINE_SECONDS'),
  OUTLOOK_SYNC_REQUEST_TIMEOUT_MS: integer('OUTLOOK_SYNC_REQUEST_TIMEOUT_MS'),
  NOTIFICATION_SINK_URL: optionalUrl,
  LOG_LEVEL: word('LOG_LEVEL', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
} satisfies Record<VariableName, z.ZodType>);

const databaseOnly = settingsSchema.pick({ DATABASE_URL: true, LOG_LEVEL: true });
const cleanupSettings = settingsSchema.pick({
  DATABASE_URL: true,
  OUTLOOK_SYNC_LEASE_SECONDS: true,
  OUTLOOK_SYNC_DEADLINE_SECONDS: true,
  LOG_LEVEL: true,
});
export type CleanupSettings = z.infer<typeof cleanupSettings>;

/** Blank is absent; an empty client secret alone says something: a public client. */
function present(env: NodeJS.ProcessEnv): Record<string, string> {
  const named = Object.keys(environment).map((name) => [name, env[name]?.trim()] as const);
  return Object.fromEntries(
    named.filter((pair): pair is [VariableName, string] => {
      const [name, value] = pair;
      return value !== undefined && (value !== '' || name === 'OUTLOOK_CLIENT_SECRET');
    }),
  );
}

function toProblems(error: z.ZodError): Problem[] {
  return error.issues.map((issue) => {
    const name = String(issue.path[0]);
    return { name, problem: issue.message, example: environment[name as VariableName].example };
  });
}

/** Rules over several settings; from what was given, so that they are told together with every other problem. */
function crossProblems(given: Record<string, string>): Problem[] {
  if (given['OUTLOOK_AUTH_MODE'] !== 'Application') return [];
  const problems: Problem[] = [];
  const tenant = given['OUTLOOK_TENANT_ID'] ?? environment.OUTLOOK_TENANT_ID.fallback;
  const anyTenant = ['common', 'organizations', 'consumers'].includes(tenant.toLowerCase());
  if (anyTenant && given['OUTLOOK_TOKEN_URL'] === undefined) {
    const problem = `"${tenant}" is no single tenant, which OUTLOOK_AUTH_MODE=Application needs`;
    problems.push({ name: 'OUTLOOK_TENANT_ID', problem, example: environment.OUTLOOK_TENANT_ID.example });
  }
  if (given['OUTLOOK_CLIENT_SECRET'] === '') {
    const problem = 'is empty, which OUTLOOK_AUTH_MODE=Application does not allow';
    problems.push({
      name: 'OUTLOOK_CLIENT_SECRET',
      problem,
      example: environment.OUTLOOK_CLIENT_SECRET.example,
    });
  }
  return problems;
}

/** Numbers that were out of range and have been clamped, for the log. */
function clampWarnings(given: Record<string, string>, settings: Partial<Settings>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => {
    const raw = given[name];
    if (typeof value !== 'number' || raw === undefined || Number(raw) === value) return [];
    return [`${name}: ${raw} is out of range, using ${value}`];
  });
}

/** Behind another path stands another program, unless a proxy changes paths. */
function pathWarnings({ OUTLOOK_PUSH_NOTIFICATION_URL: url }: Partial<Settings>): string[] {
  if (url === undefined || new URL(url).pathname.endsWith(pushPath)) return [];
  return [`OUTLOOK_PUSH_NOTIFICATION_URL: its path does not end in ${pushPath}, which the webhook serves`];
}

export type Parsed<T> = { ok: true; value: T; warnings: string[] } | { ok: false; problems: Problem[] };

/** The settings of a sync, or everything that is wrong with them. */
export function parseSettings(env: NodeJS.ProcessEnv): Parsed<Settings> {
  const given = present(env);
  const result = settingsSchema.safeParse(given);
  const problems = [...(result.success ? [] : toProblems(result.error)), ...crossProblems(given)];
  if (!result.success || problems.length > 0) return { ok: false, problems };
  const warnings = [...clampWarnings(given, result.data), ...pathWarnings(result.data)];
  return { ok: true, value: result.data, warnings };
}

/** What a migration needs: the database alone. */
export function parseDatabaseSettings(env: NodeJS.ProcessEnv): Parsed<z.infer<typeof databaseOnly>> {
  const result = databaseOnly.safeParse(present(env));
  if (!result.success) return { ok: false, problems: toProblems(result.error) };
  return { ok: true, value: result.data, warnings: [] };
}

/** What a cleanup needs: the database, and how long it may take. */
export function parseCleanupSettings(env: NodeJS.ProcessEnv): Parsed<CleanupSettings> {
  const given = present(env);
  const result = cleanupSettings.safeParse(given);
  if (!result.success) return { ok: false, problems: toProblems(result.error) };
  return { ok: true, value: result.data, warnings: clampWarnings(given, result.data) };
}

/** Where Graph and the login are: the cloud's endpoints unless an administrator named others. */
export function endpoints(settings: Settings): { graphBaseUrl: string; tokenUrl: string; appScope: string } {
  const cloud = cloudEndpoints(settings.OUTLOOK_CLOUD, settings.OUTLOOK_TENANT_ID);
  return {
    graphBaseUrl: (settings.OUTLOOK_GRAPH_BASE_URL ?? cloud.graphBaseUrl).replace(/\/+$/, ''),
    tokenUrl: settings.OUTLOOK_TOKEN_URL ?? cloud.tokenUrl,
    appScope: cloud.appScope,
  };
}
