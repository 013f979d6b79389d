// A TCP proxy on loopback that makes a network out of it: slow, cut, or refusing.
//
// Each chunk is delivered a given time after it arrived, in order, and chunks overlap: the delay is latency, it does
// not limit throughput.
import { once } from 'node:events';
import { type Server, type Socket, connect, createServer } from 'node:net';
import { delayLine } from './delayLine.ts';

export interface TcpProxyOptions {
  /**
   * Milliseconds (fractions allowed) that each chunk travels in one direction, so that a round trip takes twice as
   * long; or one value per direction. Default: 0.
   */
  readonly delayMs?: number | Delays;
}

interface Delays {
  readonly toServer: number;
  readonly toClient: number;
}

export interface TcpProxy {
  /** The target's URL with the proxy's address in place of its own. */
  readonly url: string;
  readonly port: number;
  /** Connections that are open now. */
  readonly connectionCount: () => number;
  /** Resets all open connections, on both sides; what was under way is lost. New ones are still accepted. */
  readonly cut: () => void;
  /** What a chunk that arrives from now on travels, on open connections, too; see `delayMs`. */
  readonly delay: (delayMs: number | Delays) => void;
  /** While true, each new connection is reset at once; those that are open stay. */
  readonly refuse: (refusing: boolean) => void;
  /** Resets all connections and stops listening. */
  readonly close: () => Promise<void>;
}

interface Link {
  readonly client: Socket;
  readonly upstream: Socket;
}

/** Starts a proxy to the host and port of `targetUrl`; a URL without a port is an error. */
export async function tcpProxy(targetUrl: string, options: TcpProxyOptions = {}): Promise<TcpProxy> {
  const target = new URL(targetUrl);
  if (target.port === '') throw new Error('The target URL names no port');
  let delays = delaysOf(options.delayMs ?? 0);
  const links = new Set<Link>();
  let refusing = false;

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    client.on('error', () => undefined);
    if (refusing) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({
      host: target.hostname,
      port: Number(target.port),
      allowHalfOpen: true,
      noDelay: true,
    });
    const link = { client, upstream };
    links.add(link);
    forward(client, upstream, () => delays.toServer);
    forward(upstream, client, () => delays.toClient);
    client.once('close', () => links.delete(link));
  });
  const cut = (): void => {
    for (const link of links) reset(link);
  };
  const port = await listen(server);
  const url = new URL(targetUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return {
    url: url.href,
    port,
    connectionCount: () => links.size,
    cut,
    delay: (delayMs) => {
      delays = delaysOf(delayMs);
    },
    refuse: (value) => {
      refusing = value;
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
}

function delaysOf(delayMs: number | Delays): Delays {
  return typeof delayMs === 'number' ? { toServer: delayMs, toClient: delayMs } : delayMs;
}

/** Passes on what one side sends, its end, and its loss. */
function forward(from: Socket, to: Socket, delayMs: () => number): void {
  const line = delayLine(delayMs);
  from.on('data', (chunk: Buffer) => {
    line.push(() => {
      if (to.writable && !to.write(chunk)) from.pause();
    });
  });
  to.on('drain', () => from.resume());
  from.once('end', () => {
    line.push(() => to.end());
  });
  from.once('error', () => to.resetAndDestroy());
  to.once('close', line.clear);
}

function reset({ client, upstream }: Link): void {
  client.resetAndDestroy();
  upstream.resetAndDestroy();
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port');
  return address.port;
}
