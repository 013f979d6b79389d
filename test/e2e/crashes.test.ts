// Thirty operators, each killed at a random moment while providers come, change and go; the last one tidies up. Then
// nothing changes any more, and nothing is written.
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { finalizer } from '../../api/resource.ts';
import { type Random, createRandom } from '../harness/graph/random.ts';
import { isKubeError } from '../../kube/errors.ts';
import * as kube from '../../kube/resource.ts';
import type { Resource } from '../../kube/resource.ts';
import type { AuditedWrite } from '../harness/cluster/audit.ts';
import { SHARED_START_TIMEOUT_MS } from '../harness/cluster/shared.ts';
import { LEADER_LEASE, OPERATOR } from './access.ts';
import { childrenOf } from './children.ts';
import { type Provider, cronJobs, hasEnded, jobs, leases, ours, providers } from './kinds.ts';
import type { OperatorProcess } from './operatorProcess.ts';
import { seriesOf } from './figures.ts';
import { type Owner, isReady, secretOf, standing } from './owner.ts';
import { type Stage, openStage } from './stage.ts';

const SEED = 20261125;
const KILLS = 30;
/** Half of them die within this after their start, half within this after they began to lead. */
const LIFE_MS = { starting: 1_000, leading: 500 };
const ACTS_PER_LIFE = 3;

let stage: Stage;
let operator: OperatorProcess;
let survivors: Map<Owner, Spec>;
let clean: string;

interface Spec extends Readonly<Record<string, unknown>> {
  readonly suspend: boolean;
  readonly schedule: string;
}

beforeAll(async () => {
  stage = await openStage('crashes');
  clean = await stage.addNamespace();
  survivors = await liveThroughKills(createRandom(SEED));
  operator = await start(KILLS);
  await seeAllSettled([...survivors]);
}, SHARED_START_TIMEOUT_MS);

afterAll(() => stage.close());

/** Leads at once: the Lease of its predecessor, which is dead, is taken away. */
async function start(number: number): Promise<OperatorProcess> {
  await stage.client
    .delete(leases, { namespace: stage.namespace, name: LEADER_LEASE })
    .catch((error: unknown) => {
      if (!isKubeError(error, 'notFound')) throw error;
    });
  const variables = {
    OUTLOOK_OPERATOR_RELIST_SECONDS: '10',
    OUTLOOK_OPERATOR_CLEANUP_TIMEOUT_SECONDS: '20',
  };
  return stage.startOperator({ identity: `operator-${number}`, variables });
}

/** Of those that are left, the specs. */
async function liveThroughKills(random: Random): Promise<Map<Owner, Spec>> {
  const alive = new Map<Owner, Spec>();
  for (let number = 0; number < KILLS; number += 1) {
    const victim = await start(number);
    const acts = actSomeTimes(random, alive);
    const moment = createRandom(SEED + number).next();
    if (number % 2 === 0) await victim.leads();
    await sleep(moment * (number % 2 === 0 ? LIFE_MS.leading : LIFE_MS.starting));
    expect(victim.isRunning(), 'it did not end by itself').toBe(true);
    await victim.kill('SIGKILL');
    await acts;
  }
  return alive;
}

/** One after the other: what is deleted must not be applied afterwards. */
async function actSomeTimes(random: Random, alive: Map<Owner, Spec>): Promise<void> {
  for (let count = 0; count < ACTS_PER_LIFE; count += 1) await act(random, alive);
}

/** Creates, changes or deletes a provider. */
async function act(random: Random, alive: Map<Owner, Spec>): Promise<void> {
  const spec = { suspend: random.chance(0.7), schedule: `${random.below(60)} 0 29 2 *` };
  const deletionPolicy = random.chance(0.3) ? 'Delete' : 'Retain';
  const chosen = [...alive.keys()].at(random.below(Math.max(1, alive.size)));
  const draw = random.next();
  if (chosen === undefined || draw < 0.45) {
    const owner = await stage.addOwner({ messages: 2 });
    alive.set(owner, spec);
    await stage.applyProvider(owner, { ...spec, deletionPolicy });
  } else if (draw < 0.75) {
    alive.set(chosen, spec);
    await stage.applyProvider(chosen, { ...spec, deletionPolicy });
  } else {
    alive.delete(chosen);
    await stage.client.delete(providers, chosen);
  }
}

async function seeAllSettled(
  all: readonly (readonly [Owner, Spec])[],
  namespace = stage.namespace,
): Promise<void> {
  const isSettled = (provider: Provider | undefined, { suspend }: Spec): boolean =>
    provider !== undefined &&
    (suspend ? standing(provider, 'Ready') === 'False Suspended' : isReady(provider));
  await stage.see(providers, {
    what: 'every provider settled, and no others',
    namespace,
    find: (seen) =>
      seen.size === all.length && all.every(([{ name }, spec]) => isSettled(seen.get(name), spec))
        ? true
        : undefined,
  });
  await stage.see(jobs, {
    what: 'no Job under way',
    namespace,
    find: (seen) => ([...seen.values()].every(hasEnded) ? true : undefined),
  });
}

