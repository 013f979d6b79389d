// The rights that are shipped (config/rbac), for an operator that serves some namespaces only: its ClusterRole is bound
// in each of them; everywhere it may let providers go.
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
const FINALIZERS = 'outlook-sync-operator-finalizers';
const RBAC = { group: 'rbac.authorization.k8s.io', version: 'v1' } as const;
const RBAC_VERSION = `${RBAC.group}/${RBAC.version}`;

const clusterRoles: Resource = { ...RBAC, plural: 'clusterroles', kind: 'ClusterRole', namespaced: false };
const clusterRoleBindings: Resource = {
  ...clusterRoles,
  plural: 'clusterrolebindings',
  kind: 'ClusterRoleBinding',
};
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

/** The operator's service account and the Lease by which it leads, in `home`; and what it may do everywhere. */
export async function settleOperator(client: KubeClient, home: string): Promise<void> {
  const text = JSON.stringify(await shipped()).replaceAll(
    `"namespace":"${SHIPPED_HOME}"`,
    `"namespace":"${home}"`,
  );
  for (const one of z.array(manifest).parse(JSON.parse(text))) {
    const resource = kinds[one.kind];
    if (resource !== undefined) await client.apply(resource, one, asAdmin);
  }
  const { roleRef, subjects } = bindingOf(home, FINALIZERS);
  const kind = 'ClusterRoleBinding';
  const everywhere = { apiVersion: RBAC_VERSION, kind, metadata: { name: home }, roleRef, subjects };
  await client.apply(clusterRoleBindings, everywhere, asAdmin);
}

/** What is outside of the stage's namespaces. */
export async function dismissOperator(client: KubeClient, home: string): Promise<void> {
  await client.delete(clusterRoleBindings, { name: home });
}

/** The operator of `home` may serve `namespace`. */
export async function admitOperator(client: KubeClient, home: string, namespace: string): Promise<void> {
  const metadata = { name: OPERATOR, namespace };
  const binding = { apiVersion: RBAC_VERSION, kind: 'RoleBinding', metadata, ...bindingOf(home, OPERATOR) };
  await client.apply(roleBindings, binding, asAdmin);
}

function bindingOf(home: string, clusterRole: string): { roleRef: object; subjects: object[] } {
  return {
    roleRef: { apiGroup: RBAC.group, kind: 'ClusterRole', name: clusterRole },
    subjects: [{ kind: 'ServiceAccount', name: OPERATOR, namespace: home }],
  };
}

async function shipped(): Promise<z.infer<typeof manifest>[]> {
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.yaml'));
  const texts = await Promise.all(files.map((name) => readFile(join(FOLDER, name), 'utf8')));
  return texts.flatMap((text) =>
    parseAllDocuments(text).map((document) => manifest.parse(document.toJS() as unknown)),
  );
}
