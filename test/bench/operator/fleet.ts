// Thousands of OutlookProviders, each with the Secret that it names, spread over namespaces as teams would have them.
import { managedByOperator, outlookProviders, apiVersion } from '../../../api/resource.ts';
import type { KubeClient } from '../../../kube/client.ts';
import type { ObjectRef } from '../../../kube/object.ts';
import { namespaces, secrets } from '../../../kube/resource.ts';

const perNamespace = 500;
const atOnce = 24;

/** Does `work` for every item, some at a time; rejects with the first failure. */
async function forAll<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const open = items.values();
  const worker = async (): Promise<void> => {
    for (const item of open) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

export async function createNamespace(client: KubeClient, name: string): Promise<void> {
  await client.create(namespaces, undefined, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
}

/** Where the providers are, in the order of their creation. */
export function fleet(size: number): ObjectRef[] {
  return Array.from({ length: size }, (_, index) => ({
    namespace: `team-${Math.floor(index / perNamespace)}`,
    name: `mailbox-${index}`,
  }));
}

/**
 * Creates the providers and their Secrets. The schedule fires once a year, so that nothing runs meanwhile: what is
 * measured is the operator alone.
 */
export async function createFleet(client: KubeClient, refs: readonly ObjectRef[]): Promise<void> {
  for (const namespace of new Set(refs.map((ref) => ref.namespace ?? ''))) {
    await createNamespace(client, namespace);
    await client.create(secrets, namespace, secretManifest({ namespace, name: managedByOperator }));
  }
  await forAll(refs, async (ref) => {
    await client.create(secrets, ref.namespace, secretManifest({ ...ref, name: `${ref.name}-grant` }));
    await client.create(outlookProviders, ref.namespace, providerManifest(ref));
  });
}

function secretManifest(metadata: ObjectRef): ReturnType<typeof manifestOf> {
  return manifestOf('v1', 'Secret', metadata, { stringData: { refreshToken: 'of nobody' } });
}

function providerManifest(ref: ObjectRef): ReturnType<typeof manifestOf> {
  return manifestOf(apiVersion, outlookProviders.kind, ref, {
    spec: {
      emailAddress: `${ref.name}@contoso.example`,
      owner: { userId: `user-of-${ref.name}` },
      schedule: 'H H 1 1 *',
      credentialsSecretRef: { name: `${ref.name}-grant` },
    },
  });
}

function manifestOf(version: string, kind: string, { namespace, name }: ObjectRef, rest: object) {
  const metadata = { name, ...(namespace !== undefined && { namespace }) };
  return { apiVersion: version, kind, metadata, ...rest };
}
