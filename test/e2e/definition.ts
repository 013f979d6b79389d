// The CustomResourceDefinition as it is shipped, and one that lets everything pass, as of a version without a schema.
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import * as z from 'zod';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeObject, Manifest } from '../../kube/object.ts';
import { customResourceDefinitions } from '../../kube/resource.ts';
import { providers } from './kinds.ts';
import type { Site } from './site.ts';

const FILE = new URL('../../crds/outlooksync.dev_outlookproviders.yaml', import.meta.url);
const SERVED_MS = 30_000;
const POLL_MS = 100;

const definition = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({ versions: z.array(z.looseObject({ schema: z.looseObject({}) })) }),
});

const asAdmin = { fieldManager: 'e2e', force: true };

/** Applies it and resolves when the API server serves it. */
export async function applyDefinition(client: KubeClient): Promise<void> {
  await client.apply(customResourceDefinitions, await shipped(), asAdmin);
  await served(() => client.list(providers, { namespace: 'default', limit: 1 }));
}

/** Stores a provider that the shipped definition would refuse, as an older one let it be stored. */
export async function storeUnchecked({ client, cluster }: Site, object: Manifest): Promise<void> {
  const { spec, ...rest } = await shipped();
  const anything = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const versions = spec.versions.map((version) => ({ ...version, schema: anything }));
  const lenient = { ...rest, spec: { ...spec, versions } };
  await client.apply(customResourceDefinitions, lenient, asAdmin);
  await served(() => client.apply<KubeObject>(providers, object, asAdmin));
  await applyDefinition(client);
  // Until the strict one is in force: it refuses another like it. (What is stored it lets be.)
  const other = { ...object, metadata: { ...object.metadata, name: 'other' } };
  const again = ['apply', '--server-side', '--dry-run=server', '--field-manager=e2e', '--filename=-'];
  await served(async () => {
    const { code } = await cluster.kubectl(again, { input: JSON.stringify(other) });
    if (code === 0) throw new Error('The lenient definition is still in force');
  });
}

async function shipped(): Promise<z.infer<typeof definition>> {
  return definition.parse(parse(await readFile(FILE, 'utf8')));
}

/** A definition takes effect a moment after it is accepted, and nothing tells when. */
async function served(attempt: () => Promise<unknown>): Promise<void> {
  const deadline = performance.now() + SERVED_MS;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(POLL_MS);
    }
  }
}
