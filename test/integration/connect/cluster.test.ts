// connect as it is shipped, on the real API server, with the rights of a namespace's editor; and the job takes the grant.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fieldManagers } from '../../../api/resource.ts';
import { KubeClient } from '../../../kube/client.ts';
import type { Connection } from '../../../kube/connection.ts';
import { kubeconfigConnection } from '../../../kube/kubeconfig.ts';
import type { KubeObject } from '../../../kube/object.ts';
import { namespaces, type Resource, secrets } from '../../../kube/resource.ts';
import { bundleConnect } from '../../../scripts/bundle.ts';
import { applyDefinition } from '../../e2e/definition.ts';
import { providers } from '../../e2e/kinds.ts';
import {
  SHARED_START_TIMEOUT_MS,
  type SharedControlPlane,
  sharedControlPlane,
} from '../../harness/cluster/shared.ts';
import { freshDatabase, type TestDatabase } from '../../harness/database.ts';
import { startGraphSimulator, type GraphSimulator } from '../../harness/graph/simulator.ts';
import { jobEnvironment, runJob, syncArguments } from '../../harness/job.ts';
import { type ConnectOutcome, connectEnvironment, startConnect } from './process.ts';

interface Secret extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

const EMAIL = 'anna@contoso.example';
const namespace = `connect-${randomUUID().slice(0, 8)}`;
let plane: SharedControlPlane;
let connection: Connection;
let client: KubeClient;
let simulator: GraphSimulator;
let database: TestDatabase;
let folder: string;
let bundle: string;

beforeAll(async () => {
  plane = await sharedControlPlane();
  connection = await kubeconfigConnection({ path: plane.kubeconfig });
  client = new KubeClient(connection, { userAgent: 'connect-test/1' });
  await applyDefinition(client);
  const metadata = { name: namespace };
  await client.create(namespaces, undefined, { apiVersion: 'v1', kind: 'Namespace', metadata });
  folder = await mkdtemp(join(tmpdir(), 'connect-cluster-'));
  bundle = await bundleConnect(folder);
  simulator = await startGraphSimulator({ publicClientFlows: true, deviceCodes: { interval: 0.02 } });
  simulator.addMailbox({ email: EMAIL, messages: 5 });
  simulator.deviceCodes.listen((userCode) => {
    simulator.deviceCodes.decide(userCode, simulator.mailbox(EMAIL));
  });
  await writeFile(join(folder, 'kubeconfig'), await twoContexts(), { mode: 0o600 });
  database = await freshDatabase();
}, SHARED_START_TIMEOUT_MS);
afterAll(async () => {
  await client.delete(namespaces, { name: namespace });
  await connection.close();
  await simulator.close();
  await database.drop();
  await rm(folder, { recursive: true });
});

/** The current context leads nowhere; `editor` has the rights that connect says it needs, in this namespace. */
async function twoContexts(): Promise<string> {
  const kubectl = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await plane.kubectl([...args, `--namespace=${namespace}`]);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  };
  await kubectl('create', 'serviceaccount', 'editor');
  const resources = 'outlookproviders.outlooksync.dev,secrets';
  await kubectl('create', 'role', 'editor', '--verb=get,create,patch', `--resource=${resources}`);
  await kubectl('create', 'rolebinding', 'editor', '--role=editor', `--serviceaccount=${namespace}:editor`);
  const view = await plane.kubectl(['config', 'view', '--minify', '--raw', '--flatten', '--output=json']);
  const { clusters } = JSON.parse(view.stdout) as {
    readonly clusters: readonly [{ readonly cluster: object }];
  };
  const token = (await kubectl('create', 'token', 'editor')).trim();
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'real', cluster: clusters[0].cluster },
      { name: 'nowhere', cluster: { server: 'http://127.0.0.1:9' } },
    ],
    users: [{ name: 'editor', user: { token } }],
    contexts: [
      { name: 'editor', context: { cluster: 'real', user: 'editor', namespace } },
      { name: 'nowhere', context: { cluster: 'nowhere', user: 'editor' } },
    ],
    'current-context': 'nowhere',
  });
}

function connect(...args: readonly string[]): Promise<ConnectOutcome> {
  const kubeconfig = ['--kubeconfig', join(folder, 'kubeconfig'), '--context', 'editor'];
  return startConnect(bundle, [...kubeconfig, ...args], connectEnvironment(simulator)).outcome;
}

