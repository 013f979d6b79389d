// Which objects a path means.

export interface Route {
  /** Group, version and plural: the collection's name in the store. */
  readonly collection: string;
  readonly apiVersion: string;
  readonly plural: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** Undefined for a path that is none of the API's. */
export function routeOf(path: string): Route | undefined {
  const parts = /^\/(?:api|apis\/([^/]+))\/([^/]+)\/(.+)$/.exec(path);
  if (parts === null) return undefined;
  const [, group, version = '', rest = ''] = parts;
  const apiVersion = group === undefined ? version : `${group}/${version}`;
  return { apiVersion, ...placeOf(apiVersion, rest.split('/').map(decodeURIComponent)) };
}

function placeOf(apiVersion: string, parts: readonly string[]): Omit<Route, 'apiVersion'> {
  // A namespace is an object, too, with a status.
  const isNamespaced = parts[0] === 'namespaces' && parts[2] !== undefined && parts[2] !== 'status';
  const [plural = '', name, subresource] = isNamespaced ? parts.slice(2) : parts;
  const namespace = isNamespaced ? parts[1] : undefined;
  return { collection: `${apiVersion}/${plural}`, plural, namespace, name, subresource };
}
