// The chart as its tests see it: what Helm makes of it, as objects.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import * as z from 'zod';
import { helm } from '../../harness/helm.ts';

export const CHART = join(import.meta.dirname, '..', '..', '..', 'charts', 'outlook-sync');
const CI = join(CHART, 'ci');

/** Values that every kind of installation is checked with, by name. */
export const variants = readdirSync(CI).map((file) => file.replace(/-values\.yaml$/, ''));
export const valuesFile = (variant: string): string => join(CI, `${variant}-values.yaml`);

const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
});
export type Rendered = z.infer<typeof objectSchema>;

export function objectsOf(yaml: string): Rendered[] {
  return parseAllDocuments(yaml)
    .map((document) => document.toJS() as unknown)
    .filter((one) => one !== null)
    .map((one) => objectSchema.parse(one));
}

export const HOME = 'outlook-sync';
const minimal = ['--values', valuesFile('minimal')];

interface Rendering {
  readonly variant?: string;
  readonly values?: object;
}

const renderings = new Map<string, Promise<readonly Rendered[]>>();

/** Resolves to the objects of a release named outlook-sync. Rejects with what Helm says where it refuses. */
export function render({ variant = 'minimal', values = {} }: Rendering = {}): Promise<readonly Rendered[]> {
  const key = JSON.stringify([variant, values]);
  const known = renderings.get(key) ?? renderNow(variant, values);
  renderings.set(key, known);
  return known;
}

async function renderNow(variant: string, values: object): Promise<readonly Rendered[]> {
  const args = ['template', 'outlook-sync', CHART, `--namespace=${HOME}`];
  const { code, stdout, stderr } = await helm([...args, '--values', valuesFile(variant), '--values=-'], {
    input: stringify(values),
  });
  if (code !== 0) throw new Error(stderr);
  return objectsOf(stdout);
}

/** What Helm says against values beside the least that are needed; empty where it has nothing against them. */
export async function refusalOf(values: object, base: readonly string[] = minimal): Promise<string> {
  const args = ['template', 'outlook-sync', CHART, `--namespace=${HOME}`, ...base, '--values=-'];
  const { code, stderr } = await helm(args, { input: stringify(values) });
  return code === 0 ? '' : stderr;
}

export function find(objects: readonly Rendered[], kind: string, name: string, namespace?: string): Rendered {
  const found = objects.filter(
    (one) =>
      one.kind === kind &&
      one.metadata.name === name &&
      (namespace === undefined || one.metadata.namespace === namespace),
  );
  const [only] = found;
  if (only === undefined || found.length > 1) throw new Error(`There are ${found.length} ${kind} ${name}`);
  return only;
}

const podSchema = z.looseObject({
  containers: z.tuple([
    z.looseObject({
      image: z.string(),
      command: z.array(z.string()).optional(),
      env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })).default([]),
      securityContext: z.looseObject({}),
      resources: z.looseObject({}),
    }),
  ]),
  securityContext: z.looseObject({}),
});
export type Pod = z.infer<typeof podSchema>;

/** The pod of something that has one. */
export function podOf(object: Rendered): Pod {
  const spec = z
    .looseObject({ template: z.looseObject({ spec: z.unknown() }).optional() })
    .parse(object['spec']);
  return podSchema.parse(spec.template?.spec ?? spec);
}

/** Values of a pod's environment; of references, what they refer to. */
export function environmentOf(object: Rendered): Record<string, unknown> {
  const [{ env }] = podOf(object).containers;
  return Object.fromEntries(env.map(({ name, value, ...rest }) => [name, value ?? rest['valueFrom']]));
}
