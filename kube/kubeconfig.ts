// The way to an API server that a kubeconfig describes: tokens, client certificates, credential plugins. Reading it is
// left to client-node; what it does with connections (a new pool for each call) is not.
import { type Cluster, HttpMethod, KubeConfig, RequestContext } from '@kubernetes/client-node';
import type { Dispatcher } from 'undici';
import { type Connection, openAgent } from './connection.ts';

/** Milliseconds: a credential plugin knows itself when its answer expires, and is asked again that often. */
const credentialsAge = 30_000;

export interface KubeconfigChoice {
  /** The kubeconfig; by default what KUBECONFIG names, else `~/.kube/config`. */
  readonly path?: string | undefined;
  /** One of its contexts; by default its current one. */
  readonly context?: string | undefined;
}

/** @throws Error whose message is safe to show */
export async function kubeconfigConnection(options: KubeconfigChoice = {}): Promise<Connection> {
  const config = new TlsKubeConfig();
  try {
    if (options.path === undefined) config.loadFromDefault();
    else config.loadFromFile(options.path);
  } catch (cause) {
    throw new Error(`The kubeconfig ${options.path ?? ''} cannot be read`, { cause });
  }
  if (options.context !== undefined) useContext(config, options.context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error('The kubeconfig names no current cluster');
  const connection = new KubeconfigConnection(config, cluster);
  await connection.headers();
  return connection;
}

function useContext(config: KubeConfig, name: string): void {
  const names = config.getContexts().map((context) => context.name);
  if (!names.includes(name))
    throw new Error(`The kubeconfig has no context ${JSON.stringify(name)}; it has: ${names.join(', ')}`);
  config.setCurrentContext(name);
}

type DispatcherOptions = ReturnType<KubeConfig['createDispatcherOptions']>;

/** Notes with what a connection is to be made, as often as client-node works it out. */
class TlsKubeConfig extends KubeConfig {
  wanted: DispatcherOptions = { type: 'none' };

  override createDispatcherOptions(
    ...inputs: Parameters<KubeConfig['createDispatcherOptions']>
  ): DispatcherOptions {
    this.wanted = super.createDispatcherOptions(...inputs);
    return this.wanted;
  }
}

class KubeconfigConnection implements Connection {
  readonly server: URL;
  readonly namespace: string | undefined;
  readonly #config: TlsKubeConfig;
  #headers: Record<string, string> = {};
  #readAt = -Infinity;
  #reading: Promise<void> | undefined;
  #dispatcher: Dispatcher = openAgent({});
  /** What the dispatcher was made with: a plugin may hand out a new client certificate. */
  #madeWith = '';
  readonly #retired: Dispatcher[] = [];

  constructor(config: TlsKubeConfig, cluster: Cluster) {
    this.#config = config;
    this.server = new URL(cluster.server);
    this.namespace = config.getContextObject(config.getCurrentContext())?.namespace;
  }

  get dispatcher(): Dispatcher {
    return this.#dispatcher;
  }

  async headers(): Promise<Record<string, string>> {
    if (performance.now() - this.#readAt > credentialsAge) {
      this.#reading ??= this.#read().finally(() => {
        this.#reading = undefined;
      });
      await this.#reading;
    }
    return this.#headers;
  }

  invalidate(): void {
    this.#readAt = -Infinity;
  }

  async close(): Promise<void> {
    await Promise.all([this.#dispatcher, ...this.#retired].map((dispatcher) => dispatcher.destroy()));
  }

  async #read(): Promise<void> {
    const context = new RequestContext(this.server.href, HttpMethod.GET);
    try {
      await this.#config.applySecurityAuthentication(context);
    } catch (cause) {
      // A plugin's own words are not repeated: they may hold what it was to hand out.
      throw new Error('The credentials that the kubeconfig describes cannot be obtained', { cause });
    }
    this.#headers = context.getHeaders();
    this.#readAt = performance.now();
    this.#useDispatcher(context.getDispatcher());
  }

  #useDispatcher(made: Dispatcher | undefined): void {
    const { wanted } = this.#config;
    const key = JSON.stringify(wanted);
    if (key === this.#madeWith) return;
    this.#madeWith = key;
    this.#retire(this.#dispatcher);
    this.#dispatcher = wanted.type === 'agent' ? openAgent({ ...wanted.connect }) : (made ?? openAgent({}));
  }

  #retire(dispatcher: Dispatcher): void {
    this.#retired.push(dispatcher);
    void dispatcher.close().catch(() => undefined);
  }
}
