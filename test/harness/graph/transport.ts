/** Bytes in and out, good and bad: reading a request, sending a reply, and the ways in which an answer can break. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FaultReply } from './faults.ts';
import type { Reply } from './graphError.ts';

const LARGEST_BODY = 4 * 1024 * 1024;

/** The body as text; undefined when it is larger than 4 MB or the client went away. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > LARGEST_BODY) return undefined;
      chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Header names in lower case, doubled headers joined by commas. */
export function flatHeaders(request: IncomingMessage): Record<string, string> {
  const entries = Object.entries(request.headers).map(
    ([name, value]) => [name, String(value ?? '')] as const,
  );
  return Object.fromEntries(entries);
}

/** What a fault makes of the good reply; `good` is asked for only when it is needed. */
export function faultedReply(fault: FaultReply | undefined, good: () => Reply): Reply {
  if (fault?.status !== undefined) {
    return { status: fault.status, headers: { ...fault.headers }, body: fault.body };
  }
  const reply = good();
  if (fault === undefined) return reply;
  const headers = { ...reply.headers, ...fault.headers };
  const altered =
    fault.mutate !== undefined && reply.status === 200
      ? fault.mutate(structuredClone(reply.body))
      : reply.body;
  return { ...reply, headers, body: altered };
}

function contentOf(body: unknown): { type: string; text: string } {
  if (body === undefined) return { type: 'text/plain', text: '' };
  if (typeof body !== 'string')
    return { type: 'application/json; odata.metadata=minimal; charset=utf-8', text: JSON.stringify(body) };
  return { type: body.trimStart().startsWith('<') ? 'text/html' : 'text/plain', text: body };
}

/** Sends a reply; with `truncate` so that the client can tell it is broken only by reading it. */
export function send(response: ServerResponse, reply: Reply, truncate?: FaultReply['truncate']): void {
  if (response.destroyed || response.writableEnded) return;
  const { type, text } = contentOf(reply.body);
  const bytes = Buffer.from(text, 'utf8');
  const half = bytes.subarray(0, Math.floor(bytes.length / 2));
  const length = truncate === 'json' ? half.length : bytes.length;
  response.writeHead(reply.status, {
    'content-type': type,
    ...reply.headers,
    'content-length': String(length),
  });
  if (truncate === undefined) response.end(bytes);
  else if (truncate === 'json') response.end(half);
  else response.write(half, () => response.destroy());
}

/** Resolves after `ms` and when `until` has settled, or as soon as the client has gone. */
async function pause(
  ms: number,
  until: Promise<unknown> | undefined,
  response: ServerResponse,
): Promise<void> {
  if (response.destroyed) return;
  let timer: NodeJS.Timeout | undefined;
  const gone = new Promise<void>((resolve) => {
    response.once('close', resolve);
  });
  const elapsed = new Promise<void>((resolve) => {
    if (ms > 0) timer = setTimeout(resolve, ms);
    else resolve();
  });
  await Promise.race([gone, Promise.allSettled([elapsed, until])]);
  clearTimeout(timer);
}

/**
 * Waits as long as a request has to wait, and says whether it is then to be answered: not when the fault destroys
 * its socket or lets it hang, and not when the client has gone.
 */
export async function survives(
  fault: FaultReply | undefined,
  response: ServerResponse,
  latencyMs: number,
): Promise<boolean> {
  if (fault?.reset === true) {
    response.destroy();
    return false;
  }
  await pause(latencyMs + (fault?.delayMs ?? 0), fault?.until, response);
  return fault?.hang !== true && !response.destroyed;
}
