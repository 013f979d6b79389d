// The verbs of the Kubernetes API on raw JSON objects. Every failure is a KubeError (or the caller's own abort reason);
// every call but a watch ends in bounded time.
import { isAborted } from './clock.ts';
import type { Connection } from './connection.ts';
import { KubeError } from './errors.ts';
import { Exchange, type ExchangeOptions } from './exchange.ts';
import { keyOf, type KubeObject, type Manifest, type ObjectRef } from './object.ts';
import { apiVersionOf, pathOf, type Resource } from './resource.ts';
import { watchEvents, type WatchEvent } from './watchStream.ts';

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Objects with `metadata` and nothing else. */
  readonly metadataOnly?: boolean | undefined;
}

export interface ListQuery extends ReadOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly limit?: number;
  /** What the page before gave. */
  readonly continue?: string | undefined;
  readonly resourceVersion?: string;
}

export interface WatchQuery extends Omit<ListQuery, 'signal' | 'limit' | 'continue'> {
  readonly allowWatchBookmarks?: boolean;
  readonly timeoutSeconds?: number;
}

export interface ObjectList<T extends KubeObject> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Absent on the last page. */
  readonly continue?: string;
}

export interface WriteOptions {
  readonly signal?: AbortSignal | undefined;
  readonly subresource?: 'status' | undefined;
  readonly fieldManager?: string;
}

export interface ApplyOptions extends WriteOptions {
  readonly fieldManager: string;
  /** Takes over fields that another manager owns. */
  readonly force?: boolean;
  /** All is checked and answered as if, and nothing is stored. */
  readonly dryRun?: 'All' | undefined;
  /** Of the result, `metadata` and nothing else: less to be written by the server, and read here. */
  readonly metadataOnly?: boolean;
}

export interface DeleteOptions {
  readonly signal?: AbortSignal | undefined;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly gracePeriodSeconds?: number;
}

const partial = {
  one: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
  many: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
};

export class KubeClient {
  readonly #exchange: Exchange;

  constructor(connection: Connection, options: ExchangeOptions) {
    this.#exchange = new Exchange(connection, options);
  }

