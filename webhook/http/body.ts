// The body of a request, as JSON. Nothing is read before its type and, where it is told, its length are known.
import type { FastifyInstance } from 'fastify';
import type { IncomingHttpHeaders } from 'node:http';
import type { Problem } from './problem.ts';
import { Refused } from './refusals.ts';

const notJson: Problem = { kind: 'malformed', detail: 'The body is not JSON.' };
const otherType: Problem = {
  kind: 'mediaType',
  detail: 'The body has to be application/json, not encoded.',
};

/** An empty body is none, whatever its type. */
export function readOnlyJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, ({ headers }, text, done) => {
    if (headers['content-encoding'] !== undefined) done(new Refused(otherType));
    else if (text === '') done(null);
    else parse(text, done);
  });
  app.addContentTypeParser('*', ({ headers }, _payload, done) =>
    done(isEmpty(headers) ? null : new Refused(otherType)),
  );
}

function parse(text: string, done: (error: Error | null, body?: unknown) => void): void {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    done(new Refused(notJson));
    return;
  }
  done(null, body);
}

function isEmpty(headers: IncomingHttpHeaders): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] === undefined && (length === undefined || length === '0');
}

/** As far as the headers tell. @param limit bytes */
export function isOversized(headers: IncomingHttpHeaders, limit: number): boolean {
  return Number(headers['content-length'] ?? 0) > limit;
}
