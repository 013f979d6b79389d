// The rights that the chart gives are those of config/rbac/, whose reasons stand there and in the operator's manual.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { SHARED_START_TIMEOUT_MS } from '../../harness/cluster/shared.ts';
import { CHART, find, HOME, objectsOf, type Rendered, render } from './chart.ts';

const FOLDER = join(CHART, '..', '..', 'config', 'rbac');
const texts = await Promise.all((await readdir(FOLDER)).map((file) => readFile(join(FOLDER, file), 'utf8')));
const shipped = texts.flatMap(objectsOf);

const roles = (objects: readonly Rendered[]): Rendered[] =>
  objects.filter(({ kind, metadata }) => /Role$/.test(kind) && metadata.name !== 'outlook-sync-test');
const bindings = (objects: readonly Rendered[]): Rendered[] =>
  objects.filter(({ kind, metadata }) => /RoleBinding$/.test(kind) && metadata.name !== 'outlook-sync-test');

/** Without the labels and annotations of the chart; those that aggregate stay. */
function essence(objects: readonly Rendered[]): object[] {
  return objects
    .map(({ kind, metadata, rules, roleRef, subjects }) => ({
      kind,
      name: metadata.name,
      namespace: metadata.namespace,
      aggregates: Object.keys(metadata.labels)
        .filter((name) => name.includes('aggregate-to'))
        .sort(),
      rules,
      roleRef,
      subjects,
    }))
    .sort((one, other) => (`${one.kind} ${one.name}` < `${other.kind} ${other.name}` ? -1 : 1));
}

let all: readonly Rendered[];
let some: readonly Rendered[];
beforeAll(async () => {
  const webhook = { enabled: true, publicUrl: 'https://outlook.example.com' };
  all = await render({ values: { webhook } });
  some = await render({ values: { webhook, watchNamespaces: ['team-a', 'team-b'] } });
}, SHARED_START_TIMEOUT_MS);

const FINALIZERS = 'outlook-sync-operator-finalizers';

describe('for all namespaces', () => {
  it('the roles and their bindings are those that are shipped', () => {
    // The role for deleted namespaces is for where some are watched, and no binding of it is shipped.
    const expected = roles(shipped).filter(({ metadata }) => metadata.name !== FINALIZERS);
    expect(essence(roles(all))).toEqual(essence(expected));
    expect(essence(bindings(all))).toEqual(essence(bindings(shipped)));
  });

  it('the names follow the release, also within rules', async () => {
    const objects = await render({ values: { fullnameOverride: 'mail' } });
    expect(JSON.stringify(find(objects, 'ClusterRole', 'mail-operator')['rules'])).toContain(
      '"resourceNames":["mail-job"],"resources":["clusterroles"],"verbs":["bind"]',
    );
    expect(JSON.stringify(find(objects, 'Role', 'mail-operator-leader-election')['rules'])).toContain(
      '"resourceNames":["mail-operator"]',
    );
    expect(JSON.stringify(objects)).toContain(
      '"name":"OUTLOOK_OPERATOR_JOB_CLUSTER_ROLE","value":"mail-job"',
    );
  });
});

describe('for some namespaces', () => {
  it.each(['team-a', 'team-b'])(
    '%s has a Role for each program, with the rules that are shipped',
    (namespace) => {
      for (const name of ['outlook-sync-operator', 'outlook-sync-webhook']) {
        expect(find(some, 'Role', name, namespace)['rules']).toEqual(
          find(shipped, 'ClusterRole', name)['rules'],
        );
        expect(find(some, 'RoleBinding', name, namespace)).toMatchObject({
          roleRef: { kind: 'Role', name },
          subjects: [{ kind: 'ServiceAccount', name, namespace: HOME }],
        });
      }
    },
  );

  it('no right holds everywhere but to let providers go', () => {
    const everywhere = bindings(some).filter(({ kind }) => kind === 'ClusterRoleBinding');
    expect(everywhere.map(({ metadata }) => metadata.name)).toEqual([FINALIZERS]);
    expect(find(some, 'ClusterRole', FINALIZERS)['rules']).toEqual(
      find(shipped, 'ClusterRole', FINALIZERS)['rules'],
    );
    const names = roles(some)
      .filter(({ kind }) => kind === 'ClusterRole')
      .map(({ metadata }) => metadata.name);
    expect(names.sort()).toEqual(['outlook-sync-edit', 'outlook-sync-job', FINALIZERS, 'outlook-sync-view']);
  });
});

it('the operator lacks rights over accounts and bindings where it is not to use them', async () => {
  const objects = await render({ values: { jobs: { manageAccess: false } } });
  const rules = JSON.stringify(find(objects, 'ClusterRole', 'outlook-sync-operator')['rules']);
  expect(rules).not.toMatch(/serviceaccounts|rolebindings|clusterroles|"bind"/);
  expect(rules).toContain('cronjobs');
});

it('the chart binds the jobs of the namespaces that it prepares', async () => {
  const objects = await render({
    values: { watchNamespaces: ['team-a'], jobs: { serviceAccount: { create: true } } },
  });
  const name = 'outlook-sync-job';
  expect(find(objects, 'RoleBinding', name)).toMatchObject({
    metadata: { namespace: 'team-a' },
    roleRef: { kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: 'team-a' }],
  });
});
