import type { IncomingMessage } from 'node:http';

/** Bytes of bodies on their way at a time: of what a pod is given, a part that leaves room for all else. */
const room = 64 * 1024 * 1024;
/** What takes hardly more than its connection. Graph sends a kilobyte for each notification. */
const small = 16 * 1024;

/** Many who begin a large body and do not end it would otherwise fill the memory, each within its own limit. */
export class BodyRoom {
  readonly #limit: number;
  #taken = 0;

  /** @param limit of one body, bytes: what one may have that does not tell its length */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether there is room for its body, which is given back when the request ends, in whatever way. */
  admits(request: IncomingMessage): boolean {
    const { headers } = request;
    const bytes =
      headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : this.#limit;
    if (bytes <= small) return true;
    if (this.#taken + bytes > room) return false;
    this.#taken += bytes;
    request.once('close', () => {
      this.#taken -= bytes;
    });
    return true;
  }
}
