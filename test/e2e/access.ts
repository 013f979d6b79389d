// The rights that are shipped (config/rbac), for an operator that serves some namespaces only: its ClusterRole is bound
// in each of them, and nowhere else.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod';
import type { KubeClient } from '../../kube/client.ts';
import { type Resource, roleBindings, serviceAccounts } from '../../kube/resource.ts';

export const OPERATOR = 'outlook-sync-operator';
export const JOB = 'outlook-sync-job';
export const LEADER_LEASE = 'outlook-sync-operator';

const FOLDER = join(import.meta.dirname, '..', '..', 'config', 'rbac');
/** The namespace that the manifests name. */
const SHIPPED_HOME = 'outlook-sync';
const RBAC = { group: 'rbac.authorization.k8s.io', version: 'v1' } as const;

const clusterRoles: Resource = { ...RBAC, plural: 'clusterroles', kind: 'ClusterRole', namespaced: false };
const roles: Resource = { ...RBAC, plural: 'roles', kind: 'Role', namespaced: true };
const kinds: Readonly<Record<string, Resource>> = {
  ServiceAccount: serviceAccounts,
  Role: roles,
  RoleBinding: roleBindings,
};

const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
});
const asAdmin = { fieldManager: 'e2e', force: true };

/** The ClusterRoles, which all stages share. */
export async function applyClusterRoles(client: KubeClient): Promise<void> {
  for (const one of await shipped()) {
    if (one.kind === 'ClusterRole') await client.apply(clusterRoles, one, asAdmin);
  }
}

/** The operator's service account and the Lease by which it leads, in `home`. */
export async function settleOperator(client: KubeClient, home: string): Promise<void> {
  const text = JSON.stringify(await shipped()).replaceAll(
    `"namespace":"${SHIPPED_HOME}"`,
    `"namespace":"${home}"`,
  );
  for (const one of z.array(manifest).parse(JSON.parse(text))) {
    const resource = kinds[one.kind];
    if (resource !== undefined) await client.apply(resource, one, asAdmin);
  }
}

/** The operator of `home` may serve `namespace`. */
export async function admitOperator(client: KubeClient, home: string, namespace: string): Promise<void> {
  const binding = {
    apiVersion: `${RBAC.group}/${RBAC.version}`,
    kind: 'RoleBinding',
    metadata: { name: OPERATOR, namespace },
    roleRef: { apiGroup: RBAC.group, kind: 'ClusterRole', name: OPERATOR },
    subjects: [{ kind: 'ServiceAccount', name: OPERATOR, namespace: home }],
  };
  await client.apply(roleBindings, binding, asAdmin);
}

async function shipped(): Promise<z.infer<typeof manifest>[]> {
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.yaml'));
  const texts = await Promise.all(files.map((name) => readFile(join(FOLDER, name), 'utf8')));
  return texts.flatMap((text) =>
    parseAllDocuments(text).map((document) => manifest.parse(document.toJS() as unknown)),
  );
}
