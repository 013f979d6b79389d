import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { type ProviderStatus, readStatus } from '../../api/providerStatus.ts';
import { apiVersion, fieldManagers, outlookProviders } from '../../api/resource.ts';
import { type JobStatus, jobPart } from '../../api/runReport.ts';
import { leftoversPatch } from '../../api/statusLeftovers.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isAborted, sleep, systemClock } from '../../kube/clock.ts';
import { isKubeError } from '../../kube/errors.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { Resource } from '../../kube/resource.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * The job's part of the OutlookProvider's status. It is written by the holder of the Lease alone, and only onto the
 * very version of the resource that was read while the Lease was held: a process that was paused in between finds
 * that its successor has written, and writes nothing. No failure here is one of the sync.
 */
interface ProviderObject extends KubeObject {
  readonly status?: unknown;
}
const providers: Resource<ProviderObject> = outlookProviders;

export interface Written {
  readonly before: ProviderStatus;
  readonly after: JobStatus;
}

export interface ResourceStatusOptions {
  readonly client: KubeClient;
  readonly surroundings: Surroundings;
  readonly isHeld: () => boolean;
  readonly log: Logger;
}

export class ResourceStatus {
  readonly #options: ResourceStatusOptions;

  constructor(options: ResourceStatusOptions) {
    this.#options = options;
  }

  /**
   * Applies what `make` makes of the status as it stands, with as many tries as fit before `signal` is aborted.
   * @returns null when it could not or should not be written
   */
  async write(make: (before: ProviderStatus) => JobStatus, signal: AbortSignal): Promise<Written | null> {
    const attempts: Written[] = [];
    for (let tries = 1; !isAborted(signal); tries += 1) {
      try {
        return await this.#writeOnce(make, attempts, signal);
      } catch (error) {
        if (isAborted(signal)) break;
        if (!this.#isWorthAnother(error)) return null;
      }
      await sleep(systemClock, Math.min(50 * 2 ** tries, 1_000), signal);
    }
    this.#options.log.warn('Gave up writing the status of the OutlookProvider');
    return null;
  }

  async #writeOnce(
    make: (before: ProviderStatus) => JobStatus,
    attempts: Written[],
    signal: AbortSignal,
  ): Promise<Written | null> {
    const { client, surroundings, isHeld, log } = this.#options;
    const { namespace, name, uid } = surroundings;
    const found = await client.get(providers, { namespace, name }, { signal });
    if (found.metadata.uid !== uid) {
      log.info('Another OutlookProvider has the name of ours, which is gone; its status is left alone');
      return null;
    }
    if (!isHeld()) return null;
    const before = readStatus(found.status);
    // A write whose answer was lost has happened all the same: a failure is not counted twice, and its news not lost.
    const done = attempts.find((attempt) => isThere(before, attempt.after));
    if (done !== undefined) return done;
    const after = make(before);
    attempts.push({ before, after });
    const { resourceVersion } = found.metadata;
    const metadata = { namespace, name, uid, ...(resourceVersion !== undefined && { resourceVersion }) };
    const applied = { apiVersion, kind: outlookProviders.kind, metadata, status: after };
    const options = { fieldManager: fieldManagers.job, subresource: 'status', signal } as const;
    const written = await client.apply(providers, applied, { ...options, force: true });
    const status = leftoversPatch(written.status, after, fieldManagers.job);
    if (status !== null) {
      const patch = { metadata: { resourceVersion: written.metadata.resourceVersion }, status };
      await client.mergePatch(providers, { namespace, name }, patch, options);
    }
    return { before, after };
  }

  /** Somebody else may have written in between; and an API server that is away may be back in a moment. */
  #isWorthAnother(error: unknown): boolean {
    const { log } = this.#options;
    if (isKubeError(error, 'notFound')) {
      log.info('The OutlookProvider is gone; there is no status to write');
      return false;
    }
    const kind = isKubeError(error) ? error.kind : 'unknown';
    const passing = isKubeError(error, 'conflict', 'network', 'timeout', 'server', 'throttled', 'protocol');
    if (kind !== 'conflict') log.warn({ kind }, 'Could not write the status of the OutlookProvider');
    return passing && this.#options.isHeld();
  }
}

function isThere(status: ProviderStatus, wanted: JobStatus): boolean {
  const sorted = ({ conditions = [], ...rest }: JobStatus) => ({
    ...rest,
    conditions: conditions.toSorted((a, b) => (a.type < b.type ? -1 : 1)),
  });
  return isDeepStrictEqual(sorted(jobPart(status)), sorted(wanted));
}
