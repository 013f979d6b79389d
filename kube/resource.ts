// The kinds this toolkit and its users speak of, and where the API serves them.
import type { KubeObject, ObjectRef } from './object.ts';

export interface Resource<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Never there: it carries the type of the objects from a resource to what is read by it. */
  typeOf?(object: T): void;
}

/** The path of the collection, or of one object, or of a subresource of it. */
export function pathOf(resource: Resource, ref: Partial<ObjectRef>, subresource?: string): string {
  const { group, version, plural, namespaced } = resource;
  const parts = group === '' ? ['api', version] : ['apis', group, version];
  if (namespaced && ref.namespace !== undefined) parts.push('namespaces', ref.namespace);
  parts.push(plural);
  if (ref.name !== undefined) parts.push(ref.name);
  if (subresource !== undefined) parts.push(subresource);
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

export function apiVersionOf({ group, version }: Resource): string {
  return group === '' ? version : `${group}/${version}`;
}

function inNamespaces(group: string, plural: string, kind: string): Resource {
  return { group, version: 'v1', plural, kind, namespaced: true };
}

export const pods = inNamespaces('', 'pods', 'Pod');
export const secrets = inNamespaces('', 'secrets', 'Secret');
export const configMaps = inNamespaces('', 'configmaps', 'ConfigMap');
export const serviceAccounts = inNamespaces('', 'serviceaccounts', 'ServiceAccount');
export const jobs = inNamespaces('batch', 'jobs', 'Job');
export const cronJobs = inNamespaces('batch', 'cronjobs', 'CronJob');
export const leases = inNamespaces('coordination.k8s.io', 'leases', 'Lease');
export const events = inNamespaces('events.k8s.io', 'events', 'Event');
export const roleBindings = inNamespaces('rbac.authorization.k8s.io', 'rolebindings', 'RoleBinding');

export const namespaces: Resource = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
};
export const nodes: Resource = { ...namespaces, plural: 'nodes', kind: 'Node' };
export const customResourceDefinitions: Resource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};
