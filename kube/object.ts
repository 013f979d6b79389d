// Objects of the API as they come over the wire: raw JSON. Nothing is converted, so that nothing is lost: a field that
// a newer server knows survives read, change and write, and a time is the same text in a list and in a watch.

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
  readonly managedFields?: readonly unknown[];
}

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** What is sent: an object with whatever further fields its kind has. */
export type Manifest = KubeObject | (KubeObject & Readonly<Record<string, unknown>>);

export interface ObjectRef {
  /** Absent for kinds that belong to no namespace. */
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** `namespace/name`, or the name alone where there is no namespace. */
export function keyOf({ namespace, name }: ObjectRef): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
