// A release on a real API server, from its installation to its end: hooks, Secrets, and what stays behind.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { stringify } from 'yaml';
import { type Site, processSite } from '../../e2e/site.ts';
import {
  type SharedControlPlane,
  SHARED_START_TIMEOUT_MS,
  sharedControlPlane,
} from '../../harness/cluster/shared.ts';
import { freshDatabase, type TestDatabase } from '../../harness/database.ts';
import { helm } from '../../harness/helm.ts';
import { CHART } from './chart.ts';

const HOME = 'chart-release';
const TEAM = 'chart-release-team';
const OTHER = 'chart-release-other';
/** In the order in which the scenario goes: each test goes on from the one before. */
let plane: SharedControlPlane;
let site: Site;
let database: TestDatabase;

beforeAll(async () => {
  plane = await sharedControlPlane();
  site = await processSite(plane);
  await site.runPods(HOME);
  database = await freshDatabase();
  const made = [HOME, TEAM, OTHER].map((name) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name },
  }));
  await kubectl(['apply', '-f', '-'], made.map((one) => stringify(one)).join('---\n'));
}, SHARED_START_TIMEOUT_MS);
afterAll(async () => {
  await plane.kubectl(['delete', 'namespace', '--wait=false', HOME, TEAM, OTHER]);
  await site.close();
  await database.drop();
});

async function kubectl(args: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await plane.kubectl(args, { input });
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

const secret = z.object({ data: z.record(z.string(), z.string()).default({}) });

/** Texts of a Secret by key; undefined where it is not there. */
async function secretOf(name: string, namespace = HOME): Promise<Record<string, string> | undefined> {
  const args = ['get', 'secret', name, '--namespace', namespace, '--ignore-not-found', '-o', 'json'];
  const text = await kubectl(args);
  if (text === '') return undefined;
  const { data } = secret.parse(JSON.parse(text));
  const texts = Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]);
  return Object.fromEntries(texts) as Record<string, string>;
}

const values = {
  fullnameOverride: 'chart-release',
  image: { repository: 'outlook-sync', tag: 'test' },
  watchNamespaces: [HOME, TEAM],
  postgres: { existingSecret: 'inbox-database' },
  oauth: { existingSecret: 'outlook-app' },
  // Others have put the CRD on this control plane, and no pod of a program is wanted here.
  crds: { enabled: false },
  operator: { replicas: 0 },
  webhook: { enabled: true, publicUrl: 'https://outlook.example.com', replicas: 0 },
  migration: { backoffLimit: 0, activeDeadlineSeconds: 100 },
};

/** Resolves to what Helm says, on stdout where it succeeded. */
async function release(verb: readonly string[], more: object = {}, namespace = HOME): Promise<string> {
  const args = [...verb, CHART, `--namespace=${namespace}`, '--values=-', '--timeout=110s'];
  const { code, stdout, stderr } = await helm(args, {
    kubeconfig: plane.kubeconfig,
    input: stringify({ ...values, ...more }),
  });
  return code === 0 ? stdout : `REFUSED ${stderr}`;
}

const KEY_RING = /^\d{4}-\d\d:[A-Za-z0-9+/]{43}=$/;
let keys: string | undefined;

