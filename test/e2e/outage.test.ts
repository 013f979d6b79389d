// The operator while the control plane fails: away for a minute, its history forgotten, its watches cut. A control
// plane of its own, for nobody else would have it so.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../harness/cluster/controlPlane.ts';
import { SHARED_START_TIMEOUT_MS } from '../harness/cluster/shared.ts';
import { type TcpProxy, tcpProxy } from '../harness/tcpProxy.ts';
import { isOf, seeGone } from './children.ts';
import { storeUnchecked } from './definition.ts';
import { seriesOf } from './figures.ts';
import { type KeptOperator, keepOperator } from './keptOperator.ts';
import { cronJobs, providers } from './kinds.ts';
import { type Owner, conditionOf, isReady, providerOf, standing } from './owner.ts';
import { assertOwnControlPlane, processSite } from './site.ts';
import { type Stage, openStage } from './stage.ts';

const OUTAGE_MS = 60_000;
const CUT_EVERY_MS = 1_000;
const CHANGED = '59 23 29 2 *';

let plane: ControlPlane;
let proxy: TcpProxy;
let stage: Stage;
let operator: KeptOperator;

beforeAll(async () => {
  assertOwnControlPlane();
  // Without its watch cache the API server knows no more versions than etcd does.
  plane = await startControlPlane({ auditLog: true, watchCache: false });
  stage = await openStage('outage', { site: await processSite(plane) });
  proxy = await tcpProxy(plane.server);
  operator = await keepOperator(() => stage.startOperator({ server: proxy.url.replace(/\/$/, '') }));
  await operator.leads();
}, SHARED_START_TIMEOUT_MS);

afterAll(async () => {
  await operator.end();
  await stage.close();
  await proxy.close();
  await plane.stop();
});

async function relistsOf({ metrics }: KeptOperator): Promise<number> {
  const series = seriesOf(await metrics(), 'outlook_informer_relists_total');
  return [...series.values()].reduce((sum, one) => sum + one, 0);
}

interface Changes {
  readonly created: Owner;
  readonly changed: Owner;
  readonly deleted: Owner;
}

/** Two providers that are Ready, for what is to come. */
async function settled(): Promise<readonly [Owner, Owner]> {
  const owners = [await stage.addOwner(), await stage.addOwner()] as const;
  for (const owner of owners) await stage.applyProvider(owner);
  for (const owner of owners) await stage.seeProvider(owner, 'Ready', isReady);
  return owners;
}

/** Creates one provider, changes one and deletes one. */
async function change([changed, deleted]: readonly [Owner, Owner]): Promise<Changes> {
  const created = await stage.addOwner({ messages: 2 });
  await stage.applyProvider(created);
  await stage.applyProvider(changed, { schedule: CHANGED });
  await stage.client.delete(providers, deleted);
  return { created, changed, deleted };
}

async function seeDone({ created, changed, deleted }: Changes): Promise<void> {
  await stage.seeProvider(created, 'Ready', isReady);
  await stage.assertMirrored(created);
  await stage.see(cronJobs, {
    what: 'the CronJob with the new schedule',
    find: (seen) => [...seen.values()].find((one) => isOf(changed, one) && one.spec.schedule === CHANGED),
  });
  await seeGone(stage, deleted, [providers, cronJobs]);
}

test('a provider that an older version left, with fields missing, is told what is missing', async () => {
  const owner = await stage.addOwner();
  const {
    spec: { owner: _owner, ...spec },
    ...manifest
  } = providerOf(owner);
  await storeUnchecked(stage.site, { ...manifest, spec });
  const told = await stage.seeProvider(
    owner,
    'InvalidSpec',
    (one) => standing(one, 'Ready') === 'False InvalidSpec',
  );
  expect(conditionOf(told, 'Ready')?.message).toMatch(/owner/);
  await stage.applyProvider(owner);
  await stage.seeProvider(owner, 'Ready once it is complete', isReady);
});

test('watches that are cut every second miss nothing', async () => {
  const before = await settled();
  const cutting = setInterval(proxy.cut, CUT_EVERY_MS);
  try {
    await seeDone(await change(before));
  } finally {
    clearInterval(cutting);
  }
});

test('an etcd that has forgotten what the watches saw is listed anew', async () => {
  const before = await settled();
  const relists = await relistsOf(operator);
  proxy.refuse(true);
  proxy.cut();
  const changes = await change(before);
  await plane.compactEtcd();
  proxy.refuse(false);
  await seeDone(changes);
  expect(await relistsOf(operator)).toBeGreaterThan(relists);
});

test('an API server that was away for a minute has what it was told before and after acted on', async () => {
  const before = await settled();
  const late = await stage.addOwner();
  await stage.applyProvider(late);
  await plane.apiServer.stop();
  await sleep(OUTAGE_MS);
  await plane.apiServer.start();
  await seeDone(await change(before));
  await stage.seeProvider(late, 'Ready', isReady);
  await stage.assertMirrored(late);
  await operator.leads();
});