/** Writes of the operator in this test's namespaces, but for the Lease by which it leads. */
async function operatorWrites(): Promise<readonly AuditedWrite[]> {
  const writes = await stage.site.audit();
  return writes.filter(
    ({ namespace, user, resource, name }) =>
      stage.namespaces.includes(namespace) &&
      user === `system:serviceaccount:${stage.namespace}:${OPERATOR}` &&
      !(resource === 'leases' && name === LEADER_LEASE),
  );
}

/** What only a process knows can only be asked again and again. */
async function eventually(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(250);
}

interface Shape {
  readonly cronJobs: readonly { readonly spec: unknown; readonly labels: unknown }[];
}

/** What there is for a provider, without what differs from one namespace to another. */
async function shapeOf(owner: Pick<Owner, 'name' | 'namespace'>): Promise<Shape> {
  const { metadata } = await stage.client.get(providers, owner);
  const secret = await stage.client.get(kube.secrets, owner, { metadataOnly: true });
  const children = await childrenOf(stage, owner);
  const anonymous = (value: unknown): unknown =>
    JSON.parse(
      JSON.stringify(value)
        .replaceAll(metadata.uid ?? '', 'UID')
        .replaceAll(owner.namespace, 'NAMESPACE')
        .replaceAll(secret.metadata.uid ?? '', 'SECRET')
        .replaceAll(`SECRET/${secret.metadata.resourceVersion ?? ''}`, 'SECRET')
        .replace(/("OUTLOOK_PROVIDER_GENERATION","value":)"\d+"/, '$1"N"'),
    );
  return {
    cronJobs: children.cronJobs.map(({ spec, metadata: meta }) => ({
      spec: anonymous(spec),
      labels: anonymous(meta.labels),
    })),
  };
}

test('many of those that died had begun to write', async () => {
  const writers = new Set((await operatorWrites()).map(({ userAgent }) => userAgent));
  expect(writers.size).toBeGreaterThan(KILLS / 3);
});

type Uids = readonly (string | undefined)[];

test('nothing is there twice, and nothing that belongs to nobody', async () => {
  const { items } = await stage.client.list(providers, { namespace: stage.namespace });
  expect(items.map(({ metadata }) => metadata.name).sort()).toEqual(
    [...survivors.keys()].map(({ name }) => name).sort(),
  );
  for (const { metadata, spec } of items)
    expect(metadata.finalizers ?? []).toEqual(spec['deletionPolicy'] === 'Delete' ? [finalizer] : []);
  const uids = items.map(({ metadata }) => metadata.uid).sort();
  const ran = items.filter(({ status }) => status?.lastAttemptAt !== undefined);
  const expected: { resource: Resource; wanted: Uids; spared: Uids }[] = [
    { resource: cronJobs, wanted: uids, spared: [] },
    // One that never ran may have none: it is made for the first run.
    { resource: leases, wanted: ran.map(({ metadata }) => metadata.uid).sort(), spared: uids },
  ];
  for (const { resource, wanted, spared } of expected) {
    // The garbage collector comes after those that made it.
    await stage.see(resource, {
      what: `one ${resource.kind} of each provider, and no others`,
      labelSelector: ours,
      find: (seen) => {
        const owners = [...seen.values()].map(({ metadata }) => metadata.ownerReferences?.[0]?.uid);
        const needed = owners.filter((uid) => wanted.includes(uid) || !spared.includes(uid));
        return isDeepStrictEqual(needed.sort(), wanted) ? true : undefined;
      },
    });
  }
});

test('each mailbox that is synced is in Postgres, once', async () => {
  for (const [owner, { suspend }] of survivors) if (!suspend) await stage.assertMirrored(owner);
});

test('the end is what one clean pass gives', async () => {
  const copies = [...survivors].map(
    ([owner, spec]) =>
      [
        { ...owner, namespace: clean },
        { ...spec, suspend: true },
      ] as const,
  );
  for (const [copy, spec] of copies) {
    await stage.apply(kube.secrets, secretOf(copy, copy.mailbox.refreshToken));
    await stage.applyProvider(copy, spec);
  }
  await seeAllSettled(copies, clean);
  for (const [copy, spec] of copies) {
    const original = { ...copy, namespace: stage.namespace };
    await stage.applyProvider(original, { ...(spec as Spec) });
  }
  await seeAllSettled(copies);
  for (const [copy] of copies)
    expect(await shapeOf({ ...copy, namespace: stage.namespace })).toEqual(await shapeOf(copy));
});

test('at rest nothing is written, whatever is listed anew', async () => {
  const relists = async (): Promise<Map<string, number>> =>
    seriesOf(await operator.metrics(), 'outlook_informer_relists_total');
  const before = { writes: (await operatorWrites()).length, relists: await relists() };
  expect(before.relists.size).toBeGreaterThan(4);
  await eventually(async () => {
    const now = await relists();
    return [...before.relists].every(([kind, count]) => (now.get(kind) ?? 0) > count);
  });
  expect((await operatorWrites()).slice(before.writes)).toEqual([]);
  expect(await operator.kill('SIGTERM')).toBe(0);
  operator = await start(KILLS + 1);
  await operator.leads();
  await operator.isStandingBy();
  expect((await operatorWrites()).slice(before.writes), 'by one that starts').toEqual([]);
});
