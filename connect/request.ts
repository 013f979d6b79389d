import { parseArgs } from 'node:util';
import * as z from 'zod';
import { type Cloud, cloudEndpoints } from '../api/cloud.ts';
import { objectNamePattern } from '../api/patterns.ts';
import { type Rule, textRules } from '../api/specRules.ts';
import { isTokenUrl } from '../api/tokenUrl.ts';
import { missingScopes } from './plan/scopes.ts';

/**
 * What is asked for, read once from arguments and environment. All problems are found at once, before a person is asked
 * to sign in; what is secret is never repeated in one.
 */
export interface Request {
  /** Of the OutlookProvider. */
  readonly name: string;
  readonly namespace: string | undefined;
  /** Of the Secret; absent: as the resource has it, else `<name>-outlook`. */
  readonly secretName: string | undefined;
  readonly emailAddress: string | undefined;
  readonly userId: string | undefined;
  readonly workspaceId: string | undefined;
  readonly schedule: string | undefined;
  readonly app: App;
  /** Of the arguments alone; absent: as the resource has it, else as the environment has it, else `common` and Global. */
  readonly tenantId: string | undefined;
  readonly cloud: Cloud | undefined;
  readonly standing: { readonly tenantId: string; readonly cloud: Cloud };
  readonly scopes: string;
  readonly graphBaseUrl: string | undefined;
  readonly tokenUrl: string | undefined;
  readonly kubeconfig: { readonly path: string | undefined; readonly context: string | undefined };
  readonly output: 'cluster' | 'yaml';
  readonly dryRun: boolean;
  readonly timeoutSeconds: number;
  readonly mayReplaceForeignSecret: boolean;
  readonly mayAcceptOtherAddress: boolean;
}

interface App {
  readonly clientId: string;
  /** Empty for a public client, and where a file has it. */
  readonly clientSecret: string;
  readonly clientSecretFile: string | undefined;
}

/** `name` is an argument or a variable, as the user wrote it. */
export interface Problem {
  readonly name: string;
  readonly problem: string;
  readonly example: string;
}

export type Parsed =
  | { readonly name: 'help' }
  | { readonly name: 'connect'; readonly request: Request }
  | { readonly name: 'refused'; readonly problems: readonly Problem[] };

