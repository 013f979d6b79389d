// The webhook as it is shipped, with the rights that are shipped, on the real API server, in a namespace of its own.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { readStatus } from '../../../api/providerStatus.ts';
import { pushPath } from '../../../api/pushUrl.ts';
import { KubeClient } from '../../../kube/client.ts';
import type { Connection } from '../../../kube/connection.ts';
import { kubeconfigConnection } from '../../../kube/kubeconfig.ts';
import { namespaces } from '../../../kube/resource.ts';
import {
  WEBHOOK,
  admitPrograms,
  applyClusterRoles,
  dismissPrograms,
  settlePrograms,
} from '../../e2e/access.ts';
import { applyDefinition } from '../../e2e/definition.ts';
import { providers } from '../../e2e/kinds.ts';
import { type WebhookProcess, startWebhook } from '../../e2e/webhookProcess.ts';
import {
  SHARED_START_TIMEOUT_MS,
  type SharedControlPlane,
  sharedControlPlane,
} from '../../harness/cluster/shared.ts';
import { leastSpec } from '../../harness/providerSamples.ts';
import { webhookBundle } from '../../harness/webhookBundle.ts';

export interface RealScene {
  readonly namespace: string;
  /** May do everything. */
  readonly client: () => KubeClient;
  readonly start: (env?: Readonly<Record<string, string>>) => Promise<Started>;
  /** Resolves to its uid; its address is `<name>@contoso.example`. */
  readonly create: (name: string, spec?: object) => Promise<string>;
  readonly markOf: (name: string) => Promise<string | undefined>;
}

export interface Started {
  readonly webhook: WebhookProcess;
  /** A hint that names the address; resolves to the status of the answer. */
  readonly notify: (address: string) => Promise<number>;
  readonly post: (body: object, query?: string) => Promise<number>;
}

/** To be called once in a test file. */
export function realScene(): RealScene {
  const namespace = `webhook-${randomUUID().slice(0, 8)}`;
  let connection: Connection;
  let client: KubeClient;
  let folder: string;

  beforeAll(async () => {
    const plane = await sharedControlPlane();
    connection = await kubeconfigConnection({ path: plane.kubeconfig });
    client = new KubeClient(connection, { userAgent: 'webhook-test/1' });
    await settle(client, namespace);
    folder = await mkdtemp(join(tmpdir(), 'webhook-real-'));
    await writeFile(join(folder, 'kubeconfig'), await kubeconfigIn(plane, namespace), { mode: 0o600 });
  }, SHARED_START_TIMEOUT_MS);

  afterAll(async () => {
    await dismissPrograms(client, namespace);
    await client.delete(namespaces, { name: namespace });
    await connection.close();
    await rm(folder, { recursive: true });
  });

  return {
    namespace,
    client: () => client,
    start: (env = {}) =>
      start({
        KUBECONFIG: join(folder, 'kubeconfig'),
        OUTLOOK_WEBHOOK_WATCH_NAMESPACES: namespace,
        ...env,
      }),
    create: async (name, spec = {}) => {
      const { metadata } = await client.create(providers, namespace, {
        apiVersion: 'outlooksync.dev/v1alpha1',
        kind: 'OutlookProvider',
        metadata: { name },
        spec: { ...leastSpec, emailAddress: `${name}@contoso.example`, ...spec },
      });
      return metadata.uid ?? '';
    },
    markOf: async (name) =>
      readStatus((await client.get(providers, { namespace, name })).status).syncRequestedAt,
  };
}

async function settle(client: KubeClient, namespace: string): Promise<void> {
  await applyDefinition(client);
  await applyClusterRoles(client);
  const metadata = { name: namespace };
  await client.create(namespaces, undefined, { apiVersion: 'v1', kind: 'Namespace', metadata });
  await settlePrograms(client, namespace);
  await admitPrograms(client, namespace, namespace);
}

/** Of the webhook's service account. */
async function kubeconfigIn(plane: SharedControlPlane, namespace: string): Promise<string> {
  const view = await plane.kubectl(['config', 'view', '--minify', '--raw', '--flatten', '--output=json']);
  const { clusters } = JSON.parse(view.stdout) as {
    readonly clusters: readonly [{ readonly cluster: object }];
  };
  const { stdout: token } = await plane.kubectl(['create', 'token', WEBHOOK, `--namespace=${namespace}`]);
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'real', cluster: clusters[0].cluster }],
    users: [{ name: WEBHOOK, user: { token: token.trim() } }],
    contexts: [{ name: 'real', context: { cluster: 'real', user: WEBHOOK, namespace } }],
    'current-context': 'real',
  });
}

async function start(env: Readonly<Record<string, string>>): Promise<Started> {
  const ports = { OUTLOOK_WEBHOOK_HTTP_PORT: '0', OUTLOOK_WEBHOOK_METRICS_PORT: '0' };
  const webhook = startWebhook(webhookBundle(), { ...ports, ...env });
  onTestFinished(async () => {
    await webhook.kill('SIGKILL');
  });
  const port = await webhook.isReady();
  const post = async (body: object, query = ''): Promise<number> => {
    const headers = { 'content-type': 'application/json' };
    const url = `http://127.0.0.1:${port}${pushPath}${query}`;
    return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).status;
  };
  return { webhook, post, notify: (emailAddress) => post({ emailAddress }) };
}
