import { expect, it } from 'vitest';
import { externalCluster } from '../../../harness/cluster/cluster.ts';

it('no cluster is touched that was not named for the tests', () => {
  expect(externalCluster({})).toBeUndefined();
  expect(externalCluster({ KUBECONFIG: '/home/somebody/.kube/production' })).toBeUndefined();
});

it('a cluster may be named for the tests alone, or the current one allowed', () => {
  const named = externalCluster({ OUTLOOK_SYNC_E2E_KUBECONFIG: '/a', KUBECONFIG: '/b' });
  expect(named).toMatchObject({ kubeconfig: '/a', runsPods: 'kubelet' });
  const allowed = externalCluster({ OUTLOOK_SYNC_E2E: 'cluster', KUBECONFIG: '/b' });
  expect(allowed?.kubeconfig).toBe('/b');
});
