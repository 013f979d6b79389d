import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { KubeClient } from '../../../kube/client.ts';
import type { Connection } from '../../../kube/connection.ts';
import { kubeconfigConnection } from '../../../kube/kubeconfig.ts';
import { namespaces } from '../../../kube/resource.ts';
import { SHARED_START_TIMEOUT_MS, sharedControlPlane } from '../../harness/cluster/shared.ts';
import { kubernetesContract } from './contract.ts';

let connection: Connection;
const made: string[] = [];

function client(): KubeClient {
  return new KubeClient(connection, { userAgent: 'kube-test/1' });
}

beforeAll(async () => {
  const { kubeconfig } = await sharedControlPlane();
  connection = await kubeconfigConnection({ path: kubeconfig });
}, SHARED_START_TIMEOUT_MS);

afterAll(async () => {
  for (const name of made) await client().delete(namespaces, { name });
  await connection.close();
});

kubernetesContract('the real API server', async () => {
  const namespace = `kube-${randomUUID().slice(0, 8)}`;
  await client().create(namespaces, undefined, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace },
  });
  made.push(namespace);
  return { client: client(), namespace };
});
