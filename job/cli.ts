import { parseArgs } from 'node:util';
import * as z from 'zod';
import type { CleanupClaim } from './cleanup.ts';
import type { Problem } from './config.ts';
import type { ProviderClaim } from './store/provider.ts';

/**
 * The arguments of the job. Problems are collected, not thrown, so that they can be told together with those of the
 * environment.
 */
export type Command =
  | { readonly name: 'help' }
  | { readonly name: 'migrate'; readonly problems: Problem[] }
  | {
      readonly name: 'sync';
      readonly claim: ProviderClaim;
      readonly user: string;
      /** Without a cluster, by the lease in Postgres alone. */
      readonly standalone: boolean;
      readonly problems: Problem[];
    }
  | {
      readonly name: 'cleanup';
      readonly claim: CleanupClaim;
      /** The rows stay; only the subscription at Graph goes. */
      readonly retain: boolean;
      readonly problems: Problem[];
    }
  | { readonly name: 'unknown'; readonly problems: Problem[] };

const options = {
  standalone: { type: 'boolean' },
  email: { type: 'string' },
  'user-id': { type: 'string' },
  'workspace-id': { type: 'string' },
  'provider-id': { type: 'string' },
  'user-principal-name': { type: 'string' },
  retain: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const examples: Record<string, string> = {
  '--standalone': '--standalone',
  '--email': '--email anna@contoso.com',
  '--user-id': '--user-id user-42',
  '--workspace-id': '--workspace-id team-7',
  '--provider-id': '--provider-id 5f0c6b4e-3c1d-4a7e-9b52-0a6f1d2c3e4f',
  '--retain': '--retain',
  '--user-principal-name': '--user-principal-name anna@contoso.com',
};

const problem = (name: string, what: string): Problem => ({
  name,
  problem: what,
  example: examples[name] ?? 'npm run job -- --help',
});

type Values = Record<string, string | boolean | undefined>;

function parse(args: readonly string[]): { values: Values; positionals: string[]; problems: Problem[] } {
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const unknown = tokens.filter((token) => token.kind === 'option' && !(token.name in options));
  const problems = unknown.map((token) =>
    problem('rawName' in token ? token.rawName : '', 'is no argument of the job'),
  );
  return { values, positionals, problems };
}

const email = z
  .string({ error: 'is missing' })
  .trim()
  .regex(/^[^\s@]+@[^\s@]+$/, { error: (issue) => `${JSON.stringify(issue.input)} is no e-mail address` });
const userId = z.string({ error: 'is missing' }).trim().min(1, { error: 'is empty' });
const uuid = (error: string) =>
  z
    .string({ error })
    .trim()
    .toLowerCase()
    .pipe(z.guid({ error: (issue) => `${JSON.stringify(issue.input)} is no UUID` }));

const standaloneSchema = z.object({
  standalone: z.literal(true, {
    error:
      'is missing: without a cluster the lease in Postgres alone guards the run, which this says is meant',
  }),
  email,
  'user-id': userId,
  'workspace-id': z.string({ error: 'has no value' }).trim().min(1, { error: 'is empty' }).optional(),
  'provider-id': uuid('has no value').optional(),
  'user-principal-name': z.string({ error: 'has no value' }).trim().min(1, { error: 'is empty' }).optional(),
});

/** In a cluster the resource has said which row it is. */
const clusterSchema = standaloneSchema.omit({ standalone: true }).extend({
  'provider-id': uuid('is missing'),
});

const cleanupSchema = z.object({
  'provider-id': uuid('is missing'),
  email: email.optional(),
  'user-id': userId.optional(),
  retain: z.literal(true, { error: 'takes no value' }).optional(),
});

const problemsOf = ({ error }: z.ZodSafeParseResult<unknown>): Problem[] =>
  error?.issues.map((issue) => problem(`--${String(issue.path[0])}`, issue.message)) ?? [];

function syncCommand(values: Values, before: Problem[], inCluster: boolean): Command {
  const standalone = !inCluster || values['standalone'] !== undefined;
  const parsed = (standalone ? standaloneSchema : clusterSchema).safeParse(values);
  const {
    email: address = '',
    'user-id': owner = '',
    'workspace-id': workspaceId = null,
    'provider-id': providerId = null,
    'user-principal-name': user,
  } = parsed.data ?? {};
  const claim = { email: address, userId: owner, workspaceId, providerId };
  const problems = [...before, ...problemsOf(parsed)];
  return { name: 'sync', claim, user: user ?? address, standalone, problems };
}

function cleanupCommand(values: Values, before: Problem[]): Command {
  const parsed = cleanupSchema.safeParse(values);
  const {
    'provider-id': providerId = '',
    email: address = null,
    'user-id': owner = null,
    retain = false,
  } = parsed.data ?? {};
  const claim = { providerId, email: address, userId: owner };
  return { name: 'cleanup', claim, retain, problems: [...before, ...problemsOf(parsed)] };
}

/** @param inCluster whether a sync without `--standalone` is one of a cluster */
export function parseCommand(args: readonly string[], inCluster = false): Command {
  const { values, positionals, problems } = parse(args);
  const [name, ...extra] = positionals;
  if (values['help'] === true || name === 'help' || args.length === 0) return { name: 'help' };
  const all = [...problems, ...extra.map((word) => problem(word, 'is one word too many'))];
  if (name === 'sync') return syncCommand(values, all, inCluster);
  if (name === 'cleanup') return cleanupCommand(values, all);
  if (name === 'migrate') return { name: 'migrate', problems: all };
  const what = name === undefined ? 'is missing' : `"${name}" is none of sync, migrate, cleanup`;
  return { name: 'unknown', problems: [problem('command', what), ...all] };
}
