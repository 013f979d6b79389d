// The webhook between a sender and a scripted API server.
import { onTestFinished } from 'vitest';
import { pushPath } from '../../../api/pushUrl.ts';
import type { Connection } from '../../../kube/connection.ts';
import { silent } from '../../../kube/log.ts';
import { parseConfig } from '../../../webhook/config.ts';
import { runWebhook } from '../../../webhook/run.ts';
import type { ApiServer } from '../../harness/apiServer/apiServer.ts';
import type { Fault, RequestRecord } from '../../harness/apiServer/faults.ts';
import { openStage } from '../kube/stage.ts';

export interface ClusterScene {
  readonly server: ApiServer;
  /** Puts it there as its owner and its other programs would. */
  readonly provider: (name: string, status?: object, namespace?: string) => void;
  /** The status as the API server has it. */
  readonly statusOf: (name: string) => Readonly<Record<string, string>>;
  /** A hint that names the address; resolves to the status of the answer. */
  readonly notify: (name: string) => Promise<number>;
  /** The status of a GET, at the port for Graph. */
  readonly probe: (path: string) => Promise<number>;
  readonly metrics: () => Promise<string>;
  readonly writes: () => readonly RequestRecord[];
  /** Resolves when it has ended. */
  readonly stop: () => Promise<void>;
}

const addressOf = (name: string): string => `${name}@contoso.example`;
const apiVersion = 'outlooksync.dev/v1alpha1';
const collection = `${apiVersion}/outlookproviders`;

/** Resolves when it listens; `faults` are there from the beginning. */
export async function openClusterScene(
  env: Record<string, string> = {},
  faults: readonly Fault[] = [],
): Promise<ClusterScene> {
  const { server, connection } = await openStage();
  for (const fault of faults) server.fault(fault);
  const { ports, stop } = await start(connection, env);
  const at = (path: string, port = ports.port): string => `http://127.0.0.1:${port}${path}`;
  const statusOf = (name: string, namespace = 'team'): Readonly<Record<string, string>> | undefined =>
    server.store.find(collection, namespace, name)?.['status'] as Record<string, string> | undefined;
  return {
    server,
    provider: (name, status = {}, namespace = 'team') => {
      const object = {
        apiVersion,
        kind: 'OutlookProvider',
        metadata: { namespace, name },
        spec: { emailAddress: addressOf(name) },
        status: { ...statusOf(name, namespace), ...status },
      };
      server.store.put(collection, object, statusOf(name, namespace) !== undefined);
    },
    statusOf: (name) => statusOf(name) ?? {},
    notify: async (name) => {
      const body = JSON.stringify({ emailAddress: addressOf(name) });
      const headers = { 'content-type': 'application/json' };
      return (await fetch(at(pushPath), { method: 'POST', headers, body })).status;
    },
    probe: async (path) => (await fetch(at(path))).status,
    metrics: async () => (await fetch(at('/metrics', ports.metricsPort))).text(),
    writes: () => server.requests.filter(({ method }) => method === 'PATCH'),
    stop,
  };
}

interface Ports {
  readonly port: number;
  readonly metricsPort: number;
}

async function start(
  connection: Connection,
  env: Record<string, string>,
): Promise<{ readonly ports: Ports; readonly stop: () => Promise<void> }> {
  const parsed = parseConfig({ OUTLOOK_WEBHOOK_HTTP_PORT: '0', OUTLOOK_WEBHOOK_METRICS_PORT: '0', ...env });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const listening = Promise.withResolvers<Ports>();
  const controller = new AbortController();
  const info = (fields: object, message: string): void => {
    if (message === 'Listening') listening.resolve(fields as Ports);
  };
  const running = runWebhook({
    config: parsed.config,
    // The stage closes it.
    connection: {
      server: connection.server,
      dispatcher: connection.dispatcher,
      namespace: undefined,
      headers: () => connection.headers(),
      close: () => Promise.resolve(),
    },
    pod: 'webhook-0',
    log: { ...silent, info },
    signal: controller.signal,
  });
  running.catch((error: unknown) => listening.reject(error));
  const stop = async (): Promise<void> => {
    controller.abort();
    await running;
  };
  onTestFinished(stop);
  return { ports: await listening.promise, stop };
}
