// What the operator has written and its caches do not show yet. Until they do, the provider is not worked on: a
// decision made on what was true before one's own write makes the same Job twice, or takes back what was just done.
import type { KubeObject } from '../../kube/object.ts';
import type { Change } from '../../kube/reflector.ts';
import { isOlder } from '../../kube/resourceVersion.ts';

interface Expected {
  readonly provider: string;
  /** The version that was written; undefined: any. */
  readonly version: string | undefined;
  /** Set where the object is to go. */
  readonly goneUid: string | undefined;
  /** Monotonic milliseconds. */
  readonly until: number;
}

export interface Written {
  /** The provider on whose behalf, as `namespace/name`. */
  readonly provider: string;
  readonly kind: string;
  readonly key: string;
}

/** Longer than a watch is late; a write that was undone before it was seen holds a provider up for no longer. */
const patienceMs = 30_000;

export class Expectations {
  readonly #lookUp: (kind: string, key: string) => KubeObject | undefined;
  readonly #monotonic: () => number;
  readonly #expected = new Map<string, Expected>();
  readonly #byProvider = new Map<string, Set<string>>();

  /** @param lookUp what the caches have */
  constructor(
    lookUp: (kind: string, key: string) => KubeObject | undefined,
    monotonic: () => number = () => performance.now(),
  ) {
    this.#lookUp = lookUp;
    this.#monotonic = monotonic;
  }

  /** An object was written, and has this version at least; undefined: it is there, whatever its version. */
  written(what: Written, version: string | undefined): void {
    const found = this.#lookUp(what.kind, what.key);
    if (found !== undefined && !isOlder(found.metadata.resourceVersion, version)) return;
    this.#expect(what, { version, goneUid: undefined });
  }

  /** The deletion of the object with this uid was accepted. */
  deleted(what: Written, uid: string): void {
    if (!isGone(this.#lookUp(what.kind, what.key), uid))
      this.#expect(what, { version: undefined, goneUid: uid });
  }

  /** A cache has changed. */
  noticed(kind: string, { key, object }: Change<KubeObject>): void {
    const id = `${kind} ${key}`;
    const expected = this.#expected.get(id);
    if (expected !== undefined && isMet(expected, object)) this.#drop(id, expected.provider);
  }

  /** Milliseconds that a provider is still to be left alone; undefined when all is as it was written. */
  pendingMs(provider: string): number | undefined {
    const now = this.#monotonic();
    for (const id of this.#byProvider.get(provider) ?? []) {
      const left = (this.#expected.get(id)?.until ?? 0) - now;
      if (left > 0) return left;
      this.#drop(id, provider);
    }
    return undefined;
  }

  /** Nothing more is expected on behalf of a provider, which is gone. */
  forget(provider: string): void {
    for (const id of this.#byProvider.get(provider) ?? []) this.#expected.delete(id);
    this.#byProvider.delete(provider);
  }

  #expect({ provider, kind, key }: Written, expected: Pick<Expected, 'version' | 'goneUid'>): void {
    const id = `${kind} ${key}`;
    this.#expected.set(id, { ...expected, provider, until: this.#monotonic() + patienceMs });
    const ids = this.#byProvider.get(provider) ?? new Set();
    this.#byProvider.set(provider, ids.add(id));
  }

  #drop(id: string, provider: string): void {
    this.#expected.delete(id);
    const ids = this.#byProvider.get(provider);
    ids?.delete(id);
    if (ids?.size === 0) this.#byProvider.delete(provider);
  }
}

/** An object that has gone by the time it is seen is as good as seen. */
function isMet({ version, goneUid }: Expected, object: KubeObject | undefined): boolean {
  if (goneUid !== undefined) return isGone(object, goneUid);
  return object === undefined || !isOlder(object.metadata.resourceVersion, version);
}

function isGone(object: KubeObject | undefined, uid: string): boolean {
  return object?.metadata.uid !== uid || object.metadata.deletionTimestamp !== undefined;
}
