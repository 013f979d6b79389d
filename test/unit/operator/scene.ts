// The whole operator in this process, against a scripted API server: only the cluster is not real.
import { onTestFinished } from 'vitest';
import { providerSpec } from '../../../api/providerSpec.ts';
import { apiVersion, outlookProviders } from '../../../api/resource.ts';
import { type Connection, openAgent } from '../../../kube/connection.ts';
import type { Log } from '../../../kube/log.ts';
import { assemble, type Operator } from '../../../operator/assemble.ts';
import { type OperatorConfig, parseConfig } from '../../../operator/config.ts';
import { runOperator } from '../../../operator/run.ts';
import { type ApiServer, startApiServer } from '../../harness/apiServer/apiServer.ts';
import type { RequestRecord } from '../../harness/apiServer/faults.ts';
import type { Json, StoredObject } from '../../harness/apiServer/objectStore.ts';

export interface RunningOperator {
  readonly lines: readonly { readonly level: string; readonly fields: Json; readonly message: string }[];
  /** Resolves to the exit code. */
  readonly stop: () => Promise<number>;
  /** Resolves to the exit code when it ends by itself. */
  readonly ended: Promise<number>;
  readonly ask: (path: string) => Promise<[status: number, text: string]>;
  /** Resolves when a line with this message has been logged, so often. */
  readonly said: (message: string, times?: number) => Promise<void>;
}

export async function openScene(): Promise<ApiServer> {
  const server = await startApiServer();
  onTestFinished(() => server.close());
  server.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } }, 'namespaces');
  return server;
}

export function putSecret(server: ApiServer, name: string): void {
  const metadata = { name, namespace: 'team' };
  server.put(
    { apiVersion: 'v1', kind: 'Secret', metadata, ...{ data: { refreshToken: 'VE9QU0VDUkVU' } } },
    'secrets',
  );
}

/** A provider with the defaults that the real API server would have set. */
export function putProvider(server: ApiServer, name: string, more: Json = {}): StoredObject {
  const spec = providerSpec.parse({
    emailAddress: `${name}@contoso.com`,
    owner: { userId: 'u1' },
    credentialsSecretRef: { name: 'grant' },
    ...more,
  });
  const object = { apiVersion, kind: outlookProviders.kind, metadata: { name, namespace: 'team' }, spec };
  return server.put(object, outlookProviders.plural);
}

/** With both Secrets, so that nothing is in the way of a sync. */
export function putReadyProvider(server: ApiServer, name: string): StoredObject {
  putSecret(server, 'outlook-sync');
  putSecret(server, 'grant');
  return putProvider(server, name);
}

export function find(server: ApiServer, collection: string, name: string): StoredObject | undefined {
  return server.store.find(collection, 'team', name);
}

export function conditionOf(server: ApiServer, name: string, type: string): Json | undefined {
  const provider = find(server, `${apiVersion}/${outlookProviders.plural}`, name);
  const { conditions = [] } = (provider?.['status'] ?? {}) as { conditions?: Json[] };
  return conditions.find((condition) => condition['type'] === type);
}

/** Writes of a replica, or of all; its own Lease left out. */
export function writes(server: ApiServer, replica = ''): RequestRecord[] {
  return server.requests.filter(
    ({ method, path, headers, body }) =>
      method !== 'GET' &&
      headers['user-agent']?.includes(replica) === true &&
      !path.endsWith('/leases/outlook-sync-operator') &&
      (body as { metadata?: Json } | undefined)?.metadata?.['name'] !== 'outlook-sync-operator',
  );
}

export function startOperator(
  server: ApiServer,
  replica: string,
  env: Readonly<Record<string, string>> = {},
): RunningOperator {
  const config = configOf(env);
  const stop = new AbortController();
  const listener = new Listener();
  const ended = runOperator({
    config,
    connection: connectionTo(server),
    identity: replica,
    log: listener.log,
    signal: stop.signal,
  });
  const end = async (): Promise<number> => {
    stop.abort();
    return ended;
  };
  onTestFinished(async () => {
    await end();
  });
  return {
    lines: listener.lines,
    ended,
    stop: end,
    said: (message, times) => listener.said(message, times),
    ask: async (path) => {
      await listener.said('Serving probes and metrics');
      const port = listener.lines.find(({ fields }) => 'port' in fields)?.fields['port'];
      const answer = await fetch(`http://127.0.0.1:${String(port)}${path}`);
      return [answer.status, await answer.text()];
    },
  };
}

function configOf(env: Readonly<Record<string, string>>): OperatorConfig {
  const parsed = parseConfig({
    OUTLOOK_OPERATOR_JOB_IMAGE: 'example/image:1',
    OUTLOOK_OPERATOR_HTTP_PORT: '0',
    POD_NAMESPACE: 'system',
    ...env,
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

/** The parts of one that knows the cluster and does not lead; and what it says. */
export async function assembleFollower(
  server: ApiServer,
): Promise<Pick<RunningOperator, 'lines'> & Operator> {
  const stop = new AbortController();
  const { log, lines } = new Listener();
  const connection = connectionTo(server);
  const config = configOf({});
  const operator = assemble({ config, connection, identity: 'follower', log, calls: stop.signal });
  const following = operator.caches.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await following;
    await connection.close();
  });
  await operator.caches.synced();
  return { ...operator, lines };
}

function connectionTo(server: ApiServer): Connection {
  const dispatcher = openAgent({});
  return {
    server: server.url,
    dispatcher,
    namespace: undefined,
    headers: () => Promise.resolve({}),
    close: () => dispatcher.destroy(),
  };
}

class Listener {
  readonly lines: { level: string; fields: Json; message: string }[] = [];
  #waiting: (() => void)[] = [];
  readonly log: Log = {
    debug: (fields, message) => this.#add('debug', fields, message),
    info: (fields, message) => this.#add('info', fields, message),
    warn: (fields, message) => this.#add('warn', fields, message),
    error: (fields, message) => this.#add('error', fields, message),
  };

  async said(message: string, times = 1): Promise<void> {
    while (this.lines.filter((line) => line.message === message).length < times)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #add(level: string, fields: object, message: string): void {
    this.lines.push({ level, fields: { ...fields }, message });
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
