import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { KubeClient } from '../../../kube/client.ts';
import { type Connection, inClusterConnection } from '../../../kube/connection.ts';
import { kubeconfigConnection } from '../../../kube/kubeconfig.ts';
import { openConnection } from '../../../kube/openConnection.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../../harness/apiServer/apiServer.ts';
import { selfSignedCertificate } from '../../harness/apiServer/certificate.ts';
import { configMap, configMaps } from './stage.ts';

const a = { namespace: 'default', name: 'a' };
const tls = selfSignedCertificate();

async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'kube-'));
  onTestFinished(() => rm(path, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
  return path;
}

async function startServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const server = await startApiServer({ tls, ...options });
  onTestFinished(() => server.close());
  server.put(configMap('a'), 'configmaps');
  return server;
}

function clientOf(connection: Connection): KubeClient {
  onTestFinished(() => connection.close());
  return new KubeClient(connection, { userAgent: 'kube-test/1' });
}

const account = { token: 'token-1\n', 'ca.crt': tls.certificate, namespace: 'team-a' };

function podEnv({ url }: ApiServer, path: string): Record<string, string> {
  return {
    KUBERNETES_SERVICE_HOST: url.hostname,
    KUBERNETES_SERVICE_PORT: url.port,
    KUBERNETES_SERVICE_ACCOUNT_DIR: path,
  };
}

describe('the connection of a pod', () => {
  it('shares its connections between all calls: 50 make no more than two', async () => {
    const server = await startServer();
    const connection = inClusterConnection(podEnv(server, await folder(account)));
    const client = clientOf(connection);
    for (let i = 0; i < 50; i += 1) await client.get(configMaps, a);
    expect(server.requests).toHaveLength(50);
    expect(server.connections).toBeLessThanOrEqual(2);
    expect(connection.namespace).toBe('team-a');
    expect(server.requests[0]?.headers['authorization']).toBe('Bearer token-1');
  });

  it('reads the token again when the server refuses it, and asks no more than twice', async () => {
    const tokens = new Set(['token-1']);
    const server = await startServer({ tokens });
    const path = await folder(account);
    const client = clientOf(inClusterConnection(podEnv(server, path)));
    await client.get(configMaps, a);
    tokens.clear();
    tokens.add('token-2');
    await writeFile(join(path, 'token'), 'token-2');
    await client.get(configMaps, a);
    expect(server.requests.map(({ status }) => status)).toEqual([200, 401, 200]);
    tokens.clear();
    await expect(client.get(configMaps, a)).rejects.toMatchObject({ kind: 'unauthorized', status: 401 });
    expect(server.requests).toHaveLength(5);
  });

  it('reads the token again before it is half a minute old', async () => {
    const server = await startServer();
    const path = await folder(account);
    const connection = inClusterConnection(podEnv(server, path));
    onTestFinished(() => connection.close());
    await writeFile(join(path, 'token'), 'token-2');
    expect(await connection.headers()).toEqual({ authorization: 'Bearer token-1' });
    const now = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 30_001);
    onTestFinished(() => now.mockRestore());
    expect(await connection.headers()).toEqual({ authorization: 'Bearer token-2' });
  });

  it('goes on when the token cannot be read for a while, with an error that names the file', async () => {
    const server = await startServer();
    const path = await folder(account);
    const connection = inClusterConnection(podEnv(server, path));
    const client = clientOf(connection);
    await rm(join(path, 'token'));
    connection.invalidate?.();
    await expect(client.get(configMaps, a)).rejects.toMatchObject({
      kind: 'unauthorized',
      message: expect.stringContaining(join(path, 'token')) as string,
    });
    await writeFile(join(path, 'token'), 'token-2');
    await client.get(configMaps, a);
  });

  it('trusts a new CA once it is mounted, and meanwhile nobody else', async () => {
    const other = selfSignedCertificate();
    const server = await startServer({ tls: other });
    const path = await folder(account);
    const connection = inClusterConnection(podEnv(server, path));
    const client = clientOf(connection);
    await expect(client.get(configMaps, a)).rejects.toMatchObject({ kind: 'network' });
    await writeFile(join(path, 'ca.crt'), other.certificate);
    connection.invalidate?.();
    await client.get(configMaps, a);
  });

  it.each(['token', 'ca.crt', 'namespace'])('is not made without %s, and says so', async (name) => {
    const server = await startServer();
    const path = await folder(account);
    await rm(join(path, name));
    expect(() => inClusterConnection(podEnv(server, path))).toThrow(join(path, name));
    await writeFile(join(path, name), ' \n');
    expect(() => inClusterConnection(podEnv(server, path))).toThrow(/is empty/);
  });

  it.each(['KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT'])('is not made without %s', (name) => {
    const env = { KUBERNETES_SERVICE_HOST: '::1', KUBERNETES_SERVICE_PORT: '443', [name]: '' };
    expect(() => inClusterConnection(env)).toThrow(name);
  });

  it('puts an IPv6 address into brackets', async () => {
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    const connection = inClusterConnection({ ...env, KUBERNETES_SERVICE_ACCOUNT_DIR: await folder(account) });
    onTestFinished(() => connection.close());
    expect(connection.server.href).toBe('https://[fd00::1]/');
  });
});

