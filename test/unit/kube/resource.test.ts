import { describe, expect, it } from 'vitest';
import {
  apiVersionOf,
  configMaps,
  cronJobs,
  customResourceDefinitions,
  jobs,
  namespaces,
  nodes,
  pathOf,
  pods,
  roleBindings,
  secrets,
  serviceAccounts,
} from '../../../kube/resource.ts';

describe('the path of', () => {
  it.each([
    [pods, {}, undefined, '/api/v1/pods'],
    [pods, { namespace: 'a' }, undefined, '/api/v1/namespaces/a/pods'],
    [pods, { namespace: 'a', name: 'b' }, 'eviction', '/api/v1/namespaces/a/pods/b/eviction'],
    [serviceAccounts, { namespace: 'a', name: 'b' }, 'token', '/api/v1/namespaces/a/serviceaccounts/b/token'],
    [secrets, { namespace: 'a', name: 'b/../c' }, undefined, '/api/v1/namespaces/a/secrets/b%2F..%2Fc'],
    [configMaps, { namespace: 'a' }, undefined, '/api/v1/namespaces/a/configmaps'],
    [jobs, { namespace: 'a', name: 'b' }, 'status', '/apis/batch/v1/namespaces/a/jobs/b/status'],
    [cronJobs, { name: 'b' }, undefined, '/apis/batch/v1/cronjobs/b'],
    [
      roleBindings,
      { namespace: 'a' },
      undefined,
      '/apis/rbac.authorization.k8s.io/v1/namespaces/a/rolebindings',
    ],
    [namespaces, { name: 'a' }, undefined, '/api/v1/namespaces/a'],
    [nodes, { namespace: 'ignored', name: 'n' }, undefined, '/api/v1/nodes/n'],
    [
      customResourceDefinitions,
      { name: 'things.example.dev' },
      undefined,
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.example.dev',
    ],
  ])('%j %j %s', (resource, ref, subresource, path) => {
    expect(pathOf(resource, ref, subresource)).toBe(path);
    expect(path.includes(apiVersionOf(resource))).toBe(true);
  });
});
