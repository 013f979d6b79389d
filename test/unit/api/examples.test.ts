// The examples of the documentation are valid, complete and what their names say.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod';
import { type ProviderSpec, providerSpec } from '../../../api/providerSpec.ts';
import { apiVersion } from '../../../api/resource.ts';

const FOLDER = join(import.meta.dirname, '../../../docs/examples');

const named = z.strictObject({ name: z.string() });
const object = z.discriminatedUnion('kind', [
  z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('Secret'),
    metadata: named,
    stringData: z.strictObject({ refreshToken: z.string() }),
  }),
  z.strictObject({
    apiVersion: z.literal(apiVersion),
    kind: z.literal('OutlookProvider'),
    metadata: named,
    spec: z.record(z.string(), z.unknown()),
  }),
]);

interface Example {
  readonly secrets: readonly string[];
  readonly given: Readonly<Record<string, unknown>>;
  readonly spec: ProviderSpec;
}

async function readExample(file: string): Promise<Example> {
  const documents = parseAllDocuments(await readFile(join(FOLDER, file), 'utf8'));
  const objects = documents.map((document) => object.parse(document.toJS()));
  const providers = objects.filter((one) => one.kind === 'OutlookProvider');
  const secrets = objects.filter((one) => one.kind === 'Secret').map(({ metadata }) => metadata.name);
  const [provider] = providers;
  if (provider === undefined || providers.length > 1) throw new Error('One provider for each example');
  return { secrets, given: provider.spec, spec: providerSpec.parse(provider.spec) };
}

/** Paths of everything that an object names. */
function paths(value: unknown, prefix = ''): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [prefix];
  return Object.entries(value).flatMap(([name, child]) =>
    paths(child, prefix === '' ? name : `${prefix}.${name}`),
  );
}

describe.each(await readdir(FOLDER))('the example %s', (file) => {
  it('is valid, and says nothing that is not known', async () => {
    const { given, spec } = await readExample(file);
    expect(paths(spec)).toEqual(expect.arrayContaining(paths(given)));
  });

  it('brings the Secret that it refers to, and no other', async () => {
    const { secrets, spec } = await readExample(file);
    expect(secrets).toEqual(spec.credentialsSecretRef ? [spec.credentialsSecretRef.name] : []);
  });
});

it('the full example names every field', async () => {
  const { given } = await readExample('full-provider.yaml');
  const schema = z.toJSONSchema(providerSpec, { io: 'input' });
  const known = Object.keys(schema.properties ?? {});
  expect(Object.keys(given).sort()).toEqual(known.sort());
  for (const part of ['auth', 'sync', 'push', 'podTemplate'] as const) {
    const { properties = {} } = schema.properties?.[part] as { properties?: object };
    expect(Object.keys(given[part] as object).sort()).toEqual(Object.keys(properties).sort());
  }
});

it('the other examples are what their names say', async () => {
  expect((await readExample('minimal-provider.yaml')).spec).toEqual(
    providerSpec.parse({
      emailAddress: 'anna@contoso.com',
      owner: { userId: 'user-42' },
      credentialsSecretRef: { name: 'anna-outlook' },
    }),
  );
  expect((await readExample('application-mode.yaml')).spec.auth.mode).toBe('Application');
  expect((await readExample('suspended-provider.yaml')).spec.suspend).toBe(true);
});
