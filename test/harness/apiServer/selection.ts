// Label and field selectors.
import type { StoredObject } from './objectStore.ts';

export type Selection = (object: StoredObject) => boolean;

export function selectionOf(
  query: Readonly<Record<string, string>>,
  namespace: string | undefined,
): Selection {
  const labels = (query['labelSelector'] ?? '').split(/,(?![^(]*\))/).filter(Boolean);
  const fields = (query['fieldSelector'] ?? '').split(',').filter(Boolean);
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    labels.every((term) => isLabelled(object, term.trim())) &&
    fields.every((term) => hasField(object, term));
}

function isLabelled({ metadata: { labels = {} } }: StoredObject, term: string): boolean {
  const set = /^(\S+) (in|notin) \(([^)]*)\)$/.exec(term);
  if (set !== null) {
    const [, key = '', operator, values = ''] = set;
    const isIn = values.split(',').some((value) => value.trim() === labels[key]);
    return isIn === (operator === 'in');
  }
  if (/[=!]=?[^=]*$/.test(term.slice(1))) return isEqual(term, (key) => labels[key]);
  return term.startsWith('!') ? labels[term.slice(1)] === undefined : labels[term] !== undefined;
}

/** `key=value`, `key==value`, `key!=value`. */
function isEqual(term: string, valueOf: (key: string) => string | undefined): boolean {
  const [, key = '', operator, wanted] = /^([^=!]+)(!=|==?)(.*)$/.exec(term) ?? [];
  return (valueOf(key) === wanted) === (operator !== '!=');
}

function hasField(object: StoredObject, term: string): boolean {
  return isEqual(term, (path) => {
    const value = path.split('.').reduce<unknown>(stepInto, object);
    return typeof value === 'string' ? value : '';
  });
}

function stepInto(at: unknown, key: string): unknown {
  return typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined;
}
