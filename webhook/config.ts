import * as z from 'zod';
import { readSecrets } from '../api/clientState.ts';
import type { Variable } from '../api/environment.ts';
import { webhookEnvironment, type WebhookVariableName } from '../api/webhookEnvironment.ts';

/**
 * The configuration of the webhook, read once from the environment. All problems are found at once; a number out of
 * range is clamped with a warning; a secret is never shown.
 */

/** What is wrong with one setting. */
export interface Problem {
  readonly name: string;
  readonly problem: string;
  readonly example: string;
}

export interface WebhookConfig {
  /** Of which a request has to bring one; empty: none is asked for. */
  readonly tokens: readonly string[];
  readonly clientStateSecrets: readonly string[];
  /** Empty: all. */
  readonly watchNamespaces: readonly string[];
  readonly bodyLimitBytes: number;
  readonly ratePerSecond: number;
  readonly trustProxy: boolean;
  readonly requestTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly host: string;
  readonly port: number;
  readonly metricsPort: number;
  readonly podName: string | undefined;
  readonly logLevel: string;
}

export type ParsedConfig =
  | { readonly ok: true; readonly config: WebhookConfig; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const namespaceName = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

const shown = (value: unknown): string => {
  const words = String(value);
  return JSON.stringify(words.length > 80 ? `${words.slice(0, 80)}…` : words);
};

function text(name: Exclude<WebhookVariableName, 'POD_NAME'>) {
  return z.string().default(webhookEnvironment[name].fallback);
}

function integer(name: WebhookVariableName) {
  const { range: [min, max] = [0, Number.MAX_SAFE_INTEGER], fallback }: Variable = webhookEnvironment[name];
  return z
    .string()
    .regex(/^[+-]?\d+$/, { error: (issue) => `${shown(issue.input)} is not a whole number` })
    .transform((value) => Math.min(max, Math.max(min, Number(value))))
    .default(Number(fallback));
}

function word<const T extends readonly [string, ...string[]]>(name: WebhookVariableName, words: T) {
  const { fallback }: Variable = webhookEnvironment[name];
  return z
    .enum(words, { error: (issue) => `${shown(issue.input)} is none of ${words.join(', ')}` })
    .default(fallback as T[number]);
}

const namespaces = text('OUTLOOK_WEBHOOK_WATCH_NAMESPACES').transform((value, context) => {
  const given = [...new Set(readSecrets(value))];
  const bad = given.filter((part) => !namespaceName.test(part));
  for (const part of bad) context.addIssue(`${shown(part)} is no name of a namespace`);
  return given;
});

const schema = z.object({
  OUTLOOK_PUSH_WEBHOOK_TOKEN: text('OUTLOOK_PUSH_WEBHOOK_TOKEN').transform(readSecrets),
  OUTLOOK_PUSH_CLIENT_STATE_SECRET: text('OUTLOOK_PUSH_CLIENT_STATE_SECRET').transform(readSecrets),
  OUTLOOK_WEBHOOK_BODY_LIMIT_BYTES: integer('OUTLOOK_WEBHOOK_BODY_LIMIT_BYTES'),
  OUTLOOK_WEBHOOK_RATE_LIMIT: integer('OUTLOOK_WEBHOOK_RATE_LIMIT'),
  OUTLOOK_WEBHOOK_TRUST_PROXY: word('OUTLOOK_WEBHOOK_TRUST_PROXY', ['true', 'false']),
  OUTLOOK_WEBHOOK_REQUEST_TIMEOUT_MS: integer('OUTLOOK_WEBHOOK_REQUEST_TIMEOUT_MS'),
  OUTLOOK_WEBHOOK_WRITE_TIMEOUT_MS: integer('OUTLOOK_WEBHOOK_WRITE_TIMEOUT_MS'),
  OUTLOOK_WEBHOOK_WATCH_NAMESPACES: namespaces,
  OUTLOOK_WEBHOOK_HTTP_HOST: text('OUTLOOK_WEBHOOK_HTTP_HOST'),
  OUTLOOK_WEBHOOK_HTTP_PORT: integer('OUTLOOK_WEBHOOK_HTTP_PORT'),
  OUTLOOK_WEBHOOK_METRICS_PORT: integer('OUTLOOK_WEBHOOK_METRICS_PORT'),
  POD_NAME: z.string().optional(),
  LOG_LEVEL: word('LOG_LEVEL', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
} satisfies Record<WebhookVariableName, z.ZodType>);

type Settings = z.infer<typeof schema>;

/** Blank is the same as absent. */
function present(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const named = Object.keys(webhookEnvironment).map((name) => [name, env[name]?.trim() ?? ''] as const);
  return Object.fromEntries(named.filter(([, value]) => value !== ''));
}

function problemOf(name: string, problem: string): Problem {
  return { name, problem, example: webhookEnvironment[name as WebhookVariableName].example };
}

function crossProblems(settings: Settings): Problem[] {
  const { OUTLOOK_WEBHOOK_HTTP_PORT: port, OUTLOOK_WEBHOOK_METRICS_PORT: metricsPort } = settings;
  if (port === 0 || port !== metricsPort) return [];
  return [
    problemOf(
      'OUTLOOK_WEBHOOK_METRICS_PORT',
      `${metricsPort} is the port for Graph, too, where the Internet could read the metrics`,
    ),
  ];
}

function warningsOf(given: Readonly<Record<string, string>>, settings: Settings): string[] {
  const clamped = Object.entries(settings).flatMap(([name, value]) => {
    const raw = given[name];
    if (typeof value !== 'number' || raw === undefined || Number(raw) === value) return [];
    return [`${name}: ${raw} is out of range, using ${value}`];
  });
  const open = [
    ...(settings.OUTLOOK_PUSH_WEBHOOK_TOKEN.length === 0
      ? ['OUTLOOK_PUSH_WEBHOOK_TOKEN is not set: whoever reaches this webhook can ask for syncs']
      : []),
    ...(settings.OUTLOOK_PUSH_CLIENT_STATE_SECRET.length === 0
      ? ['OUTLOOK_PUSH_CLIENT_STATE_SECRET is not set: the clientState of notifications is not verified']
      : []),
  ];
  return [...clamped, ...open];
}

function configOf(settings: Settings): WebhookConfig {
  return {
    tokens: settings.OUTLOOK_PUSH_WEBHOOK_TOKEN,
    clientStateSecrets: settings.OUTLOOK_PUSH_CLIENT_STATE_SECRET,
    watchNamespaces: settings.OUTLOOK_WEBHOOK_WATCH_NAMESPACES,
    bodyLimitBytes: settings.OUTLOOK_WEBHOOK_BODY_LIMIT_BYTES,
    ratePerSecond: settings.OUTLOOK_WEBHOOK_RATE_LIMIT,
    trustProxy: settings.OUTLOOK_WEBHOOK_TRUST_PROXY === 'true',
    requestTimeoutMs: settings.OUTLOOK_WEBHOOK_REQUEST_TIMEOUT_MS,
    writeTimeoutMs: settings.OUTLOOK_WEBHOOK_WRITE_TIMEOUT_MS,
    host: settings.OUTLOOK_WEBHOOK_HTTP_HOST,
    port: settings.OUTLOOK_WEBHOOK_HTTP_PORT,
    metricsPort: settings.OUTLOOK_WEBHOOK_METRICS_PORT,
    podName: settings.POD_NAME,
    logLevel: settings.LOG_LEVEL,
  };
}

/** The configuration, or everything that is wrong with the environment. */
export function parseConfig(env: Readonly<Record<string, string | undefined>>): ParsedConfig {
  const given = present(env);
  const result = schema.safeParse(given);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => problemOf(String(issue.path[0]), issue.message));
    return { ok: false, problems };
  }
  const problems = crossProblems(result.data);
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, config: configOf(result.data), warnings: warningsOf(given, result.data) };
}
