// The body of a request, as JSON. What is refused is not kept in memory, and nothing is read before its type is known.
import type { IncomingMessage } from 'node:http';
import type { Problem } from './problem.ts';

export type Body = { readonly json: unknown } | { readonly problem: Problem } | 'gone';

const jsonType = /^application\/json\s*(;|$)/i;
const tooLarge: Body = { problem: { kind: 'tooLarge', detail: 'The body is over the limit.' } };
const nothing: Body = { json: undefined };

/**
 * An empty body is none, whatever its type. `gone`: the sender went away before it was whole.
 *
 * @param limit bytes
 */
export async function readJson(request: IncomingMessage, limit: number): Promise<Body> {
  const { headers } = request;
  if (isOversized(request, limit)) return tooLarge;
  const length = headers['content-length'];
  if (headers['transfer-encoding'] === undefined && (length === undefined || length === '0')) return nothing;
  if (!jsonType.test(headers['content-type'] ?? '') || headers['content-encoding'] !== undefined) {
    return { problem: { kind: 'mediaType', detail: 'The body has to be application/json, not encoded.' } };
  }
  const bytes = await collect(request, limit);
  if (bytes === 'gone') return 'gone';
  return bytes === 'tooLarge' ? tooLarge : parse(bytes);
}

/** As far as the headers tell. */
export function isOversized({ headers }: IncomingMessage, limit: number): boolean {
  return Number(headers['content-length'] ?? 0) > limit;
}

function collect(request: IncomingMessage, limit: number): Promise<Buffer | 'tooLarge' | 'gone'> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      // The rest flows by, for as long as a request may take.
      if (size > limit) {
        chunks.length = 0;
        resolve('tooLarge');
      } else chunks.push(chunk);
    });
    request.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    // Comes in any case, and says nothing new after the end.
    request.on('close', () => resolve('gone'));
  });
}

function parse(bytes: Buffer): Body {
  if (bytes.length === 0) return nothing;
  try {
    return { json: JSON.parse(bytes.toString('utf8')) };
  } catch {
    return { problem: { kind: 'malformed', detail: 'The body is not JSON.' } };
  }
}