const options = {
  name: { type: 'string' },
  namespace: { type: 'string', short: 'n' },
  secret: { type: 'string' },
  email: { type: 'string' },
  'user-id': { type: 'string' },
  'workspace-id': { type: 'string' },
  schedule: { type: 'string' },
  'client-id': { type: 'string' },
  'client-secret-file': { type: 'string' },
  tenant: { type: 'string' },
  cloud: { type: 'string' },
  scopes: { type: 'string' },
  context: { type: 'string' },
  kubeconfig: { type: 'string' },
  output: { type: 'string', short: 'o' },
  'dry-run': { type: 'boolean' },
  timeout: { type: 'string' },
  'replace-foreign-secret': { type: 'boolean' },
  'accept-other-address': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const examples: Readonly<Record<string, string>> = {
  '--name': '--name anna',
  '--namespace': '--namespace team-a',
  '--secret': '--secret anna-outlook',
  '--email': '--email anna@contoso.com',
  '--user-id': '--user-id user-42',
  '--workspace-id': '--workspace-id team-7',
  '--schedule': '--schedule "H/5 * * * *"',
  '--client-id': '--client-id 6f1c2b7e-0d7a-4c55-9d37-2b6a4f0f7a11',
  '--client-secret-file': '--client-secret-file ./client-secret',
  '--tenant': '--tenant contoso.onmicrosoft.com',
  '--cloud': '--cloud Global',
  '--scopes': `--scopes "offline_access User.Read Mail.Read"`,
  '--context': '--context production',
  '--kubeconfig': '--kubeconfig ~/.kube/config',
  '--output': '--output yaml',
  '--dry-run': '--dry-run',
  '--timeout': '--timeout 15m',
  OUTLOOK_TENANT_ID: 'contoso.onmicrosoft.com',
  OUTLOOK_CLOUD: 'Global',
  OUTLOOK_GRAPH_BASE_URL: 'https://graph.microsoft.com/v1.0',
  OUTLOOK_TOKEN_URL: 'https://login.microsoftonline.com/common/oauth2/v2.0/token',
};

const problemWith = (name: string, problem: string): Problem => ({
  name,
  problem,
  example: examples[name] ?? 'npm run connect -- --help',
});

const clouds = ['Global', 'USGov', 'USGovDoD', 'China'] as const satisfies readonly Cloud[];
export const defaultScopes = 'offline_access User.Read Mail.Read';
const longestTimeout = 3600;

const given = (value: unknown): string => JSON.stringify(value);
const text = z.string({ error: 'has no value' }).trim().min(1, { error: 'is empty' });

const ruled = (rules: readonly Rule<string>[]) =>
  rules.reduce(
    (schema, { holds, message }) =>
      schema.refine(holds, { error: ({ input }) => `${given(input)} will not do: ${message}` }),
    text,
  );

const cloud = z.enum(clouds, { error: ({ input }) => `${given(input)} is none of ${clouds.join(', ')}` });
const objectName = text.regex(new RegExp(objectNamePattern), {
  error: ({ input }) => `${given(input)} is no name of an object: lower case letters, digits, - and .`,
});
const flag = z.boolean({ error: 'takes no value' }).default(false);

const scopes = text
  .transform((value) => value.split(/[\s,]+/).join(' '))
  .superRefine((value, context) => {
    for (const problem of missingScopes(value)) context.addIssue({ code: 'custom', message: problem });
  });

const timeout = text.transform((value, context) => {
  const [, amount = '', unit] = /^(\d{1,5})([sm]?)$/.exec(value) ?? [];
  const seconds = amount === '' ? NaN : Number(amount) * (unit === 'm' ? 60 : 1);
  if (!(seconds >= 1 && seconds <= longestTimeout))
    context.addIssue(`${given(value)} is no time of up to an hour, such as 300, 300s or 15m`);
  return seconds;
});

const argumentsSchema = z.object({
  name: objectName.optional(),
  namespace: objectName.optional(),
  secret: objectName.optional(),
  email: ruled(textRules.emailAddress).optional(),
  'user-id': ruled(textRules.userId).optional(),
  'workspace-id': ruled(textRules.workspaceId).optional(),
  schedule: ruled(textRules.schedule).optional(),
  'client-id': text.optional(),
  'client-secret-file': text.optional(),
  tenant: ruled(textRules.tenantId).optional(),
  cloud: cloud.optional(),
  scopes: scopes.default(defaultScopes),
  context: text.optional(),
  kubeconfig: text.optional(),
  output: z
    .literal('yaml', { error: ({ input }) => `${given(input)} is not yaml, the only format` })
    .optional(),
  'dry-run': flag,
  timeout: timeout.default(900),
  'replace-foreign-secret': flag,
  'accept-other-address': flag,
});
type Arguments = z.infer<typeof argumentsSchema>;

const url = text.refine(isTokenUrl, {
  error: 'is no https: URL without credentials (http: only for loopback and cluster-internal hosts)',
});
const environmentSchema = z.object({
  OUTLOOK_CLIENT_ID: text.optional(),
  OUTLOOK_CLIENT_SECRET: z.string().default(''),
  OUTLOOK_TENANT_ID: ruled(textRules.tenantId).default('common'),
  OUTLOOK_CLOUD: cloud.default('Global'),
  OUTLOOK_GRAPH_BASE_URL: url.optional(),
  OUTLOOK_TOKEN_URL: url
    .refine((value) => URL.parse(value)?.pathname.endsWith('/token') ?? false, {
      error: 'does not end in /token, and the endpoint for device codes is looked for beside it',
    })
    .optional(),
});
type Environment = z.infer<typeof environmentSchema>;

/** The environment variables that are read, all of them the job's own. */
export const variables = Object.keys(environmentSchema.shape);

function readArguments(args: readonly string[]): {
  values: Record<string, unknown>;
  problems: Problem[];
} {
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const unknown = tokens.filter((token) => token.kind === 'option' && !(token.name in options));
  return {
    values,
    problems: [
      ...unknown.map((token) =>
        problemWith('rawName' in token ? token.rawName : '', 'is no argument of connect'),
      ),
      ...positionals.map((word) => problemWith(word, 'is one word too many')),
    ],
  };
}

/** Blank is the same as absent. */
function present(env: NodeJS.ProcessEnv): Record<string, string> {
  const named = variables.map((name) => [name, env[name]?.trim() ?? ''] as const);
  return Object.fromEntries(named.filter(([, value]) => value !== ''));
}

const issuesOf = ({ error }: z.ZodSafeParseResult<unknown>, prefix: string): Problem[] =>
  error?.issues.map((issue) => problemWith(`${prefix}${String(issue.path[0])}`, issue.message)) ?? [];

/** What no single value tells. */
function crossProblems(values: Record<string, unknown>, env: Record<string, string>): Problem[] {
  const problems: Problem[] = [];
  const say = (name: string, problem: string): number => problems.push(problemWith(name, problem));
  if (values['name'] === undefined) say('--name', 'is missing: the name of the OutlookProvider');
  if (values['client-id'] === undefined && env['OUTLOOK_CLIENT_ID'] === undefined)
    say('--client-id', 'is missing, and so is OUTLOOK_CLIENT_ID: the id of the app that you registered');
  if (values['output'] === undefined) return problems;
  if (values['user-id'] === undefined)
    say('--user-id', 'is missing: without a cluster there is no resource to take it from');
  if (values['dry-run'] !== undefined) say('--dry-run', 'asks the API server, which --output does without');
  return problems;
}

function requestOf(args: Arguments, env: Environment): Request {
  const { 'client-secret-file': clientSecretFile } = args;
  return {
    name: args.name ?? '',
    namespace: args.namespace,
    secretName: args.secret,
    emailAddress: args.email,
    userId: args['user-id'],
    workspaceId: args['workspace-id'],
    schedule: args.schedule,
    app: {
      clientId: args['client-id'] ?? env.OUTLOOK_CLIENT_ID ?? '',
      clientSecret: clientSecretFile === undefined ? env.OUTLOOK_CLIENT_SECRET : '',
      clientSecretFile,
    },
    tenantId: args.tenant,
    cloud: args.cloud,
    standing: { tenantId: env.OUTLOOK_TENANT_ID, cloud: env.OUTLOOK_CLOUD },
    scopes: args.scopes,
    graphBaseUrl: env.OUTLOOK_GRAPH_BASE_URL,
    tokenUrl: env.OUTLOOK_TOKEN_URL,
    kubeconfig: { path: args.kubeconfig, context: args.context },
    output: args.output ?? 'cluster',
    dryRun: args['dry-run'],
    timeoutSeconds: args.timeout,
    mayReplaceForeignSecret: args['replace-foreign-secret'],
    mayAcceptOtherAddress: args['accept-other-address'],
  };
}

export function parseRequest(args: readonly string[], env: NodeJS.ProcessEnv): Parsed {
  const { values, problems } = readArguments(args);
  if (values['help'] === true || args.length === 0 || args[0] === 'help') return { name: 'help' };
  const variablesGiven = present(env);
  const parsedArguments = argumentsSchema.safeParse(values);
  const parsedEnvironment = environmentSchema.safeParse(variablesGiven);
  const all = [
    ...problems,
    ...issuesOf(parsedArguments, '--'),
    ...issuesOf(parsedEnvironment, ''),
    ...crossProblems(values, variablesGiven),
  ];
  if (!parsedArguments.success || !parsedEnvironment.success || all.length > 0)
    return { name: 'refused', problems: all };
  return { name: 'connect', request: requestOf(parsedArguments.data, parsedEnvironment.data) };
}

export interface Endpoints {
  readonly tokenUrl: string;
  readonly deviceUrl: string;
  /** Without a slash at the end. */
  readonly graphBaseUrl: string;
}

/** As the job finds them: the cloud's, unless an administrator named others. */
export function endpointsOf(request: Request, login: { tenantId: string; cloud: Cloud }): Endpoints {
  const standing = cloudEndpoints(login.cloud, login.tenantId);
  const tokenUrl = request.tokenUrl ?? standing.tokenUrl;
  const device = new URL(tokenUrl);
  device.pathname = device.pathname.replace(/\/token$/, '/devicecode');
  return {
    tokenUrl,
    deviceUrl: device.href,
    graphBaseUrl: (request.graphBaseUrl ?? standing.graphBaseUrl).replace(/\/+$/, ''),
  };
}
