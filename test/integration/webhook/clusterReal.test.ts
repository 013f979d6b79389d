// The webhook as it is shipped, with the rights that are shipped, on the real API server.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { pushPath } from '../../../api/pushUrl.ts';
import { readStatus } from '../../../api/providerStatus.ts';
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

const namespace = `webhook-${randomUUID().slice(0, 8)}`;
let plane: SharedControlPlane;
let connection: Connection;
let client: KubeClient;
let folder: string;

beforeAll(async () => {
  plane = await sharedControlPlane();
  connection = await kubeconfigConnection({ path: plane.kubeconfig });
  client = new KubeClient(connection, { userAgent: 'webhook-test/1' });
  await applyDefinition(client);
  await applyClusterRoles(client);
  const metadata = { name: namespace };
  await client.create(namespaces, undefined, { apiVersion: 'v1', kind: 'Namespace', metadata });
  await settlePrograms(client, namespace);
  await admitPrograms(client, namespace, namespace);
  folder = await mkdtemp(join(tmpdir(), 'webhook-real-'));
  await writeFile(join(folder, 'kubeconfig'), await kubeconfig(), { mode: 0o600 });
}, SHARED_START_TIMEOUT_MS);

afterAll(async () => {
  await dismissPrograms(client, namespace);
  await client.delete(namespaces, { name: namespace });
  await connection.close();
  await rm(folder, { recursive: true });
});

/** Of the webhook's service account. */
async function kubeconfig(): Promise<string> {
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

async function start(): Promise<{ webhook: WebhookProcess; notify: (address: string) => Promise<number> }> {
  const webhook = startWebhook(webhookBundle(), {
    KUBECONFIG: join(folder, 'kubeconfig'),
    OUTLOOK_WEBHOOK_WATCH_NAMESPACES: namespace,
    OUTLOOK_WEBHOOK_HTTP_PORT: '0',
    OUTLOOK_WEBHOOK_METRICS_PORT: '0',
  });
  onTestFinished(async () => {
    await webhook.kill('SIGKILL');
  });
  const port = await webhook.isReady();
  const notify = async (emailAddress: string): Promise<number> => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ emailAddress });
    return (await fetch(`http://127.0.0.1:${port}${pushPath}`, { method: 'POST', headers, body })).status;
  };
  return { webhook, notify };
}

async function create(name: string): Promise<string> {
  const { metadata } = await client.create(providers, namespace, {
    apiVersion: 'outlooksync.dev/v1alpha1',
    kind: 'OutlookProvider',
    metadata: { name },
    spec: { ...leastSpec, emailAddress: `${name}@contoso.example` },
  });
  return metadata.uid ?? '';
}

const markOf = async (name: string): Promise<string | undefined> =>
  readStatus((await client.get(providers, { namespace, name })).status).syncRequestedAt;

test('what was answered is kept, though the webhook is killed right after', async () => {
  await create('anna');
  await create('bob');
  const { webhook, notify } = await start();
  const codes = await Promise.all(Array.from({ length: 50 }, () => notify('anna@contoso.example')));
  await webhook.kill('SIGKILL');
  expect(new Set(codes)).toEqual(new Set([202]));
  expect(await markOf('anna')).toBeDefined();
  expect(await markOf('bob')).toBeUndefined();
});

test('of two webhooks both answer, and neither turns back the mark of the other', async () => {
  await create('carl');
  const [one, two] = await Promise.all([start(), start()]);
  expect(await one.notify('carl@contoso.example')).toBe(202);
  const mark = await markOf('carl');
  expect(await two.notify('carl@contoso.example')).toBe(202);
  const { metadata } = await client.get(providers, { namespace, name: 'carl' });
  expect((await markOf('carl')) ?? '').toSatisfy((later: string) => later >= (mark ?? ''));
  expect(metadata.managedFields).toContainEqual(expect.objectContaining({ manager: WEBHOOK }));
});

test('of a provider that has gone the API server says so in its own words', async () => {
  const write = client.mergePatch(providers, { namespace, name: 'nobody' }, {}, { subresource: 'status' });
  await expect(write).rejects.toMatchObject({ kind: 'notFound', reason: 'NotFound' });
});

test('a stop ends it with 0', async () => {
  const { webhook } = await start();
  expect(await webhook.kill('SIGTERM')).toBe(0);
});
