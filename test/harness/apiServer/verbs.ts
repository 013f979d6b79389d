// The verbs on one collection of a scripted API server; refusals are thrown.
import { FieldOwners } from './apply.ts';
import type { Json, Metadata, ObjectStore, StoredObject } from './objectStore.ts';
import {
  alreadyExists,
  badRequest,
  conflict,
  expired,
  namespaceTerminating,
  notFound,
  Refusal,
} from './refusal.ts';
import type { Route } from './route.ts';
import { selectionOf } from './selection.ts';
import { validate } from './validation.ts';

export interface VerbRequest {
  readonly method: string;
  readonly route: Route;
  readonly query: Readonly<Record<string, string>>;
  readonly contentType: string;
  readonly body: Json | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: Json;
}

export class Verbs {
  readonly #store: ObjectStore;
  readonly #owners = new FieldOwners();
  /** In these nothing can be created. */
  readonly terminating = new Set<string>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** @throws Refusal */
  answer(request: VerbRequest): Answer {
    const { method, route } = request;
    if (method === 'GET')
      return { status: 200, body: route.name === undefined ? this.#list(request) : this.#existing(route) };
    if (method === 'POST') return { status: 201, body: this.#create(request) };
    if (method === 'PUT') return { status: 200, body: this.#replace(request) };
    if (method === 'PATCH') return this.#patch(request);
    if (method === 'DELETE') return { status: 200, body: this.#delete(request) };
    throw new Refusal(
      405,
      'MethodNotAllowed',
      'the server does not allow this method on the requested resource',
    );
  }

  #existing({ collection, namespace, name = '', plural }: Route): StoredObject {
    const found = this.#store.find(collection, namespace, name);
    if (found === undefined) throw notFound(plural, name);
    return found;
  }

  #list({ route, query }: VerbRequest): Json {
    const all = this.#store.all(route.collection);
    const { version, after } = this.#continued(query['continue']);
    const left = all
      .filter(selectionOf(query, route.namespace))
      .filter(({ metadata }) => placeOf(metadata) > after);
    const items = left.slice(0, Number(query['limit'] ?? '0') || left.length);
    const last = items.at(-1);
    const more =
      last !== undefined && items.length < left.length ? `${version} ${placeOf(last.metadata)}` : '';
    const kind = `${all[0]?.kind ?? 'Object'}List`;
    // As the API server has it, items do not say of what kind they are.
    const bare = items.map(({ apiVersion: _a, kind: _k, ...rest }) => rest);
    return {
      kind,
      apiVersion: route.apiVersion,
      metadata: { resourceVersion: version, continue: more },
      items: bare,
    };
  }

  /** Where a list goes on; a page shows the present state of its objects, which the real one's does not. */
  #continued(token = ''): { version: string; after: string } {
    const [version = '', ...place] = token.split(' ');
    const after = place.join(' ');
    if (version === '') return { version: String(this.#store.version), after };
    if (Number(version) < this.#store.compactedTo) throw expired();
    return { version, after };
  }

  #create({ route, body = {} }: VerbRequest): Json {
    const { collection, namespace, plural, subresource } = route;
    if (subresource !== undefined) return { ...body, status: { ...(body['status'] as Json | undefined) } };
    const metadata = { ...(body['metadata'] as Metadata), ...(namespace === undefined ? {} : { namespace }) };
    const { name } = metadata;
    if (namespace !== undefined && this.terminating.has(namespace))
      throw namespaceTerminating(plural, name, namespace);
    if (this.#store.find(collection, namespace, name) !== undefined) throw alreadyExists(plural, name);
    validate(body);
    return this.#store.put(collection, { ...body, metadata });
  }

  #replace({ route, body = {} }: VerbRequest): Json {
    const before = this.#existing(route);
    const { uid, resourceVersion } = body['metadata'] as Partial<Metadata>;
    const isOld = resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion;
    if (isOld || (uid !== undefined && uid !== before.metadata.uid))
      throw conflict(route.plural, before.metadata.name);
    validate(body);
    return this.#store.put(route.collection, body, route.subresource === 'status');
  }

  #patch(request: VerbRequest): Answer {
    const { route, contentType, body = {} } = request;
    if (contentType.startsWith('application/apply-patch+yaml')) return this.#apply(request);
    if (!contentType.startsWith('application/merge-patch+json'))
      throw new Refusal(415, 'UnsupportedMediaType', `the body of the request was in an unknown format`);
    const patched = merged(this.#existing(route), body) as Json;
    validate(patched);
    return { status: 200, body: this.#store.put(route.collection, patched, route.subresource === 'status') };
  }

  #apply({ route, query, body = {} }: VerbRequest): Answer {
    const { collection, namespace, name = '', subresource } = route;
    const current = this.#store.find(collection, namespace, name);
    if (current === undefined) this.#checkNew(route, name);
    const manager = managerOf(query, body);
    const id = `${collection} ${keyOf(namespace, name)} ${current?.metadata.uid ?? ''}`;
    const isDryRun = query['dryRun'] === 'All';
    const applied = this.#owners.apply({
      id,
      manager,
      force: query['force'] === 'true',
      current,
      applied: body,
      isDryRun,
    });
    const metadata = { ...(applied['metadata'] as Json), ...ownPlace(namespace), name };
    const object = { ...applied, metadata };
    validate(object);
    const status = current === undefined ? 201 : 200;
    if (isDryRun) return { status, body: object };
    const stored = this.#store.put(collection, object, subresource === 'status');
    if (status === 201) this.#owners.rename(id, `${id}${stored.metadata.uid}`);
    return { status, body: stored };
  }

  #checkNew({ namespace, plural, subresource }: Route, name: string): void {
    if (subresource !== undefined) throw notFound(plural, name);
    if (namespace !== undefined && this.terminating.has(namespace))
      throw namespaceTerminating(plural, name, namespace);
  }

  #delete({ route, body = {} }: VerbRequest): Json {
    const found = this.#existing(route);
    const { uid, resourceVersion } = (body['preconditions'] ?? {}) as Partial<Metadata>;
    const isOther = uid !== undefined && uid !== found.metadata.uid;
    const isOld = resourceVersion !== undefined && resourceVersion !== found.metadata.resourceVersion;
    if (isOther || isOld) throw conflict(route.plural, found.metadata.name);
    return this.#store.delete(route.collection, found);
  }
}

function placeOf({ namespace, name }: Metadata): string {
  return keyOf(namespace, name);
}

function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''} ${name}`;
}

function ownPlace(namespace: string | undefined): { namespace?: string } {
  return namespace === undefined ? {} : { namespace };
}

function managerOf(query: VerbRequest['query'], body: Json): string {
  const manager = query['fieldManager'];
  if (manager === undefined) throw badRequest('PatchOptions "" is invalid: fieldManager: Required value');
  const { managedFields } = body['metadata'] as Metadata;
  if (managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
  return manager;
}

/** RFC 7396. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const base: Json =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(base, key);
    else base[key] = merged(base[key], value);
  }
  return base;
}
