// All Pods of the cluster as they are and as they change; a harness lists anew whenever a watch ends.
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from '../../../../kube/client.ts';
import { pods } from '../../../../kube/resource.ts';
import type { WatchEvent } from '../../../../kube/watchStream.ts';
import { type Pod, podSchema } from './podSpec.ts';

export interface PodObserver {
  /** All Pods there are, in the order of their creation. */
  readonly onList: (all: readonly Pod[]) => void;
  readonly onChange: (pod: Pod) => void;
  readonly onDelete: (uid: string) => void;
}

const RETRY_MS = 300;
const WATCH_SECONDS = 300;

/** Resolves when `signal` is aborted; failures of the API server are waited out. */
export async function watchPods(
  client: KubeClient,
  observer: PodObserver,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const { items, resourceVersion } = await client.list(pods, { signal });
      const all = items.map((item) => podSchema.parse(item));
      observer.onList(all.toSorted((a, b) => ageOf(a) - ageOf(b)));
      const query = { resourceVersion, timeoutSeconds: WATCH_SECONDS };
      for await (const event of client.watch(pods, query, signal)) observe(event, observer);
    } catch {
      // The API server is away, or its history is: ask again.
    }
    await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
}

function observe({ type, object }: WatchEvent, observer: PodObserver): void {
  if (type === 'BOOKMARK') return;
  const pod = podSchema.parse(object);
  if (type === 'DELETED') observer.onDelete(pod.metadata.uid);
  else observer.onChange(pod);
}

function ageOf({ metadata }: Pod): number {
  return Date.parse(metadata.creationTimestamp);
}
