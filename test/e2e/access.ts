// The rights that are shipped (config/rbac), for an operator and a webhook that serve some namespaces only: their
// ClusterRoles are bound in each of them; everywhere the operator may let providers go.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod';
import type { KubeClient } from '../../kube/client.ts';
import { type Resource, roleBindings, serviceAccounts } from '../../kube/resource.ts';

export const OPERATOR = 'outlook-sync-operator';
export const JOB = 'outlook-sync-job';
export const WEBHOOK = 'outlook-sync-webhook';
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

/** The service accounts and the Lease by which the operator leads, in `home`; and what that may do everywhere. */
export async function settlePrograms(client: KubeClient, home: string): Promise<void> {
  const text = JSON.stringify(await shipped()).replaceAll(
    `"namespace":"${SHIPPED_HOME}"`,
    `"namespace":"${home}"`,
  );
  for (const one of z.array(manifest).parse(JSON.parse(text))) {
    const resource = kinds[one.kind];
    if (resource !== undefined) await client.apply(resource, one, asAdmin);
  }
  const { roleRef, subjects } = bindingOf(home, FINALIZERS, OPERATOR);
  const kind = 'ClusterRoleBinding';
  const everywhere = { apiVersion: RBAC_VERSION, kind, metadata: { name: home }, roleRef, subjects };
  await client.apply(clusterRoleBindings, everywhere, asAdmin);
}

/** What is outside of the stage's namespaces. */
export async function dismissPrograms(client: KubeClient, home: string): Promise<void> {
  await client.delete(clusterRoleBindings, { name: home });
}

/** The operator and the webhook of `home` may serve `namespace`. */
export async function admitPrograms(client: KubeClient, home: string, namespace: string): Promise<void> {
  for (const program of [OPERATOR, WEBHOOK]) {
    const metadata = { name: program, namespace };
    const bound = bindingOf(home, program, program);
    await client.apply(
      roleBindings,
      { apiVersion: RBAC_VERSION, kind: 'RoleBinding', metadata, ...bound },
      asAdmin,
    );
  }
}

function bindingOf(
  home: string,
  clusterRole: string,
  account: string,
): { roleRef: object; subjects: object[] } {
  return {
    roleRef: { apiGroup: RBAC.group, kind: 'ClusterRole', name: clusterRole },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace: home }],
  };
}

async function shipped(): Promise<z.infer<typeof manifest>[]> {
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.yaml'));
  const texts = await Promise.all(files.map((name) => readFile(join(FOLDER, name), 'utf8')));
  return texts.flatMap((text) =>
    parseAllDocuments(text).map((document) => manifest.parse(document.toJS() as unknown)),
  );
}