describe('a release', () => {
  it('is refused while Secrets that it needs are missing, or lack a key', async () => {
    await kubectl([
      'create',
      'secret',
      'generic',
      'outlook-app',
      `--namespace=${HOME}`,
      '--from-literal=other=1',
    ]);
    const said = await release(['install', 'mail']);
    expect(said).toContain('postgres.existingSecret names the Secret inbox-database, which is not there');
    expect(said).toContain(
      'the Secret outlook-app of namespace chart-release lacks the key OUTLOOK_CLIENT_ID',
    );
    expect(said).toContain('lacks the key OUTLOOK_CLIENT_SECRET');
    await kubectl(['delete', 'secret', 'outlook-app', `--namespace=${HOME}`]);
  });

  it('migrates the database before it installs anything else', async () => {
    const generic = ['create', 'secret', 'generic', `--namespace=${HOME}`];
    await kubectl([...generic, 'inbox-database', `--from-literal=DATABASE_URL=${database.url}`]);
    const app = ['--from-literal=OUTLOOK_CLIENT_ID=app-1', '--from-literal=OUTLOOK_CLIENT_SECRET=first'];
    await kubectl([...generic, 'outlook-app', ...app]);
    const said = await release(['install', 'mail']);
    expect(said).toContain('STATUS: deployed');
    const tables = await database.query(`SELECT 1 FROM email_providers`);
    expect(tables).toEqual([]);
    expect(await kubectl(['get', 'jobs,serviceaccounts', '-o', 'name', `--namespace=${HOME}`])).not.toContain(
      'migration',
    );
  });

  it('puts all that jobs need into a Secret of each namespace that it serves', async () => {
    const generated = await secretOf('chart-release-encryption');
    keys = generated?.['OUTLOOK_TOKEN_ENCRYPTION_KEYS'];
    expect(keys).toMatch(KEY_RING);
    const push = await secretOf('chart-release-push');
    expect(Object.values(push ?? {}).map((text) => text.length)).toEqual([48, 48]);
    for (const namespace of [HOME, TEAM]) {
      expect(await secretOf('outlook-sync', namespace)).toEqual({
        DATABASE_URL: database.url,
        OUTLOOK_CLIENT_ID: 'app-1',
        OUTLOOK_CLIENT_SECRET: 'first',
        OUTLOOK_TOKEN_ENCRYPTION_KEYS: keys,
        ...push,
      });
    }
  });

  it('keeps what it has generated when it is upgraded, and takes up what has changed', async () => {
    const patch = JSON.stringify({ stringData: { OUTLOOK_CLIENT_SECRET: 'second' } });
    await kubectl(['patch', 'secret', 'outlook-app', `--namespace=${HOME}`, '--patch', patch]);
    const push = await secretOf('chart-release-push');
    expect(await release(['upgrade', 'mail'])).toContain('REVISION: 2');
    expect(await secretOf('chart-release-encryption')).toEqual({ OUTLOOK_TOKEN_ENCRYPTION_KEYS: keys });
    expect(await secretOf('chart-release-push')).toEqual(push);
    expect(await secretOf('outlook-sync', TEAM)).toMatchObject({
      OUTLOOK_CLIENT_SECRET: 'second',
      OUTLOOK_TOKEN_ENCRYPTION_KEYS: keys,
    });
  });

  it('has keys that nobody replaces by accident', async () => {
    const patch = JSON.stringify({ stringData: { OUTLOOK_TOKEN_ENCRYPTION_KEYS: 'other' } });
    const args = ['patch', 'secret', 'chart-release-encryption', `--namespace=${HOME}`, '--patch', patch];
    await expect(kubectl(args)).rejects.toThrow('immutable');
  });

  it('refuses another one that would serve the same namespaces, and says which', async () => {
    const second = { fullnameOverride: 'chart-second', checkSecrets: false };
    const overlap = await release(
      ['install', 'second'],
      { ...second, watchNamespaces: [TEAM, OTHER] },
      OTHER,
    );
    expect(overlap).toContain(
      `watchNamespaces overlaps with the release mail of namespace ${HOME} (ClusterRoleBinding chart-release-operator-finalizers), in: ${TEAM}.`,
    );
    const all = await release(['install', 'second'], { ...second, watchNamespaces: [] }, OTHER);
    expect(all).toContain(`in: ${HOME}, ${TEAM}.`);
    const apart = { ...second, watchNamespaces: [OTHER], migration: { enabled: false } };
    expect(await release(['install', 'second', '--dry-run=server'], apart, OTHER)).toContain(
      'STATUS: pending-install',
    );
  });

  it('leaves a Secret of yours alone', async () => {
    await kubectl(['create', 'secret', 'generic', 'outlook-sync', `--namespace=${OTHER}`]);
    const more = { watchNamespaces: [HOME, TEAM, OTHER] };
    expect(await release(['upgrade', 'mail'], more)).toContain(
      `the Secret outlook-sync of namespace ${OTHER} is there and is not this release's`,
    );
  });

  it('leaves the keys when it goes, and finds them when it comes back', async () => {
    const args = ['uninstall', 'mail', `--namespace=${HOME}`, '--timeout=60s'];
    expect((await helm(args, { kubeconfig: plane.kubeconfig })).code).toBe(0);
    expect(await secretOf('outlook-sync', TEAM)).toBeUndefined();
    expect(await secretOf('chart-release-encryption')).toEqual({ OUTLOOK_TOKEN_ENCRYPTION_KEYS: keys });
    expect(await release(['install', 'mail'])).toContain('STATUS: deployed');
    expect(await secretOf('outlook-sync', TEAM)).toMatchObject({ OUTLOOK_TOKEN_ENCRYPTION_KEYS: keys });
    await helm(args, { kubeconfig: plane.kubeconfig });
  });
});

it('a migration that fails stops the installation', async () => {
  const url = new URL(database.url);
  url.pathname = '/no_such_database';
  await kubectl([
    ...['create', 'secret', 'generic', 'no-database', `--namespace=${HOME}`],
    `--from-literal=DATABASE_URL=${url.href}`,
  ]);
  const broken = { fullnameOverride: 'chart-broken', postgres: { existingSecret: 'no-database' } };
  const said = await release(['install', 'broken'], broken);
  expect(said).toMatch(/^REFUSED .*pre-install/s);
  expect(await kubectl(['get', 'deployments', '-o', 'name', `--namespace=${HOME}`])).toBe('');
  await helm(['uninstall', 'broken', `--namespace=${HOME}`], { kubeconfig: plane.kubeconfig });
});
