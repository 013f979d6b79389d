// Waiting for the state of a cluster by watching it: nothing is polled, and no test sleeps.
//
// A sight of one kind in one namespace starts with a list and follows the watch; an API server that is away, or has
// forgotten the version, is asked again. What was last seen is told when the wait is over without success.
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from '../../kube/client.ts';
import { isKubeError } from '../../kube/errors.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { Resource } from '../../kube/resource.ts';

/** By name. */
export type Seen<T> = ReadonlyMap<string, T>;

interface Wait<T extends KubeObject, Found> {
  /** For the error: what is waited for. */
  readonly what: string;
  /** The wait is over when this gives something. May throw to give up at once. */
  readonly find: (seen: Seen<T>) => Found | undefined;
  readonly labelSelector?: string;
  /** For the error: only what has this word in it is shown. */
  readonly about?: string;
  /** Default: 60,000. */
  readonly timeoutMs?: number;
}

const RETRY_MS = 250;

export async function sight<T extends KubeObject, Found>(
  client: KubeClient,
  { resource, namespace }: { resource: Resource<T>; namespace: string },
  wait: Wait<T, Found>,
): Promise<Found> {
  const { timeoutMs = 60_000 } = wait;
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), timeoutMs);
  const seen = new Map<string, T>();
  try {
    while (!ending.signal.aborted) {
      const found = await follow(client, { resource, namespace, seen }, wait, ending.signal);
      if (found !== undefined) return found;
    }
  } finally {
    clearTimeout(timer);
    ending.abort();
  }
  const about = wait.about ?? '';
  const last = [...seen.values()]
    .map((object) => JSON.stringify(shown(object), undefined, 1))
    .filter((text) => text.includes(about));
  throw new Error(
    `Not seen within ${timeoutMs / 1000} s: ${wait.what}. Last seen of ${resource.kind}: ${last.join('\n')}`,
  );
}

interface Followed<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly namespace: string;
  readonly seen: Map<string, T>;
}

/** One list and one watch; undefined when they ended before it was found. */
async function follow<T extends KubeObject, Found>(
  client: KubeClient,
  { resource, namespace, seen }: Followed<T>,
  { find, labelSelector }: Wait<T, Found>,
  signal: AbortSignal,
): Promise<Found | undefined> {
  try {
    const list = await client.list(resource, { namespace, labelSelector, signal });
    seen.clear();
    for (const item of list.items) seen.set(item.metadata.name, item);
    const found = find(seen);
    if (found !== undefined) return found;
    const query = { namespace, labelSelector, resourceVersion: list.resourceVersion };
    for await (const { type, object } of client.watch(resource, query, signal)) {
      if (type === 'DELETED') seen.delete(object.metadata.name);
      else if (type !== 'BOOKMARK') seen.set(object.metadata.name, object);
      const now = find(seen);
      if (now !== undefined) return now;
    }
  } catch (error) {
    if (
      !signal.aborted &&
      !isKubeError(error, 'gone', 'network', 'server', 'timeout', 'throttled', 'protocol')
    )
      throw error;
  }
  await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
  return undefined;
}

/** Without what nobody reads. */
function shown(object: KubeObject): unknown {
  const { metadata, ...rest } = object;
  const { managedFields: _managed, ...meta } = metadata;
  return { ...rest, metadata: meta };
}
