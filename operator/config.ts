import * as z from 'zod';
import { type Variable } from '../api/environment.ts';
import {
  handedOnToJobs,
  operatorEnvironment,
  type OperatorVariableName,
} from '../api/operatorEnvironment.ts';
import { objectNamePattern } from '../api/patterns.ts';
import type { PlanSettings } from './plan/observed.ts';

/**
 * The configuration of the operator, read once from the environment. All problems are found at once; a number out of
 * range is clamped with a warning. Values that are handed on to the jobs are the jobs' to judge, and never shown here.
 */

/** What is wrong with one setting. */
export interface Problem {
  readonly name: string;
  readonly problem: string;
  readonly example: string;
}

export interface OperatorConfig {
  readonly plan: PlanSettings;
  /** Empty: all. */
  readonly watchNamespaces: readonly string[];
  readonly manageJobAccess: boolean;
  readonly jobClusterRole: string;
  readonly workers: number;
  readonly maxBackfills: number;
  readonly relistMs: number;
  readonly podName: string | undefined;
  readonly podNamespace: string | undefined;
  readonly lease: {
    readonly namespace: string | undefined;
    readonly name: string;
    readonly durationMs: number;
    readonly renewMs: number;
    readonly retryMs: number;
  };
  readonly http: { readonly host: string; readonly port: number };
  readonly logLevel: string;
}