const secretOf = (name: string): Promise<Secret> => client.get<Secret>(secrets, { namespace, name });
const tokenOf = async (name: string): Promise<string> =>
  Buffer.from((await secretOf(name)).data?.['refreshToken'] ?? '', 'base64').toString();

/** Those that wrote the key. */
const managersOf = ({ metadata }: KubeObject): string[] =>
  (metadata.managedFields as { manager: string; fieldsV1: object }[])
    .filter(({ fieldsV1 }) => JSON.stringify(fieldsV1).includes('f:refreshToken'))
    .map(({ manager }) => manager);

describe('on a real API server', () => {
  it('a sign-in becomes a Secret and an OutlookProvider, with which the job syncs', async () => {
    const { code, stdout, stderr } = await connect('--name', 'anna', '--user-id', 'user-1');
    expect([code, stdout], stderr).toEqual([
      0,
      'secret/anna-outlook written\noutlookprovider.outlooksync.dev/anna written\n',
    ]);
    const provider = await client.get(providers, { namespace, name: 'anna' });
    expect(provider.spec).toMatchObject({
      emailAddress: EMAIL,
      owner: { userId: 'user-1' },
      schedule: 'H/5 * * * *',
      credentialsSecretRef: { name: 'anna-outlook' },
    });
    expect(managersOf(await secretOf('anna-outlook'))).toEqual([fieldManagers.connect]);

    const token = await tokenOf('anna-outlook');
    const env = { ...jobEnvironment(simulator, database.url, token), OUTLOOK_CLIENT_SECRET: '' };
    expect((await runJob(['migrate'], env)).code).toBe(0);
    const { summary, stderr: log } = await runJob(syncArguments(EMAIL), env);
    expect(summary, log).toMatchObject({ status: 'connected', upserted: 5 });
  });

  it('a dead grant is replaced in the Secret that the OutlookProvider names, whoever wrote it', async () => {
    const manifest = JSON.stringify({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'bens' },
      stringData: { refreshToken: 'dead', other: 'stays' },
    });
    const options = { input: manifest };
    await plane.kubectl([`--namespace=${namespace}`, 'apply', '--filename=-'], options);
    const spec = {
      emailAddress: EMAIL.toUpperCase(),
      owner: { userId: 'user-2' },
      credentialsSecretRef: { name: 'bens' },
    };
    const before = await client.create(providers, namespace, {
      apiVersion: 'outlooksync.dev/v1alpha1',
      kind: 'OutlookProvider',
      metadata: { name: 'ben' },
      spec,
    });
    const { code, stdout, stderr } = await connect('--name', 'ben');
    expect([code, stdout], stderr).toEqual([0, 'secret/bens has the new token\n']);
    expect(stderr).toMatch(/was written by kubectl-client-side-apply so far/);
    expect(await tokenOf('bens')).toBe(simulator.mailbox(EMAIL).refreshToken);
    const { data } = await secretOf('bens');
    expect(Object.keys(data ?? {}).sort()).toEqual(['other', 'refreshToken']);
    const after = await client.get(providers, { namespace, name: 'ben' });
    expect(after.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
    expect((await connect('--name', 'ben')).code, 'and again').toBe(0);
  });

  it('a dry run stores nothing, and repeats what the API server says against it', async () => {
    const dry = await connect('--name', 'eve', '--user-id', 'user-1', '--dry-run');
    expect([dry.code, dry.stdout], dry.stderr).toEqual([0, '']);
    for (const [resource, name] of [
      [secrets, 'eve-outlook'],
      [providers, 'eve'],
    ] as const)
      await expect(client.get(resource as Resource, { namespace, name })).rejects.toMatchObject({
        kind: 'notFound',
      });
    const forbidden = await connect('--name', 'eve', '--user-id', 'u', '--dry-run', '--namespace', 'default');
    expect(forbidden.code).toBe(77);
    expect(forbidden.stderr).toMatch(/cannot get resource "outlookproviders"/);
  });

  it('a context that is not there is told with those that are', async () => {
    const { code, stderr } = await connect('--name', 'eve', '--context', 'production');
    expect(code).toBe(64);
    expect(stderr).toMatch(/has no context "production"; it has: editor, nowhere/);
  });
});
