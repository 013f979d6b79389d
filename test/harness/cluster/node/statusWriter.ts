// Brings a Pod's latest status to the API server, through its failures; states between may be left out.
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from '../../../../kube/client.ts';
import { isKubeError } from '../../../../kube/errors.ts';
import { pods } from '../../../../kube/resource.ts';
import type { Pod } from './podSpec.ts';

const FIELD_MANAGER = 'process-node';
const RETRY_MS = 500;

export class StatusWriter {
  readonly #client: KubeClient;
  readonly #pod: Pod;
  readonly #signal: AbortSignal;
  #latest: Record<string, unknown> | undefined;
  #writing: Promise<void> | undefined;

  /** Once `signal` is aborted nothing is written. */
  constructor(client: KubeClient, pod: Pod, signal: AbortSignal) {
    this.#client = client;
    this.#pod = pod;
    this.#signal = signal;
  }

  set(status: Record<string, unknown>): void {
    this.#latest = status;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when the latest status is written, or cannot be as the Pod is gone. */
  async flushed(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#latest !== undefined && !this.#signal.aborted) {
      const status = this.#latest;
      this.#latest = undefined;
      if (await this.#write(status)) continue;
      // A newer one may have come meanwhile.
      this.#latest ??= status;
      await sleep(RETRY_MS, undefined, { signal: this.#signal }).catch(() => undefined);
    }
  }

  /** Whether this status needs no further try. */
  async #write(status: Record<string, unknown>): Promise<boolean> {
    const { name, namespace, uid } = this.#pod.metadata;
    const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, uid }, status };
    const options = { subresource: 'status', fieldManager: FIELD_MANAGER, force: true } as const;
    try {
      await this.#client.apply(pods, object, { ...options, signal: this.#signal });
      return true;
    } catch (error) {
      if (this.#signal.aborted) return true;
      // Gone, or another Pod under the same name.
      return isKubeError(error, 'notFound', 'conflict', 'alreadyExists');
    }
  }
}
