// Carries out what was decided, one action after the other, and notes what the caches are to show before anything is
// decided about the provider again.
import { fieldManagers, labels, outlookProviders } from '../../api/resource.ts';
import { leftoversPatch } from '../../api/statusLeftovers.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isKubeError, KubeError } from '../../kube/errors.ts';
import type { Log } from '../../kube/log.ts';
import type { KubeObject, Manifest as KubeManifest } from '../../kube/object.ts';
import { cronJobs, jobs, leases, type Resource } from '../../kube/resource.ts';
import { ownedPart, reduceLease } from '../observe/records.ts';
import { isForeign } from '../plan/obstacle.ts';
import type { ObservedProvider } from '../plan/observed.ts';
import type { Action, Manifest } from '../plan/plan.ts';
import type { Expectations } from './expectations.ts';
import type { Strangers } from './strangers.ts';

/** One provider while it is worked on. */
export interface Work {
  readonly key: string;
  readonly provider: ObservedProvider;
  /** The provider's resourceVersion, as far as our own writes have moved it. */
  version: string;
  /** No CronJob of the name that it needs was seen: one that is there after all is somebody else's. */
  readonly expectsNoCronJob: boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
}

interface StatusObject extends KubeObject {
  readonly status?: unknown;
}

const { operator: fieldManager } = fieldManagers;

export class Actor {
  readonly #client: KubeClient;
  readonly #expectations: Expectations;
  readonly #strangers: Strangers;

  constructor(client: KubeClient, expectations: Expectations, strangers: Strangers) {
    this.#client = client;
    this.#expectations = expectations;
    this.#strangers = strangers;
  }

  /** @throws KubeError; `conflict` when the provider is no longer as it was observed */
  async act(action: Action, work: Work): Promise<void> {
    switch (action.kind) {
      case 'setFinalizers':
        return this.#setFinalizers(action.finalizers, work);
      case 'applyCronJob':
        return this.#applyCronJob(action.manifest, work);
      case 'createLease':
        return this.#createLease(action.manifest, work);
      case 'createJob':
        return this.#createJob(action.manifest, work);
      case 'deleteCronJob':
        return this.#delete(cronJobs, action, work);
      case 'deleteJob':
        return this.#delete(jobs, action, work);
      case 'reportForJob':
        work.log.info({}, 'Reported on behalf of a job');
        return this.applyStatus(action.status, fieldManagers.job, work);
    }
  }

  /**
   * All fields of the status that belong to one field manager; those absent are removed, whoever wrote them. What comes
   * back is only read where something may be left: a stray field that is not seen yet is seen by the next look.
   */
  async applyStatus(status: object, manager: string, work: Work): Promise<void> {
    const { key, provider, version, signal } = work;
    const { name, namespace } = provider;
    const object = {
      apiVersion: `${outlookProviders.group}/${outlookProviders.version}`,
      kind: outlookProviders.kind,
      metadata: { name, namespace, resourceVersion: version },
      status,
    };
    const options = { fieldManager: manager, subresource: 'status', signal } as const;
    const metadataOnly = leftoversPatch(provider.status, status, manager) === null;
    const forced = { ...options, metadataOnly, force: true };
    const applied = await this.#client.apply<StatusObject>(outlookProviders, object, forced);
    this.#noteProvider(applied, key, work);
    if (metadataOnly) return;
    const leftovers = leftoversPatch(applied.status, status, manager);
    if (leftovers === null) return;
    const patch = { metadata: { resourceVersion: work.version }, status: leftovers };
    const patched = await this.#client.mergePatch(outlookProviders, { namespace, name }, patch, options);
    work.log.info({ fields: Object.keys(leftovers) }, 'Took away what somebody else had put into the status');
    this.#noteProvider(patched, key, work);
  }

