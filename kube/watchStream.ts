// The body of a watch: one JSON object per line.
import { failureOf, KubeError, streamErrorOf } from './errors.ts';
import type { KubeObject } from './object.ts';

export interface WatchEvent<T extends KubeObject = KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  /** Of a bookmark only `metadata.resourceVersion` counts. */
  readonly object: T;
}

interface RawEvent {
  readonly type: WatchEvent['type'];
  readonly object: object;
}

/**
 * The events of a stream until it ends.
 * @throws KubeError for an ERROR event, for a line that is no event, and for a stream that breaks off
 */
export async function* watchEvents(
  body: AsyncIterable<Uint8Array>,
  what: string,
): AsyncGenerator<RawEvent, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of unbroken(body, what)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield eventOf(line, what);
  }
  rest += decoder.decode();
  // A server that ends a watch ends its last line, too.
  if (rest.trim() !== '') throw new KubeError('protocol', `${what}: the stream ended within a line`);
}

async function* unbroken(
  body: AsyncIterable<Uint8Array>,
  what: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* body;
  } catch (error) {
    throw failureOf({ what, isWrite: false }, error);
  }
}

function eventOf(line: string, what: string): RawEvent {
  const { type, object } = parsedLine(line);
  if (type === 'ERROR') throw streamErrorOf(what, object);
  if (isEventType(type) && typeof object === 'object' && object !== null && 'metadata' in object)
    return { type, object };
  throw new KubeError('protocol', `${what}: a line is no event`);
}

function parsedLine(line: string): { readonly type?: unknown; readonly object?: unknown } {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

function isEventType(type: unknown): type is WatchEvent['type'] {
  return type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED' || type === 'BOOKMARK';
}