function kubeconfig(server: URL, user: object, cluster: object = {}): string {
  const ca = Buffer.from(tls.certificate).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'c', cluster: { server: server.href, 'certificate-authority-data': ca, ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'test', context: { cluster: 'c', user: 'u', namespace: 'team-b' } }],
  });
}

describe('the connection of a kubeconfig', () => {
  it('shares its connections, trusts the CA it names, and shows its token', async () => {
    const server = await startServer({ tokens: new Set(['static']) });
    const path = join(await folder({ config: kubeconfig(server.url, { token: 'static' }) }), 'config');
    const connection = await kubeconfigConnection({ path });
    const client = clientOf(connection);
    for (let i = 0; i < 50; i += 1) await client.get(configMaps, a);
    expect(server.connections).toBeLessThanOrEqual(2);
    expect(connection.namespace).toBe('team-b');
  });

  it('shows a client certificate', async () => {
    const person = selfSignedCertificate('A person');
    const server = await startServer({ tls: { ...tls, clientCa: person.certificate } });
    const user = {
      'client-certificate-data': Buffer.from(person.certificate).toString('base64'),
      'client-key-data': Buffer.from(person.key).toString('base64'),
    };
    const path = await folder({ known: kubeconfig(server.url, user), unknown: kubeconfig(server.url, {}) });
    const known = clientOf(await kubeconfigConnection({ path: join(path, 'known') }));
    expect(await known.get(configMaps, a)).toMatchObject({ metadata: a });
    const unknown = clientOf(await kubeconfigConnection({ path: join(path, 'unknown') }));
    await expect(unknown.get(configMaps, a)).rejects.toMatchObject({ kind: 'network' });
  });

  it('asks a credential plugin, and its failure tells nothing of its words', async () => {
    const server = await startServer({ tokens: new Set(['plugged']) });
    const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential' };
    const output = JSON.stringify({ ...credential, status: { token: 'plugged' } });
    const plugin = (script: string): object => ({
      exec: { apiVersion: credential.apiVersion, command: process.execPath, args: ['-e', script] },
    });
    const path = await folder({
      good: kubeconfig(server.url, plugin(`console.log(${JSON.stringify(output)})`)),
      bad: kubeconfig(server.url, plugin(`console.error('secret words'); process.exit(1)`)),
    });
    const client = clientOf(await kubeconfigConnection({ path: join(path, 'good') }));
    expect(await client.get(configMaps, a)).toMatchObject({ metadata: a });
    const failure = await kubeconfigConnection({ path: join(path, 'bad') }).catch((error: unknown) => error);
    expect(String(failure)).toBe('Error: The credentials that the kubeconfig describes cannot be obtained');
  });

  it('is not made from a file that is missing or no kubeconfig', async () => {
    const path = await folder({ empty: '{}' });
    await expect(kubeconfigConnection({ path: join(path, 'missing') })).rejects.toThrow(/cannot be read/);
    await expect(kubeconfigConnection({ path: join(path, 'empty') })).rejects.toThrow(/no current cluster/);
  });
});

describe('which connection is opened', () => {
  it('is that of the pod, unless a kubeconfig is named', async () => {
    const server = await startServer();
    const env = podEnv(server, await folder(account));
    const ofPod = await openConnection(env);
    onTestFinished(() => ofPod.close());
    expect(ofPod.namespace).toBe('team-a');
    const path = join(await folder({ config: kubeconfig(server.url, { token: 'static' }) }), 'config');
    vi.stubEnv('KUBECONFIG', path);
    onTestFinished(() => void vi.unstubAllEnvs());
    const named = await openConnection({ ...env, KUBECONFIG: path });
    onTestFinished(() => named.close());
    expect(named.namespace).toBe('team-b');
  });
});