  async #setFinalizers(finalizers: readonly string[], work: Work): Promise<void> {
    const { key, provider, version, signal } = work;
    const { name, namespace } = provider;
    const patch = { metadata: { resourceVersion: version, finalizers } };
    const ref = { namespace, name };
    const patched = await this.#client.mergePatch(outlookProviders, ref, patch, { fieldManager, signal });
    work.log.info({ finalizers }, 'Set finalizers');
    this.#noteProvider(patched, key, work);
  }

  #noteProvider({ metadata }: KubeObject, key: string, work: Work): void {
    work.version = metadata.resourceVersion ?? work.version;
    this.#expectations.written({ provider: key, kind: outlookProviders.kind, key }, metadata.resourceVersion);
  }

  /**
   * An apply takes over what it finds. Where nothing is known to be there it is not forced, so that it is refused for
   * a CronJob of somebody else, who owns the fields of it that differ; that costs no request beforehand.
   */
  async #applyCronJob(manifest: Manifest, work: Work): Promise<void> {
    const { key, log, signal, expectsNoCronJob } = work;
    const options = { fieldManager, force: !expectsNoCronJob, metadataOnly: true, signal };
    const { metadata } = await this.#client
      .apply(cronJobs, asWritten(manifest), options)
      .catch((error: unknown) => {
        if (expectsNoCronJob && isKubeError(error, 'conflict'))
          this.#strangers.note(key, { cronJob: manifest.metadata.name });
        throw error;
      });
    log.info({ cronJob: metadata.name }, 'Applied CronJob');
    this.#expectations.written(written(key, manifest), metadata.resourceVersion);
  }

  async #createLease(manifest: Manifest, work: Work): Promise<void> {
    const { name, namespace } = manifest.metadata;
    if (await this.#create(leases, manifest, work)) {
      work.log.info({ lease: name }, 'Created Lease');
      return;
    }
    const found = await this.#strangers.find(leases, namespace, name);
    if (found === undefined) return;
    // Also one of ours: where somebody took its labels off, the cache will never show it.
    this.#strangers.note(work.key, { lease: name });
    if (isForeign(work, ownedPart(reduceLease(found))))
      throw new KubeError('conflict', `Lease ${namespace}/${name} belongs to somebody else`);
  }

  async #createJob(manifest: Manifest, work: Work): Promise<void> {
    const isNew = await this.#create(jobs, manifest, work);
    if (!isNew) this.#expectations.written(written(work.key, manifest), undefined);
    const trigger = labelOf(manifest, labels.trigger);
    work.log.info({ job: manifest.metadata.name, trigger }, isNew ? 'Created Job' : 'Job exists already');
  }

  /** False when it exists already. */
  async #create(resource: Resource, manifest: Manifest, { key, signal }: Work): Promise<boolean> {
    const { namespace } = manifest.metadata;
    try {
      const options = { fieldManager, signal };
      const made = await this.#client.create(resource, namespace, asWritten(manifest), options);
      this.#expectations.written(written(key, manifest), made.metadata.resourceVersion);
      return true;
    } catch (error) {
      if (!isKubeError(error, 'alreadyExists')) throw error;
      return false;
    }
  }

  async #delete(
    resource: Resource,
    { name, uid }: { readonly name: string; readonly uid: string },
    { key, provider, log, signal }: Work,
  ): Promise<void> {
    const { namespace } = provider;
    const what = { provider: key, kind: resource.kind, key: `${namespace}/${name}` };
    try {
      const options = { propagationPolicy: 'Background', preconditions: { uid }, signal } as const;
      await this.#client.delete(resource, { namespace, name }, options);
      log.info({ name }, `Deleted ${resource.kind}`);
    } catch (error) {
      // Of a namespace that is deleted our RoleBinding may be gone before the provider is, which must not keep its
      // finalizer: what it owns goes with it in any case.
      const isGoing = provider.deletedAt !== null && isKubeError(error, 'forbidden');
      // Gone, or another one of this name: either way this one is no more.
      if (!isGoing && !isKubeError(error, 'notFound', 'conflict')) throw error;
    }
    this.#expectations.deleted(what, uid);
  }
}

function written(provider: string, { kind, metadata }: Manifest) {
  return { provider, kind, key: `${metadata.namespace}/${metadata.name}` };
}

/** What was decided is plain data; on its way to the API server it is an object like any other. */
function asWritten(manifest: Manifest): KubeManifest {
  return manifest;
}

function labelOf(manifest: Manifest, name: string): string | undefined {
  const all = manifest.metadata['labels'] as Readonly<Record<string, string>> | undefined;
  return all?.[name];
}
