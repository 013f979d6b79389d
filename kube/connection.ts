// The way to an API server: where it is, whom it trusts, who we are. Light, for a program that runs for a second.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { Agent, type Dispatcher } from 'undici';

export interface Connection {
  readonly server: URL;
  /** The one pool of connections that all calls share. Read it anew for each call, after `headers()`: it may change. */
  readonly dispatcher: Dispatcher;
  /**
   * What identifies us.
   * @throws Error whose message is safe to show, when there are no credentials
   */
  headers(): Promise<Record<string, string>>;
  /** The server has refused what `headers()` gave: the next call obtains it anew. */
  invalidate?(): void;
  /** The namespace that we run in, or that the kubeconfig names. */
  readonly namespace: string | undefined;
  /** Ends open connections, watches too. */
  close(): Promise<void>;
}

/** Milliseconds: a mounted token is replaced long before it expires; the server's CA hardly ever. */
const credentialsAge = 30_000;

const mountedFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The pool for one server. No limit on connections, for each watch keeps one busy. An idle one is kept for less than
 * the 90 seconds that the API server keeps it, and TCP asks every half minute whether the other side is still there.
 * HTTP/1.1, though the API server would choose 2: there a single stalled connection would stall every watch.
 */
export function openAgent(tls: Readonly<Record<string, unknown>>): Agent {
  return new Agent({
    allowH2: false,
    keepAliveTimeout: 30_000,
    connect: { ...tls, timeout: 10_000, keepAlive: true, keepAliveInitialDelay: 30_000 },
  });
}

/**
 * As a pod is connected: by its service account.
 * @throws Error that names what is missing
 */
export function inClusterConnection(env: Readonly<Record<string, string | undefined>>): Connection {
  const host = required(env, 'KUBERNETES_SERVICE_HOST');
  const port = required(env, 'KUBERNETES_SERVICE_PORT');
  const folder = env['KUBERNETES_SERVICE_ACCOUNT_DIR'] ?? mountedFolder;
  return new InClusterConnection(new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`), folder);
}

class InClusterConnection implements Connection {
  readonly server: URL;
  readonly namespace: string;
  readonly #folder: string;
  #ca: string;
  #token: string;
  #readAt: number;
  #agent: Agent;
  #retired: Agent[] = [];

  constructor(server: URL, folder: string) {
    this.server = server;
    this.#folder = folder;
    const read = (name: string): string => nonEmpty(join(folder, name), (path) => readFileSync(path, 'utf8'));
    this.#token = read('token').trim();
    this.#ca = read('ca.crt');
    this.namespace = read('namespace').trim();
    this.#readAt = performance.now();
    this.#agent = openAgent({ ca: this.#ca });
  }

  get dispatcher(): Dispatcher {
    return this.#agent;
  }

  async headers(): Promise<Record<string, string>> {
    if (performance.now() - this.#readAt > credentialsAge) await this.#readAgain();
    return { authorization: `Bearer ${this.#token}` };
  }

  invalidate(): void {
    this.#readAt = -Infinity;
  }

  async close(): Promise<void> {
    await Promise.all([this.#agent, ...this.#retired].map((agent) => agent.destroy()));
  }

  async #readAgain(): Promise<void> {
    const [token, ca] = await Promise.all([this.#read('token'), this.#read('ca.crt')]);
    this.#token = token.trim();
    this.#readAt = performance.now();
    if (ca === this.#ca) return;
    this.#ca = ca;
    // What is under way on the old connections, a watch for instance, ends in its own time.
    const retired = this.#agent;
    this.#agent = openAgent({ ca });
    this.#retired.push(retired);
    void retired.close().finally(() => {
      this.#retired = this.#retired.filter((agent) => agent !== retired);
    });
  }

  async #read(name: string): Promise<string> {
    const path = join(this.#folder, name);
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      throw unreadable(path, error);
    });
    return nonEmpty(path, () => text);
  }
}

function required(env: Readonly<Record<string, string | undefined>>, name: string): string {
  const value = env[name];
  if (value === undefined || value === '') throw new Error(`Not inside a cluster: ${name} is not set`);
  return value;
}

function nonEmpty(path: string, read: (path: string) => string): string {
  let text;
  try {
    text = read(path);
  } catch (error) {
    throw unreadable(path, error);
  }
  if (text.trim() === '') throw new Error(`The service account's file ${path} is empty`);
  return text;
}

function unreadable(path: string, cause: unknown): Error {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
  return new Error(`The service account's file ${path} cannot be read (${code})`, { cause });
}
