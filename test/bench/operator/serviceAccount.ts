// A program as a pod runs it: by its service account with the rights that are shipped, for all namespaces.
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeClient } from '../../../kube/client.ts';
import { serviceAccounts } from '../../../kube/resource.ts';
import type { ControlPlane } from '../../harness/cluster/controlPlane.ts';

/** Where the manifests put the programs. */
export const namespace = 'outlook-sync';
const rights = join(import.meta.dirname, '../../../config/rbac');
/** Longer than any benchmark runs. */
const tokenSeconds = 7_200;

/** The rights of all programs. */
export async function grantRights(plane: ControlPlane): Promise<void> {
  const { code, stderr } = await plane.kubectl(['apply', '--server-side', '-f', rights]);
  if (code !== 0) throw new Error(`The programs get no rights: ${stderr}`);
}

/**
 * Writes what a kubelet would mount into a pod of the account.
 * Resolves to the environment by which the program finds the API server.
 */
export async function mountAccount(
  { plane, client }: { readonly plane: ControlPlane; readonly client: KubeClient },
  account: string,
  folder: string,
): Promise<Record<string, string>> {
  await mkdir(folder, { recursive: true });
  const token = await tokenOf(client, account);
  await writeFile(join(folder, 'token'), token, { mode: 0o600 });
  await writeFile(join(folder, 'namespace'), namespace);
  await copyFile(plane.caFile, join(folder, 'ca.crt'));
  const { hostname, port } = new URL(plane.server);
  return {
    KUBERNETES_SERVICE_HOST: hostname,
    KUBERNETES_SERVICE_PORT: port,
    KUBERNETES_SERVICE_ACCOUNT_DIR: folder,
  };
}

async function tokenOf(client: KubeClient, account: string): Promise<string> {
  const request = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: tokenSeconds },
  };
  const ref = { namespace, name: account };
  const { status } = await client.createSubresource(serviceAccounts, ref, 'token', request);
  const { token } = status as { readonly token?: unknown };
  if (typeof token !== 'string') throw new Error('The API server gave no token');
  return token;
}
