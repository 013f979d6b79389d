// Server-side apply, so far as a test needs it: fields have owners, a list is one field (conditions are keyed by their
// type), what a manager no longer names goes unless another owns it, and what another owns is a conflict without force.
import type { Json, StoredObject } from './objectStore.ts';
import { Refusal } from './refusal.ts';

/** Manager to the paths it owns, for each object (by uid and subresource). */
export class FieldOwners {
  readonly #owners = new Map<string, Map<string, Map<string, string>>>();

  /** What becomes of the object. */
  apply(request: ApplyRequest): Json {
    const { id, manager, force, current, applied, isDryRun } = request;
    const wanted = new Map(leavesOf(owned(applied)));
    const managers = this.#managersOf(id);
    const known = [...managers].filter(([name]) => name !== manager).map(([, paths]) => paths);
    const others = [...known, unclaimed(current, managers)];
    const result = structuredClone<Json>(current ?? {});
    const conflicts = conflictsOf(others, wanted, result);
    if (conflicts.length > 0 && !force) throw conflictWith(conflicts);
    for (const path of conflicts) for (const paths of others) paths.delete(path);
    const before = [...(managers.get(manager) ?? new Map<string, string>()).keys()];
    const isKept = (path: string): boolean => wanted.has(path) || others.some((paths) => paths.has(path));
    for (const path of before.filter((one) => !isKept(one))) removeAt(result, pathOf(path));
    for (const [path, value] of wanted) setAt(result, pathOf(path), JSON.parse(value));
    if (!isDryRun) this.#owners.set(id, managers.set(manager, wanted));
    return { ...result, apiVersion: applied['apiVersion'], kind: applied['kind'] };
  }

  /** To be changed, and kept or not. */
  #managersOf(id: string): Map<string, Map<string, string>> {
    return structuredClone(this.#owners.get(id) ?? new Map<string, Map<string, string>>());
  }

  /** An object has no uid before it is created. */
  rename(from: string, to: string): void {
    const managers = this.#owners.get(from);
    this.#owners.delete(from);
    if (managers !== undefined) this.#owners.set(to, managers);
  }
}

/** What nobody has applied belongs to whoever created the object. */
function unclaimed(
  current: StoredObject | undefined,
  managers: ReadonlyMap<string, ReadonlyMap<string, string>>,
): Map<string, string> {
  if (current === undefined) return new Map();
  const claimed = new Set([...managers.values()].flatMap((paths) => [...paths.keys()]));
  const all = leavesOf(owned(structuredClone<Json>(current)));
  return new Map([...all].filter(([path]) => !claimed.has(path)));
}

interface ApplyRequest {
  readonly id: string;
  readonly manager: string;
  readonly force: boolean;
  readonly current: StoredObject | undefined;
  readonly applied: Json;
  /** All is worked out, and nothing is remembered. */
  readonly isDryRun: boolean;
}

function pathOf(path: string): string[] {
  return JSON.parse(path) as string[];
}

function owned(applied: Json): Json {
  const { apiVersion: _a, kind: _k, metadata, ...rest } = applied;
  const { name: _n, namespace: _ns, uid: _u, ...own } = metadata as Json;
  return { ...rest, metadata: own };
}

function* leavesOf(value: unknown, path: readonly string[] = []): Generator<[string, string]> {
  const entries = entriesOf(value, path.at(-1));
  if (entries === undefined || entries.length === 0) {
    if (path.length > 1 || entries === undefined) yield [JSON.stringify(path), JSON.stringify(value)];
    return;
  }
  for (const [key, inner] of entries) yield* leavesOf(inner, [...path, key]);
}

function entriesOf(value: unknown, key: string | undefined): [string, unknown][] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (!Array.isArray(value)) return Object.entries(value);
  if (key !== 'conditions') return undefined;
  return (value as Json[]).map((entry) => [`type=${String(entry['type'])}`, entry]);
}

function conflictsOf(
  others: readonly ReadonlyMap<string, string>[],
  wanted: ReadonlyMap<string, string>,
  current: Json,
): string[] {
  const theirs = new Set(others.flatMap((paths) => [...paths.keys()]));
  return [...theirs].filter(
    (path) => wanted.has(path) && wanted.get(path) !== JSON.stringify(valueAt(current, pathOf(path))),
  );
}

function conflictWith(paths: readonly string[]): Refusal {
  const fields = paths.map((path) => `.${pathOf(path).join('.')}`);
  const causes = fields.map((field) => ({
    reason: 'FieldManagerConflict',
    message: 'conflict with another',
    field,
  }));
  const message = `Apply failed with ${paths.length} conflict(s): ${fields.join(', ')}`;
  return new Refusal(409, 'Conflict', message, { causes });
}

/** The place for the last step of a path: an object and a key in it; lists of conditions are entered by type. */
function stepInto(parent: unknown, key: string, make: boolean): unknown {
  const at = (Array.isArray(parent) ? parent : undefined) as Json[] | undefined;
  if (at !== undefined) {
    const type = key.replace(/^type=/, '');
    const found = at.find((entry) => entry['type'] === type);
    if (found !== undefined || !make) return found;
    const added = { type };
    at.push(added);
    return added;
  }
  const map = parent as Json;
  if (map[key] === undefined && make) map[key] = key === 'conditions' ? [] : {};
  return map[key];
}

function valueAt(root: Json, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? stepInto(at, key, false) : undefined),
    root,
  );
}

function setAt(root: Json, path: readonly string[], value: unknown): void {
  const parent = path.slice(0, -1).reduce<unknown>((at, key) => stepInto(at, key, true), root) as Json;
  const last = path.at(-1);
  if (last !== undefined) parent[last] = value;
}

function removeAt(root: Json, path: readonly string[]): void {
  const parent = valueAt(root, path.slice(0, -1));
  const last = path.at(-1);
  if (typeof parent !== 'object' || parent === null || last === undefined) return;
  Reflect.deleteProperty(parent, last);
  // A condition that nobody owns any more.
  const list = path.at(-3) === 'conditions' ? undefined : valueAt(root, path.slice(0, -2));
  if (Array.isArray(list) && Object.keys(parent).every((key) => key === 'type'))
    list.splice(list.indexOf(parent), 1);
}
