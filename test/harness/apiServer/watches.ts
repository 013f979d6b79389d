// Open watches of a scripted API server, each of which a test can break in its own way.
import type { ServerResponse } from 'node:http';
import type { ObjectStore, StoredObject, StoreEvent } from './objectStore.ts';
import { expired, type Refusal } from './refusal.ts';
import type { Selection } from './selection.ts';

export interface WatchOptions {
  readonly store: ObjectStore;
  readonly response: ServerResponse;
  readonly path: string;
  readonly collection: string;
  readonly selection: Selection;
  readonly query: Readonly<Record<string, string>>;
  readonly shape: (object: StoredObject) => unknown;
}

export class OpenWatch {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly #options: WatchOptions;
  readonly #stopListening: () => void;
  #isMute = false;

  constructor(options: WatchOptions, onClose: (watch: OpenWatch) => void) {
    this.#options = options;
    this.path = options.path;
    this.query = options.query;
    const { response, store } = options;
    response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
    response.flushHeaders();
    this.#stopListening = store.onEvent((event) => this.#deliver(event));
    const timer = setTimeout(() => this.end(), Number(options.query['timeoutSeconds'] ?? 1800) * 1000);
    response.once('close', () => {
      clearTimeout(timer);
      this.#stopListening();
      onClose(this);
    });
    this.#begin();
  }

  get isOpen(): boolean {
    return !this.#options.response.closed && !this.#options.response.writableEnded;
  }

  /** A bookmark at the store's present version, or at another. */
  bookmark(version: number = this.#options.store.version): void {
    const metadata = { resourceVersion: String(version), creationTimestamp: null };
    this.writeLine({ type: 'BOOKMARK', object: { kind: 'Bookmark', apiVersion: 'v1', metadata } });
  }

  /** An error inside the stream, and its end. */
  fail(refusal: Refusal = expired()): void {
    this.writeLine({ type: 'ERROR', object: refusal.body });
    this.end();
  }

  /** Says nothing any more, and stays open. */
  mute(): void {
    this.#isMute = true;
  }

  writeLine(event: unknown): void {
    this.write(`${JSON.stringify(event)}\n`);
  }

  write(text: string): void {
    this.writeBytes(Buffer.from(text));
  }

  writeBytes(bytes: Uint8Array): void {
    if (!this.#isMute && this.isOpen) this.#options.response.write(bytes);
  }

  end(): void {
    if (this.isOpen) this.#options.response.end();
  }

  reset(): void {
    this.#options.response.socket?.resetAndDestroy();
  }

  #begin(): void {
    const { store, query, collection, selection } = this.#options;
    const from = Number(query['resourceVersion'] ?? '0');
    if (from !== 0 && from < store.compactedTo) {
      this.fail();
      return;
    }
    if (from !== 0) for (const event of store.since(from)) this.#deliver(event);
    else for (const object of store.all(collection).filter(selection)) this.#say('ADDED', object);
  }

  #deliver({ type, collection, object, previous }: StoreEvent): void {
    if (collection !== this.#options.collection) return;
    const { selection } = this.#options;
    const was = previous !== undefined && selection(previous);
    const is = type !== 'DELETED' && selection(object);
    // What no longer matches is gone for this watch, what begins to match is new.
    if (was && is) this.#say('MODIFIED', object);
    else if (is) this.#say('ADDED', object);
    else if (was) this.#say('DELETED', object);
  }

  #say(type: string, object: StoredObject): void {
    this.writeLine({ type, object: this.#options.shape(object) });
  }
}