export type ParsedConfig =
  | { readonly ok: true; readonly config: OperatorConfig; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

type Environment = Readonly<Record<string, string | undefined>>;

const shown = (value: unknown): string => {
  const words = String(value);
  return JSON.stringify(words.length > 80 ? `${words.slice(0, 80)}…` : words);
};

const objectName = new RegExp(objectNamePattern);
const namespaceName = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

function text(name: OperatorVariableName) {
  const { fallback }: Variable = operatorEnvironment[name];
  const given = z.string({ error: 'is missing' });
  return fallback === undefined ? given : given.default(fallback);
}

function name_(name: OperatorVariableName, pattern = objectName, what = 'is no name of a Kubernetes object') {
  return text(name).refine((value) => value.length <= 253 && pattern.test(value), {
    error: (issue) => `${shown(issue.input)} ${what}`,
  });
}

const optionalNamespace = z
  .string()
  .regex(namespaceName, { error: (issue) => `${shown(issue.input)} is no name of a namespace` })
  .optional();

function integer(name: OperatorVariableName) {
  const { range: [min, max] = [0, Number.MAX_SAFE_INTEGER], fallback = '' }: Variable =
    operatorEnvironment[name];
  return z
    .string()
    .regex(/^[+-]?\d+$/, { error: (issue) => `${shown(issue.input)} is not a whole number` })
    .transform((value) => Math.min(max, Math.max(min, Number(value))))
    .default(Number(fallback));
}

function word<const T extends readonly [string, ...string[]]>(name: OperatorVariableName, words: T) {
  const { fallback }: Variable = operatorEnvironment[name];
  return z
    .enum(words, { error: (issue) => `${shown(issue.input)} is none of ${words.join(', ')}` })
    .default(fallback as T[number]);
}

/** Undefined where the text is no JSON. */
function parsedJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

const commandWords = z.array(z.string().min(1)).min(1);
const command = text('OUTLOOK_OPERATOR_JOB_COMMAND').transform((value, context): readonly string[] => {
  const isArray = value.startsWith('[');
  const words = commandWords.safeParse(isArray ? parsedJson(value) : value.split(/\s+/));
  if (words.success) return words.data;
  context.addIssue('is no JSON array of words');
  return [];
});

const quantities = z.record(z.string(), z.union([z.string(), z.number()]));
const resourcesSchema = z.strictObject({ requests: quantities.optional(), limits: quantities.optional() });
const resources = text('OUTLOOK_OPERATOR_JOB_RESOURCES').transform((value, context) => {
  const parsed = resourcesSchema.safeParse(parsedJson(value));
  if (parsed.success) return parsed.data;
  context.addIssue('is no JSON object with requests and limits');
  return {};
});

const namespaces = text('OUTLOOK_OPERATOR_WATCH_NAMESPACES').transform((value, context) => {
  const names = value.split(',').map((part) => part.trim());
  const given = [...new Set(names.filter((part) => part !== ''))];
  const bad = given.filter((part) => !namespaceName.test(part));
  for (const part of bad) context.addIssue(`${shown(part)} is no name of a namespace`);
  return given;
});

const schema = z.object({
  OUTLOOK_OPERATOR_JOB_IMAGE: text('OUTLOOK_OPERATOR_JOB_IMAGE').refine((value) => /^\S+$/.test(value), {
    error: (issue) => `${shown(issue.input)} is no image`,
  }),
  OUTLOOK_OPERATOR_JOB_IMAGE_PULL_POLICY: word('OUTLOOK_OPERATOR_JOB_IMAGE_PULL_POLICY', [
    'Always',
    'IfNotPresent',
    'Never',
  ]),
  OUTLOOK_OPERATOR_JOB_COMMAND: command,
  OUTLOOK_OPERATOR_JOB_SECRET: name_('OUTLOOK_OPERATOR_JOB_SECRET'),
  OUTLOOK_OPERATOR_JOB_SERVICE_ACCOUNT: name_('OUTLOOK_OPERATOR_JOB_SERVICE_ACCOUNT'),
  OUTLOOK_OPERATOR_JOB_CLUSTER_ROLE: name_(
    'OUTLOOK_OPERATOR_JOB_CLUSTER_ROLE',
    /^[^/%\s]+$/,
    'is no name of a ClusterRole',
  ),
  OUTLOOK_OPERATOR_MANAGE_JOB_ACCESS: word('OUTLOOK_OPERATOR_MANAGE_JOB_ACCESS', ['true', 'false']),
  OUTLOOK_OPERATOR_JOB_DEADLINE_SECONDS: integer('OUTLOOK_OPERATOR_JOB_DEADLINE_SECONDS'),
  OUTLOOK_OPERATOR_JOB_TTL_SECONDS: integer('OUTLOOK_OPERATOR_JOB_TTL_SECONDS'),
  OUTLOOK_OPERATOR_JOB_RESOURCES: resources,
  OUTLOOK_OPERATOR_WATCH_NAMESPACES: namespaces,
  OUTLOOK_OPERATOR_WORKERS: integer('OUTLOOK_OPERATOR_WORKERS'),
  OUTLOOK_OPERATOR_MAX_BACKFILLS: integer('OUTLOOK_OPERATOR_MAX_BACKFILLS'),
  OUTLOOK_OPERATOR_CLEANUP_TIMEOUT_SECONDS: integer('OUTLOOK_OPERATOR_CLEANUP_TIMEOUT_SECONDS'),
  OUTLOOK_OPERATOR_RELIST_SECONDS: integer('OUTLOOK_OPERATOR_RELIST_SECONDS'),
  POD_NAME: z.string().optional(),
  POD_NAMESPACE: optionalNamespace,
  OUTLOOK_OPERATOR_LEASE_NAMESPACE: optionalNamespace,
  OUTLOOK_OPERATOR_LEASE_NAME: name_('OUTLOOK_OPERATOR_LEASE_NAME'),
  OUTLOOK_OPERATOR_LEASE_DURATION_SECONDS: integer('OUTLOOK_OPERATOR_LEASE_DURATION_SECONDS'),
  OUTLOOK_OPERATOR_LEASE_RENEW_SECONDS: integer('OUTLOOK_OPERATOR_LEASE_RENEW_SECONDS'),
  OUTLOOK_OPERATOR_LEASE_RETRY_SECONDS: integer('OUTLOOK_OPERATOR_LEASE_RETRY_SECONDS'),
  OUTLOOK_OPERATOR_HTTP_HOST: text('OUTLOOK_OPERATOR_HTTP_HOST'),
  OUTLOOK_OPERATOR_HTTP_PORT: integer('OUTLOOK_OPERATOR_HTTP_PORT'),
  LOG_LEVEL: word('LOG_LEVEL', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
} satisfies Record<OperatorVariableName, z.ZodType>);

type Settings = z.infer<typeof schema>;

/** Blank is the same as absent. */
function present(env: Environment, names: readonly string[]): Record<string, string> {
  const named = names.map((name) => [name, env[name]?.trim() ?? ''] as const);
  return Object.fromEntries(named.filter(([, value]) => value !== ''));
}

function problemOf(name: string, problem: string): Problem {
  return { name, problem, example: operatorEnvironment[name as OperatorVariableName].example };
}

/** Rules over several settings. */
function crossProblems(settings: Settings): Problem[] {
  const duration = settings.OUTLOOK_OPERATOR_LEASE_DURATION_SECONDS;
  const renew = settings.OUTLOOK_OPERATOR_LEASE_RENEW_SECONDS;
  const retry = settings.OUTLOOK_OPERATOR_LEASE_RETRY_SECONDS;
  const problems: Problem[] = [];
  if (renew >= duration)
    problems.push(
      problemOf(
        'OUTLOOK_OPERATOR_LEASE_RENEW_SECONDS',
        `${renew} is not shorter than the lease of ${duration}`,
      ),
    );
  if (retry >= renew)
    problems.push(
      problemOf(
        'OUTLOOK_OPERATOR_LEASE_RETRY_SECONDS',
        `${retry} is not shorter than the renew deadline of ${renew}`,
      ),
    );
  return problems;
}

function clampWarnings(given: Readonly<Record<string, string>>, settings: Settings): string[] {
  return Object.entries(settings).flatMap(([name, value]) => {
    const raw = given[name];
    if (typeof value !== 'number' || raw === undefined || Number(raw) === value) return [];
    return [`${name}: ${raw} is out of range, using ${value}`];
  });
}

function configOf(settings: Settings, jobVariables: Readonly<Record<string, string>>): OperatorConfig {
  return {
    plan: {
      image: settings.OUTLOOK_OPERATOR_JOB_IMAGE,
      imagePullPolicy: settings.OUTLOOK_OPERATOR_JOB_IMAGE_PULL_POLICY,
      command: settings.OUTLOOK_OPERATOR_JOB_COMMAND,
      jobSecretName: settings.OUTLOOK_OPERATOR_JOB_SECRET,
      jobServiceAccount: settings.OUTLOOK_OPERATOR_JOB_SERVICE_ACCOUNT,
      jobVariables,
      activeDeadlineSeconds: settings.OUTLOOK_OPERATOR_JOB_DEADLINE_SECONDS,
      ttlSecondsAfterFinished: settings.OUTLOOK_OPERATOR_JOB_TTL_SECONDS,
      cleanupTimeoutMs: settings.OUTLOOK_OPERATOR_CLEANUP_TIMEOUT_SECONDS * 1000,
      resources: settings.OUTLOOK_OPERATOR_JOB_RESOURCES,
    },
    watchNamespaces: settings.OUTLOOK_OPERATOR_WATCH_NAMESPACES,
    manageJobAccess: settings.OUTLOOK_OPERATOR_MANAGE_JOB_ACCESS === 'true',
    jobClusterRole: settings.OUTLOOK_OPERATOR_JOB_CLUSTER_ROLE,
    workers: settings.OUTLOOK_OPERATOR_WORKERS,
    maxBackfills: settings.OUTLOOK_OPERATOR_MAX_BACKFILLS,
    relistMs: settings.OUTLOOK_OPERATOR_RELIST_SECONDS * 1000,
    podName: settings.POD_NAME,
    podNamespace: settings.POD_NAMESPACE,
    lease: {
      namespace: settings.OUTLOOK_OPERATOR_LEASE_NAMESPACE ?? settings.POD_NAMESPACE,
      name: settings.OUTLOOK_OPERATOR_LEASE_NAME,
      durationMs: settings.OUTLOOK_OPERATOR_LEASE_DURATION_SECONDS * 1000,
      renewMs: settings.OUTLOOK_OPERATOR_LEASE_RENEW_SECONDS * 1000,
      retryMs: settings.OUTLOOK_OPERATOR_LEASE_RETRY_SECONDS * 1000,
    },
    http: { host: settings.OUTLOOK_OPERATOR_HTTP_HOST, port: settings.OUTLOOK_OPERATOR_HTTP_PORT },
    logLevel: settings.LOG_LEVEL,
  };
}

/** The configuration, or everything that is wrong with the environment. */
export function parseConfig(env: Environment): ParsedConfig {
  const given = present(env, Object.keys(operatorEnvironment));
  const result = schema.safeParse(given);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => problemOf(String(issue.path[0]), issue.message));
    return { ok: false, problems };
  }
  const problems = crossProblems(result.data);
  if (problems.length > 0) return { ok: false, problems };
  const config = configOf(result.data, present(env, handedOnToJobs));
  return { ok: true, config, warnings: clampWarnings(given, result.data) };
}
