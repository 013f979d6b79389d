// The two API servers that the job is tested with.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { group } from '../../../api/resource.ts';
import { type ApiServer, startApiServer } from '../../harness/apiServer/apiServer.ts';
import { selfSignedCertificate } from '../../harness/apiServer/certificate.ts';
import { sharedControlPlane } from '../../harness/cluster/shared.ts';
import type { ApiAccess } from './clusterScene.ts';

/** The scripted one, for one test; it lets everybody in. */
export async function scriptedAccess(): Promise<ApiAccess & { readonly api: ApiServer }> {
  const tls = selfSignedCertificate();
  const api = await startApiServer({ tls });
  onTestFinished(() => api.close());
  const admit = (): Promise<string> => Promise.resolve('a-token-of-the-scripted-server');
  return { api, server: api.url, ca: tls.certificate, adminToken: 'admin', admit };
}

/** What the job may do: its own Lease, its resource's status, Events; nothing else. */
function roleOf(namespace: string, lease: string): object[] {
  const metadata = { namespace, name: 'job' };
  const rules = [
    {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      resourceNames: [lease],
      verbs: ['get', 'update'],
    },
    { apiGroups: [group], resources: ['outlookproviders'], resourceNames: ['anna'], verbs: ['get'] },
    { apiGroups: [group], resources: ['outlookproviders/status'], resourceNames: ['anna'], verbs: ['patch'] },
    { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
  ];
  const rbac = 'rbac.authorization.k8s.io';
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    { apiVersion: `${rbac}/v1`, kind: 'Role', metadata, rules },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: rbac, kind: 'Role', name: 'job' },
      subjects: [{ kind: 'ServiceAccount', namespace, name: 'job' }],
    },
  ];
}

const crd = join(import.meta.dirname, '..', '..', '..', 'crds', 'outlooksync.dev_outlookproviders.yaml');

/** The real one, shared by all tests of the run; each place has a namespace of its own. */
export async function realAccess(): Promise<ApiAccess> {
  const plane = await sharedControlPlane();
  const kubectl = async (args: readonly string[], input = ''): Promise<string> => {
    const { code, stdout, stderr } = await plane.kubectl(args, { input });
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], await readFile(crd, 'utf8'));
  await kubectl(['wait', '--for=condition=Established', `crd/outlookproviders.${group}`, '--timeout=60s']);
  const admit = async (namespace: string, lease: string): Promise<string> => {
    const items = roleOf(namespace, lease);
    await kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    return kubectl(['create', 'token', 'job', '-n', namespace]);
  };
  const ca = await readFile(plane.caFile, 'utf8');
  return { server: new URL(plane.server), ca, adminToken: plane.adminToken, admit };
}
