// A TCP proxy before Postgres that counts what its client sends, by the messages of the wire protocol (PostgreSQL
// documentation, "Frontend/Backend Protocol", message formats).
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { z } from 'zod';

export interface CountingProxy {
  readonly url: string;
  /** Statements executed so far, BEGIN and COMMIT among them. */
  readonly statements: () => number;
  readonly close: () => void;
}

/** A message's type and its length, which counts itself but not the type. */
const headerBytes = 5;
const startupBytes = 8;
const sslRequest = 80_877_103;

/** Feeds on what one client sends and calls back with each message's type. */
class FrontendMessages {
  readonly #onMessage: (type: string) => void;
  #rest = Buffer.alloc(0);
  #started = false;

  constructor(onMessage: (type: string) => void) {
    this.#onMessage = onMessage;
  }

  feed(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (let length = this.#next(); length > 0; length = this.#next())
      this.#rest = this.#rest.subarray(length);
  }

  /** Bytes of the message at the front, which is told; 0 when it is not whole yet. */
  #next(): number {
    if (!this.#started) return this.#startup();
    if (this.#rest.length < headerBytes) return 0;
    const length = 1 + this.#rest.readInt32BE(1);
    if (this.#rest.length < length) return 0;
    this.#onMessage(String.fromCharCode(this.#rest.readUInt8()));
    return length;
  }

  /** The first message has no type; an SSL request may go before it. */
  #startup(): number {
    if (this.#rest.length < startupBytes) return 0;
    const length = this.#rest.readInt32BE();
    if (this.#rest.length < length) return 0;
    this.#started = this.#rest.readInt32BE(4) !== sslRequest;
    return length;
  }
}

/** A simple query, or the execution of a prepared statement. */
const statementTypes = new Set(['Q', 'E']);

/** Starts a counting proxy to the host and port of a database's URL. */
export async function countingProxy(databaseUrl: string): Promise<CountingProxy> {
  const target = new URL(databaseUrl);
  let statements = 0;
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port), noDelay: true });
    const messages = new FrontendMessages((type) => {
      if (statementTypes.has(type)) statements += 1;
    });
    client.on('data', (chunk: Buffer) => {
      messages.feed(chunk);
      upstream.write(chunk);
    });
    upstream.pipe(client);
    client.once('end', () => upstream.end());
    client.once('error', () => upstream.destroy());
    upstream.once('error', () => client.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = z.object({ port: z.number() }).parse(server.address());
  const url = new URL(databaseUrl);
  url.port = String(port);
  return { url: url.href, statements: () => statements, close: () => void server.close() };
}