  async get<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    options: ReadOptions = {},
  ): Promise<T> {
    const { signal, metadataOnly } = options;
    const what = `Get ${named(resource, ref)}`;
    const accept = metadataOnly === true ? partial.one : undefined;
    const text = await this.#exchange.text({
      method: 'GET',
      path: pathOf(resource, ref),
      what,
      accept,
      signal,
    });
    return objectOf(resource, text, what);
  }

  async list<T extends KubeObject>(resource: Resource<T>, query: ListQuery = {}): Promise<ObjectList<T>> {
    const { signal, metadataOnly, namespace, ...rest } = query;
    const what = `List ${resource.kind}`;
    const path = `${pathOf(resource, { namespace })}${queryOf(rest)}`;
    const accept = metadataOnly === true ? partial.many : undefined;
    const text = await this.#exchange.text({ method: 'GET', path, what, accept, signal });
    return listOf(resource, text, what);
  }

  /** @throws KubeError `alreadyExists` */
  async create<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    object: Manifest & { readonly metadata: { readonly name: string } },
    options: WriteOptions = {},
  ): Promise<T> {
    const { signal, fieldManager } = options;
    const what = `Create ${named(resource, { namespace, name: object.metadata.name })}`;
    const path = `${pathOf(resource, { namespace })}${queryOf({ fieldManager })}`;
    const text = await this.#exchange.text({ method: 'POST', path, what, body: object, signal });
    return objectOf(resource, text, what);
  }

  /** The object must have the resourceVersion that it was read with. @throws KubeError `conflict` */
  async replace<T extends KubeObject>(
    resource: Resource<T>,
    object: Manifest,
    options: WriteOptions = {},
  ): Promise<T> {
    const { signal, subresource, fieldManager } = options;
    const what = `Replace ${named(resource, object.metadata)}`;
    if (object.metadata.resourceVersion === undefined)
      throw new KubeError(
        'invalid',
        `${what}: without a resourceVersion it would overwrite what others wrote`,
      );
    const path = `${pathOf(resource, object.metadata, subresource)}${queryOf({ fieldManager })}`;
    const text = await this.#exchange.text({ method: 'PUT', path, what, body: object, signal });
    return objectOf(resource, text, what);
  }

  /** Server-side apply: the object holds the fields that the manager owns, and no others. */
  async apply<T extends KubeObject>(
    resource: Resource<T>,
    object: Manifest,
    options: ApplyOptions,
  ): Promise<T> {
    const { signal, subresource, fieldManager, force, dryRun, metadataOnly } = options;
    const what = `Apply ${named(resource, object.metadata)}`;
    const path = `${pathOf(resource, object.metadata, subresource)}${queryOf({ fieldManager, force, dryRun })}`;
    // JSON is YAML.
    const contentType = 'application/apply-patch+yaml';
    const accept = metadataOnly === true ? partial.one : undefined;
    const text = await this.#exchange.text({
      method: 'PATCH',
      path,
      what,
      accept,
      contentType,
      body: object,
      signal,
    });
    return objectOf(resource, text, what);
  }

  async mergePatch<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    patch: object,
    options: WriteOptions = {},
  ): Promise<T> {
    const { signal, subresource, fieldManager } = options;
    const what = `Patch ${named(resource, ref)}`;
    const path = `${pathOf(resource, ref, subresource)}${queryOf({ fieldManager })}`;
    const contentType = 'application/merge-patch+json';
    const text = await this.#exchange.text({ method: 'PATCH', path, what, contentType, body: patch, signal });
    return objectOf(resource, text, what);
  }

  /** Resolves when the deletion is accepted; finalizers may keep the object. @throws KubeError `notFound` */
  async delete(resource: Resource, ref: ObjectRef, options: DeleteOptions = {}): Promise<void> {
    const { signal, ...rest } = options;
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...rest };
    const what = `Delete ${named(resource, ref)}`;
    await this.#exchange.text({ method: 'DELETE', path: pathOf(resource, ref), what, body, signal });
  }

  /** Posts to a subresource, such as a pod's `eviction` or a service account's `token`; resolves to its answer. */
  async createSubresource(
    resource: Resource,
    ref: ObjectRef,
    subresource: string,
    body: Readonly<Record<string, unknown>>,
  ): Promise<Record<string, unknown>> {
    const what = `Create ${subresource} of ${named(resource, ref)}`;
    const path = pathOf(resource, ref, subresource);
    return recordOf(await this.#exchange.text({ method: 'POST', path, what, body }), what);
  }

  /**
   * What happens from `resourceVersion` on. Ends when the server ends it or the signal is aborted. Nothing limits how
   * long it is silent: that is for the caller to watch, by the signal. `onOpen` is called when the server has agreed.
   * @throws KubeError: `gone` when the resourceVersion is too old, by HTTP or inside the stream; `protocol` for a line
   *   that is no event, or half of one
   */
  async *watch<T extends KubeObject>(
    resource: Resource<T>,
    query: WatchQuery,
    signal: AbortSignal,
    onOpen?: () => void,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const { namespace, metadataOnly, ...rest } = query;
    const what = `Watch ${resource.kind}`;
    const path = `${pathOf(resource, { namespace })}${queryOf({ watch: true, ...rest })}`;
    const accept = metadataOnly === true ? partial.one : undefined;
    const call = { method: 'GET', path, what, accept, signal } as const;
    try {
      const body = await this.#exchange.stream(call);
      onOpen?.();
      for await (const event of watchEvents(body, what)) {
        if (isAborted(signal)) return;
        yield { ...event, object: typedObject(resource, event.object) };
      }
    } catch (error) {
      if (!isAborted(signal)) throw error;
    }
  }
}

function named(resource: Resource, ref: ObjectRef): string {
  return `${resource.kind} ${keyOf(ref)}`;
}

function queryOf(query: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const search = new URLSearchParams(entries.map(([name, value]) => [name, String(value)]));
  return search.size === 0 ? '' : `?${search.toString()}`;
}

function objectOf<T extends KubeObject>(resource: Resource<T>, text: string, what: string): T {
  const object = recordOf(text, what);
  if (!isObject(object)) throw new KubeError('protocol', `${what}: the answer is no object`);
  return typedObject(resource, object);
}

/** Items of a list name no kind, and metadata alone names another; here all name their own. */
function typedObject<T extends KubeObject>(resource: Resource<T>, object: object): T {
  return { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind } as T;
}

function listOf<T extends KubeObject>(resource: Resource<T>, text: string, what: string): ObjectList<T> {
  const list = recordOf(text, what);
  const metadata = isRecord(list['metadata']) ? list['metadata'] : {};
  // An empty list of some servers has null for its items.
  const items: unknown = list['items'] ?? [];
  const { resourceVersion, continue: next } = metadata;
  if (!Array.isArray(items) || !items.every(isObject) || typeof resourceVersion !== 'string')
    throw new KubeError('protocol', `${what}: the answer is no list`);
  const page = { items: items.map((item) => typedObject(resource, item)), resourceVersion };
  return typeof next === 'string' && next !== '' ? { ...page, continue: next } : page;
}

function isObject(value: unknown): value is { readonly metadata: object } {
  return isRecord(value) && isRecord(value['metadata']);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function recordOf(text: string, what: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (isRecord(parsed)) return parsed;
  } catch {
    // Said below; the text may hold a secret and is no part of the message.
  }
  throw new KubeError('protocol', `${what}: the answer is no JSON object`);
}
