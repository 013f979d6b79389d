// A scripted API server and a client of it, for one test.
import { onTestFinished } from 'vitest';
import { KubeClient } from '../../../kube/client.ts';
import { type Connection, openAgent } from '../../../kube/connection.ts';
import type { ExchangeOptions } from '../../../kube/exchange.ts';
import type { KubeObject } from '../../../kube/object.ts';
import type { Resource } from '../../../kube/resource.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../../harness/apiServer/apiServer.ts';

export interface Stage {
  readonly server: ApiServer;
  readonly connection: Connection;
  readonly client: KubeClient;
  /** Another client over the same connection. */
  readonly clientWith: (options: Partial<ExchangeOptions>) => KubeClient;
}

/** @param url where the client looks for the server, if that is elsewhere */
export async function openStage(options: ApiServerOptions = {}, url?: string): Promise<Stage> {
  const server = await startApiServer(options);
  const connection = plainConnection(url === undefined ? server.url : new URL(url));
  onTestFinished(async () => {
    await connection.close();
    await server.close();
  });
  const clientWith = (more: Partial<ExchangeOptions>): KubeClient =>
    new KubeClient(connection, { userAgent: 'kube-test/1', ...more });
  return { server, connection, clientWith, client: clientWith({}) };
}

function plainConnection(server: URL): Connection {
  const dispatcher = openAgent({});
  return {
    server,
    dispatcher,
    namespace: undefined,
    headers: () => Promise.resolve({}),
    close: () => dispatcher.destroy(),
  };
}

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

export function configMap(name: string, data: Record<string, string> = {}, namespace = 'default'): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data };
}

export const configMaps: Resource<ConfigMap> = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};

/** A place to wait for what only a callback tells. */
export class Turnstile {
  readonly #waiting = new Set<() => void>();

  turn(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Resolves once it holds; asked at each turn. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const wake = (): void => resolve(undefined);
      this.#waiting.add(wake);
      await promise;
      this.#waiting.delete(wake);
    }
  }
}
