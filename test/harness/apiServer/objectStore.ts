// The objects of a scripted API server: versions that grow, an event for each change, and who watches them.
import { randomUUID } from 'node:crypto';

export type Json = Record<string, unknown>;

export interface StoredObject extends Json {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
}

export interface Metadata extends Json {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  finalizers?: string[];
}

export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly collection: string;
  readonly object: StoredObject;
  /** Before the change. */
  readonly previous: StoredObject | undefined;
  readonly version: number;
}

export class ObjectStore {
  /** `collection/namespace/name` to the object as it is now. Objects are replaced, never changed. */
  readonly #objects = new Map<string, StoredObject>();
  readonly #history: StoreEvent[] = [];
  readonly #listeners = new Set<(event: StoreEvent) => void>();
  #version = 1000;
  /** What is older cannot be watched from any more. */
  #compactedTo = 0;

  get version(): number {
    return this.#version;
  }

  get compactedTo(): number {
    return this.#compactedTo;
  }

  find(collection: string, namespace: string | undefined, name: string): StoredObject | undefined {
    return this.#objects.get(idOf(collection, namespace, name));
  }

  /** In the order of namespaces and names. */
  all(collection: string, namespace?: string): StoredObject[] {
    const prefix = `${collection} ${namespace === undefined ? '' : `${namespace} `}`;
    const found = [...this.#objects].filter(([id]) => id.startsWith(prefix));
    return found.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** Stores a new object or the next version of one; metadata that the server owns is set here. */
  put(collection: string, draft: Json, isStatus = false): StoredObject {
    const { namespace, name } = draft['metadata'] as Metadata;
    const previous = this.find(collection, namespace, name);
    const object = nextOf(draft, previous, isStatus);
    if (previous !== undefined) {
      // What changes nothing makes no version and no event.
      if (JSON.stringify(previous) === JSON.stringify(object)) return previous;
      if (isOver(object)) return this.#drop(collection, previous);
    }
    object.metadata.resourceVersion = String(++this.#version);
    this.#objects.set(idOf(collection, namespace, name), object);
    this.#emit({ type: previous === undefined ? 'ADDED' : 'MODIFIED', collection, object, previous });
    return object;
  }

  /** Removes it, or marks it when finalizers hold it. */
  delete(collection: string, object: StoredObject): StoredObject {
    if ((object.metadata.finalizers ?? []).length === 0) return this.#drop(collection, object);
    if (object.metadata.deletionTimestamp !== undefined) return object;
    const metadata = { ...object.metadata, deletionTimestamp: rfc3339(Date.now()) };
    return this.put(collection, { ...object, metadata });
  }

  /** Events after a version. */
  since(version: number): readonly StoreEvent[] {
    return this.#history.filter((event) => event.version > version);
  }

  /** Forgets what happened so far: older versions are gone. */
  compact(): void {
    this.#history.length = 0;
    this.#compactedTo = this.#version;
  }

  /** The result ends it. */
  onEvent(listener: (event: StoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #drop(collection: string, object: StoredObject): StoredObject {
    const { namespace, name } = object.metadata;
    this.#objects.delete(idOf(collection, namespace, name));
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } };
    this.#emit({ type: 'DELETED', collection, object: last, previous: object });
    return last;
  }

  #emit(event: Omit<StoreEvent, 'version'>): void {
    const full = { ...event, version: this.#version };
    this.#history.push(full);
    for (const listener of [...this.#listeners]) listener(full);
  }
}

function nextOf(draft: Json, previous: StoredObject | undefined, isStatus: boolean): StoredObject {
  const object = structuredClone(previous === undefined ? draft : withStatusKept(draft, previous, isStatus));
  const next = object as StoredObject;
  const before = previous?.metadata ?? {
    uid: randomUUID(),
    creationTimestamp: rfc3339(Date.now()),
    generation: 0,
  };
  const isNewSpec = previous === undefined || specOf(previous) !== specOf(next);
  next.metadata = {
    ...next.metadata,
    uid: before.uid,
    creationTimestamp: before.creationTimestamp,
    generation: before.generation + (isNewSpec ? 1 : 0),
    resourceVersion: previous?.metadata.resourceVersion ?? '',
  };
  return next;
}

/** A write to the object leaves its status, a write to the status leaves all else; kinds without one do not care. */
function withStatusKept(draft: Json, previous: StoredObject, isStatus: boolean): Json {
  const { status: statusOfDraft, ...rest } = draft;
  const { status: statusBefore, ...before } = previous;
  const status = isStatus ? statusOfDraft : statusBefore;
  const base = isStatus ? before : rest;
  return status === undefined ? base : { ...base, status };
}

/** Marked for deletion, and nothing holds it any more. */
function isOver({ metadata }: StoredObject): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0;
}

function specOf({ metadata: _metadata, status: _status, ...rest }: StoredObject): string {
  return JSON.stringify(rest);
}

function idOf(collection: string, namespace: string | undefined, name: string): string {
  return `${collection} ${namespace ?? ''} ${name}`;
}

function rfc3339(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
