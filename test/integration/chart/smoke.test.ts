// The program of `helm test`, against a webhook and an API server as they are.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { microTime } from '../../../kube/microTime.ts';
import { startWebhook, type WebhookProcess } from '../../e2e/webhookProcess.ts';
import { SHARED_START_TIMEOUT_MS } from '../../harness/cluster/shared.ts';
import { webhookBundle } from '../../harness/webhookBundle.ts';
import { type ApiServer, openApiServer } from '../crd/verdicts.ts';
import { CHART, environmentOf, find, podOf, render } from './chart.ts';

const NAMESPACE = 'chart-smoke';
const leases = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases`;
const NO_SUCH_PORT = 'http://127.0.0.1:1';

let server: ApiServer;
let webhook: WebhookProcess;
let account: string;
let usual: Record<string, string>;

beforeAll(async () => {
  server = await openApiServer(NAMESPACE);
  account = await mkdtemp(join(tmpdir(), 'outlook-sync-account-'));
  await writeFile(join(account, 'token'), server.plane.adminToken);
  await copyFile(server.plane.caFile, join(account, 'ca.crt'));
  webhook = startWebhook(webhookBundle(), {
    KUBECONFIG: server.plane.kubeconfig,
    OUTLOOK_PUSH_WEBHOOK_TOKEN: 'the token',
    OUTLOOK_WEBHOOK_HTTP_PORT: '0',
    OUTLOOK_WEBHOOK_METRICS_PORT: '0',
    OUTLOOK_WEBHOOK_WATCH_NAMESPACES: NAMESPACE,
  });
  const url = `http://127.0.0.1:${await webhook.isReady()}`;
  usual = {
    API_URL: server.plane.server,
    ACCOUNT_FOLDER: account,
    LEASE_PATH: `${leases}/leader`,
    // Both programs tell in the same way whether they are ready.
    OPERATOR_URL: url,
    WEBHOOK_URL: url,
    TIMEOUT_SECONDS: '0',
  };
  await hold('leader', Date.now());
}, SHARED_START_TIMEOUT_MS);
afterAll(async () => {
  await webhook.kill('SIGTERM');
  await rm(account, { recursive: true });
  await server.close();
});

async function hold(name: string, renewedAt: number): Promise<void> {
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name },
    spec: { holderIdentity: 'operator-1', leaseDurationSeconds: 15, renewTime: microTime(renewedAt) },
  };
  const { code, message } = await server.call('POST', leases, lease);
  if (code !== 201) throw new Error(message);
}

/** Runs it as the chart's pod does. */
async function smoke(env: Readonly<Record<string, string>> = {}): Promise<{ code: number; said: string }> {
  const [{ command = [] }] = podOf(find(await render(), 'Pod', 'outlook-sync-test')).containers;
  const args = command.slice(1).map((word) => word.replaceAll('$$', '$'));
  const child = spawn(process.execPath, args, {
    env: { ...usual, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    said += piece;
  });
  await once(child, 'close');
  return { code: child.exitCode ?? -1, said };
}

describe('helm test', () => {
  it('passes where CRD, operator and webhook are as they should be', async () => {
    expect(await smoke()).toEqual({
      code: 0,
      said: [
        'ok: The API server serves OutlookProviders',
        'ok: An operator leads',
        'ok: The operator is ready',
        'ok: The webhook is ready',
        'ok: The webhook answers the handshake of Microsoft Graph',
        'ok: The webhook turns away who has a wrong token',
        '',
      ].join('\n'),
    });
  });

  it('leaves the webhook alone where there is none', async () => {
    const { code, said } = await smoke({ WEBHOOK_URL: '' });
    expect(code).toBe(0);
    expect(said).not.toContain('webhook');
  });

  it('fails where the webhook cannot be reached', async () => {
    const { code, said } = await smoke({ WEBHOOK_URL: NO_SUCH_PORT });
    expect(code).toBe(1);
    expect(said).toMatch(/^FAILED: The webhook is ready: .*ECONNREFUSED/m);
    expect(said).toContain('ok: The operator is ready');
  });

  it('fails where nobody leads, or whoever led fell silent', async () => {
    expect((await smoke({ LEASE_PATH: `${leases}/none` })).said).toContain(
      'FAILED: An operator leads: asked for the Lease, the API server answered 404',
    );
    await hold('silent', Date.now() - 600_000);
    expect((await smoke({ LEASE_PATH: `${leases}/silent` })).said).toContain('operator-1 fell silent at');
  });

  it('asks the services of the release, with a program that Kubernetes does not rewrite', async () => {
    const pod = find(await render({ variant: 'everything' }), 'Pod', 'outlook-sync-test');
    expect(environmentOf(pod)).toMatchObject({
      OPERATOR_URL: 'http://outlook-sync-operator-metrics:8080',
      WEBHOOK_URL: 'http://outlook-sync-webhook:80',
      LEASE_PATH: '/apis/coordination.k8s.io/v1/namespaces/outlook-sync/leases/outlook-sync-operator',
    });
    const [{ command = [] }] = podOf(pod).containers;
    expect(command.at(-1)?.replaceAll('$$', '$')).toBe(
      await readFile(join(CHART, 'files', 'smokeTest.mjs'), 'utf8'),
    );
    expect(command.at(-1)).not.toMatch(/(^|[^$])(\$\$)*\$\(/);
  });
});
