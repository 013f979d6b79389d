import * as z from 'zod';
import { jobEnvironment } from '../../api/jobEnvironment.ts';
import type { Problem } from '../config.ts';

/** What the operator told this run about itself; read once at the edge, all problems at once. */
export interface Surroundings {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly lease: string;
  readonly credentialsVersion: string;
  readonly job: string;
  readonly pod: string;
}

const given = z
  .string({ error: 'is missing; the operator sets it, and without one there is --standalone' })
  .trim();

/** By the names of `jobEnvironment`, for the problems to be named by the variables. */
const schemas = {
  namespace: given,
  name: given,
  uid: given,
  generation: given.regex(/^[1-9]\d{0,15}$/, { error: 'is no generation of a resource' }).transform(Number),
  lease: given,
  credentialsVersion: z.string().trim().default(''),
  job: given,
  pod: given,
} as const;

const examples: Readonly<Record<keyof typeof schemas, string>> = {
  namespace: 'mail',
  name: 'anna',
  uid: '5f0c6b4e-3c1d-4a7e-9b52-0a6f1d2c3e4f',
  generation: '1',
  lease: 'anna-sync',
  credentialsVersion: '4711',
  job: 'anna-sync-29401230',
  pod: 'anna-sync-29401230-x7k2p',
};

type Read = { ok: true; value: Surroundings } | { ok: false; problems: Problem[] };

/** Whether a run without `--standalone` has an API server to turn to. */
export function isInCluster(env: NodeJS.ProcessEnv): boolean {
  return [env['KUBERNETES_SERVICE_HOST'], env[jobEnvironment.name]].some((value) => (value ?? '') !== '');
}

const blankIsAbsent = (value = ''): string | undefined => (value.trim() === '' ? undefined : value);

export function readSurroundings(env: NodeJS.ProcessEnv): Read {
  const values = Object.fromEntries(
    Object.keys(schemas).map((key) => [key, blankIsAbsent(env[jobEnvironment[key as keyof typeof schemas]])]),
  );
  const parsed = z.object(schemas).safeParse(values);
  if (parsed.success) return { ok: true, value: parsed.data };
  const problems = parsed.error.issues.map(({ path, message }) => {
    const key = String(path[0]) as keyof typeof schemas;
    return { name: jobEnvironment[key], problem: message, example: examples[key] };
  });
  return { ok: false, problems };
}
