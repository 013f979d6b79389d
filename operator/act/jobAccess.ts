// The service account of the job in each namespace that has providers, and its RoleBinding. They are made where they
// are missing and otherwise left alone; they belong to the namespace, not to one provider, and stay when it goes.
import { labels, managedByOperator } from '../../api/resource.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isKubeError, KubeError } from '../../kube/errors.ts';
import type { KubeObject, Manifest } from '../../kube/object.ts';
import { type Resource, roleBindings, serviceAccounts } from '../../kube/resource.ts';

export interface JobAccessOptions {
  readonly client: KubeClient;
  readonly serviceAccount: string;
  readonly clusterRole: string;
  readonly fieldManager: string;
  /** Ends calls under way. */
  readonly signal: AbortSignal;
  readonly monotonic?: () => number;
}

interface RoleBinding extends KubeObject {
  readonly roleRef?: { readonly kind?: string; readonly name?: string };
  readonly subjects?: readonly {
    readonly kind?: string;
    readonly name?: string;
    readonly namespace?: string;
  }[];
}

/** At rest it is looked for this often; when the pods of a Job do not come, this often. */
const restMs = 300_000;
const doubtMs = 10_000;

export class JobAccess {
  readonly #options: JobAccessOptions;
  readonly #monotonic: () => number;
  /** By namespace: when all was seen to be there. */
  readonly #seenAt = new Map<string, number>();
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(options: JobAccessOptions) {
    this.#options = options;
    this.#monotonic = options.monotonic ?? (() => performance.now());
  }

  /**
   * Makes what is missing.
   * @param isDoubtful a Job's pods do not come, which this may be the reason for
   * @throws KubeError
   */
  async ensure(namespace: string, isDoubtful = false): Promise<void> {
    const age = this.#monotonic() - (this.#seenAt.get(namespace) ?? -Infinity);
    if (age < (isDoubtful ? doubtMs : restMs)) return;
    const underWay = this.#underWay.get(namespace) ?? this.#ensureNow(namespace);
    this.#underWay.set(namespace, underWay);
    await underWay.finally(() => this.#underWay.delete(namespace));
  }

  async #ensureNow(namespace: string): Promise<void> {
    const { serviceAccount: name, clusterRole } = this.#options;
    await this.#ensureOne(serviceAccounts, namespace, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: this.#metadata(namespace),
    });
    const binding = await this.#ensureOne<RoleBinding>(roleBindings, namespace, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: this.#metadata(namespace),
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: clusterRole },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    });
    if (!this.#isOurs(binding, namespace))
      throw new KubeError(
        'forbidden',
        `RoleBinding ${namespace}/${name} exists and binds something else than ${name} to ${clusterRole}`,
      );
    this.#seenAt.set(namespace, this.#monotonic());
  }

  #metadata(namespace: string): Manifest['metadata'] {
    const name = this.#options.serviceAccount;
    return { namespace, name, labels: { [labels.managedBy]: managedByOperator } };
  }

  async #ensureOne<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string,
    manifest: Manifest,
  ): Promise<T> {
    const { client, fieldManager, signal } = this.#options;
    const ref = { namespace, name: manifest.metadata.name };
    try {
      return await client.get(resource, ref, { signal });
    } catch (error) {
      if (!isKubeError(error, 'notFound')) throw error;
    }
    try {
      return await client.create(resource, namespace, manifest, { fieldManager, signal });
    } catch (error) {
      if (isKubeError(error, 'alreadyExists')) return client.get(resource, ref, { signal });
      throw this.#isAboutRole(error) ? new KubeError('forbidden', error.message, { cause: error }) : error;
    }
  }

  /** A binding to a role that does not exist is not found itself, where nothing allows to bind that role. */
  #isAboutRole(error: unknown): error is KubeError {
    return isKubeError(error, 'notFound') && error.message.includes('clusterroles');
  }

  #isOurs({ roleRef, subjects = [] }: RoleBinding, namespace: string): boolean {
    const { serviceAccount, clusterRole } = this.#options;
    const binds = subjects.some(
      ({ kind, name, namespace: where }) =>
        kind === 'ServiceAccount' && name === serviceAccount && where === namespace,
    );
    return binds && roleRef?.kind === 'ClusterRole' && roleRef.name === clusterRole;
  }
}
