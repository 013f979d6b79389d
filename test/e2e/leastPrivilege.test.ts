// What each service account must not do: asked of the API server, and tried with its token.
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KubeClient } from '../../kube/client.ts';
import { kubeconfigConnection } from '../../kube/kubeconfig.ts';
import * as kube from '../../kube/resource.ts';
import { SHARED_START_TIMEOUT_MS } from '../harness/cluster/shared.ts';
import { JOB, OPERATOR, WEBHOOK } from './access.ts';
import { jobs, leases, pods, providers } from './kinds.ts';
import { kubeconfigOf } from './operators.ts';
import { type Owner, isReady } from './owner.ts';
import { type Stage, openStage } from './stage.ts';

let stage: Stage;
let owner: Owner;

beforeAll(async () => {
  stage = await openStage('least-privilege');
  const operator = await stage.startOperator();
  await operator.leads();
  owner = await stage.addOwner({ messages: 1 });
  await stage.applyProvider(owner);
  // So its job has run with the rights below, as its operator has.
  await stage.seeProvider(owner, 'Ready', isReady);
}, SHARED_START_TIMEOUT_MS);

afterAll(() => stage.close());

/** Whether the account may: `verb resource`, in a namespace. */
async function may(account: string, act: string, namespace: string): Promise<boolean> {
  const user = `system:serviceaccount:${stage.namespace}:${account}`;
  const args = ['auth', 'can-i', ...act.split(' '), `--as=${user}`, `--namespace=${namespace}`];
  const { stdout } = await stage.site.cluster.kubectl(args);
  expect(stdout.trim(), act).toMatch(/^(yes|no)$/);
  return stdout.trim() === 'yes';
}

/** Acts that the account may do in the namespace, of these. */
async function allowed(
  account: string,
  acts: readonly string[],
  namespace = stage.namespace,
): Promise<string[]> {
  const verdicts = await Promise.all(
    acts.map(async (act) => ((await may(account, act, namespace)) ? [act] : [])),
  );
  return verdicts.flat();
}

const nobodys = [
  '* *',
  'create pods',
  'create pods --subresource=exec',
  'create pods --subresource=eviction',
  'get pods --subresource=log',
  'get secrets',
  'create secrets',
  'update secrets',
  'delete secrets',
  'get configmaps',
  'create roles.rbac.authorization.k8s.io',
  'update rolebindings.rbac.authorization.k8s.io',
  'delete rolebindings.rbac.authorization.k8s.io',
  'bind clusterroles.rbac.authorization.k8s.io/cluster-admin',
  'bind clusterroles.rbac.authorization.k8s.io/outlook-sync-operator',
  'escalate clusterroles.rbac.authorization.k8s.io',
  'impersonate serviceaccounts',
  'create serviceaccounts --subresource=token',
  'update serviceaccounts',
  'create outlookproviders.outlooksync.dev',
  'update outlookproviders.outlooksync.dev',
  'delete outlookproviders.outlooksync.dev',
  'delete leases.coordination.k8s.io',
  'create deployments.apps',
  'delete namespaces',
  'get nodes',
  'patch customresourcedefinitions.apiextensions.k8s.io',
];

const operatorsAlone = [
  'list secrets',
  'list pods',
  'create jobs.batch',
  'delete jobs.batch',
  'patch cronjobs.batch',
  'list outlookproviders.outlooksync.dev',
  'patch outlookproviders.outlooksync.dev',
  'create leases.coordination.k8s.io',
  'create serviceaccounts',
  'create rolebindings.rbac.authorization.k8s.io',
];

const ofBoth = [
  'get outlookproviders.outlooksync.dev',
  'patch outlookproviders.outlooksync.dev --subresource=status',
  'get leases.coordination.k8s.io',
  'create events.events.k8s.io',
];

const webhooks = [
  'get outlookproviders.outlooksync.dev',
  'list outlookproviders.outlooksync.dev',
  'watch outlookproviders.outlooksync.dev',
  'patch outlookproviders.outlooksync.dev --subresource=status',
];

describe.concurrent('by its Role', () => {
  test('the operator may do what it does in the namespaces that it serves, and no more', async () => {
    expect(await allowed(OPERATOR, [...operatorsAlone, ...ofBoth])).toEqual([...operatorsAlone, ...ofBoth]);
    expect(await allowed(OPERATOR, nobodys)).toEqual([]);
  });

  test('a job may report, and neither make nor look for anything', async () => {
    expect(await allowed(JOB, ofBoth)).toEqual(ofBoth);
    expect(await allowed(JOB, [...nobodys, ...operatorsAlone])).toEqual([]);
  });

  test('the webhook may look at providers and mark them, and nothing else', async () => {
    expect(await allowed(WEBHOOK, webhooks)).toEqual(webhooks);
    const others = [...nobodys, ...operatorsAlone, ...ofBoth, 'create jobs.batch --subresource=status'];
    expect(
      await allowed(
        WEBHOOK,
        others.filter((act) => !webhooks.includes(act)),
      ),
    ).toEqual([]);
  });

  test('in another namespace the operator may let a provider go, and the others nothing', async () => {
    const own = [...operatorsAlone, ...ofBoth];
    const letGo = ['list outlookproviders.outlooksync.dev', 'patch outlookproviders.outlooksync.dev'];
    expect(await allowed(OPERATOR, [...nobodys, ...own], 'kube-system')).toEqual(letGo);
    expect(await allowed(JOB, [...nobodys, ...own], 'kube-system')).toEqual([]);
    expect(await allowed(WEBHOOK, [...nobodys, ...own], 'kube-system')).toEqual([]);
  });
});

describe.each([OPERATOR, JOB, WEBHOOK])('with the token of %s', (account) => {
  let client: KubeClient;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const file = await kubeconfigOf(stage, account);
    const connection = await kubeconfigConnection({ path: file });
    client = new KubeClient(connection, { userAgent: 'outlook-sync-e2e' });
    close = async () => {
      await connection.close();
      await rm(file, { force: true });
    };
  });
  afterAll(() => close());

  test('no Secret is read, no pod is made, no provider is deleted, no role is changed', async () => {
    const { namespace } = stage;
    const container = { name: 'theirs', image: stage.site.image };
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'theirs' },
      spec: { containers: [container] },
    };
    const grant = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'theirs' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
    };
    const tries = {
      secret: () => client.get(kube.secrets, { namespace, name: 'outlook-sync' }),
      pod: () => client.create(pods, namespace, pod),
      provider: () => client.delete(providers, owner),
      spec: () => client.replace(providers, { ...provider, spec: {} }),
      grant: () => client.create(kube.roleBindings, namespace, grant),
      lease: () => client.delete(leases, { namespace, name: 'outlook-sync-operator' }),
      elsewhere: () => client.list(leases, { namespace: 'default' }),
      everywhere: () => client.list(jobs, {}),
    };
    const provider = await stage.client.get(providers, owner);
    for (const [name, attempt] of Object.entries(tries))
      await expect(attempt(), name).rejects.toMatchObject({ kind: 'forbidden' });
  });
});
