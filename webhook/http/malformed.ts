// Requests that Node's parser refuses, or that never come whole: there is no response object for these.
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Observer } from './options.ts';
import { type Problem, problemText, problemType, statusOf } from './problem.ts';

/** Answers as far as anybody listens, and ends the connection: what comes next on it cannot be told. */
export function answerMalformed(error: NodeJS.ErrnoException, socket: Duplex, observe: Observer): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(error.code);
  const status = statusOf(problem);
  const id = randomUUID();
  const text = problemText(problem, id);
  observe.request('other', status, 0);
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    `content-type: ${problemType}`,
    `content-length: ${Buffer.byteLength(text)}`,
    `x-request-id: ${id}`,
    'connection: close',
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${text}`, () => socket.destroy());
}

function problemOf(code: string | undefined): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return { kind: 'headersTooLarge', detail: 'Headers and query are over the limit.' };
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { kind: 'timeout', detail: 'The request did not arrive whole in time.' };
  }
  return { kind: 'malformed', detail: 'This is not a request of HTTP/1.1, or an ambiguous one.' };
}
