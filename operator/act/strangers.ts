// Objects that bear a name which the operator needs and are not in its caches, because somebody else made them or took
// our labels off: they are looked at each time, for nothing else tells when they change or go.
import type { KubeClient } from '../../kube/client.ts';
import { isKubeError } from '../../kube/errors.ts';
import type { KubeObject } from '../../kube/object.ts';
import { cronJobs, leases, type Resource } from '../../kube/resource.ts';
import { cronJobOf, ownedPart, reduceCronJob, reduceLease } from '../observe/records.ts';
import type { Observed } from '../plan/observed.ts';

export type Strange = Partial<Pick<Observed, 'cronJob' | 'lease'>>;

interface Names {
  readonly cronJob?: string;
  readonly lease?: string;
}

export class Strangers {
  readonly #client: KubeClient;
  readonly #signal: AbortSignal;
  /** By provider. */
  readonly #names = new Map<string, Names>();

  readonly #isCached: (kind: string, key: string) => boolean;

  /**
   * @param signal ends calls under way
   * @param lookUp what the caches have
   */
  constructor(
    client: KubeClient,
    signal: AbortSignal,
    lookUp: (kind: string, key: string) => KubeObject | undefined,
  ) {
    this.#client = client;
    this.#signal = signal;
    this.#isCached = (kind, key) => lookUp(kind, key) !== undefined;
  }

  knows(provider: string): boolean {
    return this.#names.has(provider);
  }

  note(provider: string, names: Names): void {
    this.#names.set(provider, { ...this.#names.get(provider), ...names });
  }

  forget(provider: string): void {
    this.#names.delete(provider);
  }

  /** As they are now; what has gone meanwhile, or is in the caches by now, is forgotten. */
  async look(provider: string): Promise<Strange> {
    const names = this.#names.get(provider);
    if (names === undefined) return {};
    this.#names.delete(provider);
    const [namespace = ''] = provider.split('/', 1);
    const cronJob = await this.#findStrange(cronJobs, namespace, names.cronJob);
    const lease = await this.#findStrange(leases, namespace, names.lease);
    if (cronJob !== undefined) this.note(provider, { cronJob: cronJob.metadata.name });
    if (lease !== undefined) this.note(provider, { lease: lease.metadata.name });
    return {
      ...(cronJob !== undefined && { cronJob: cronJobOf(reduceCronJob(cronJob)) }),
      ...(lease !== undefined && { lease: ownedPart(reduceLease(lease)) }),
    };
  }

  async #findStrange(
    resource: Resource,
    namespace: string,
    name: string | undefined,
  ): Promise<KubeObject | undefined> {
    if (name === undefined || this.#isCached(resource.kind, `${namespace}/${name}`)) return undefined;
    return this.find(resource, namespace, name);
  }

  /** Past the caches. */
  async find(
    resource: Resource,
    namespace: string,
    name: string | undefined,
  ): Promise<KubeObject | undefined> {
    if (name === undefined) return undefined;
    try {
      return await this.#client.get(resource, { namespace, name }, { signal: this.#signal });
    } catch (error) {
      if (isKubeError(error, 'notFound')) return undefined;
      throw error;
    }
  }
}
