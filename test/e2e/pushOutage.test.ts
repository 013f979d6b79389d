// What was answered with 2xx leads to a sync that begins afterwards, and no mail is missing in the end, whichever of the
// webhooks, the operator and the API server are away meanwhile. On a control plane of its own, for it is cut off.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../harness/cluster/controlPlane.ts';
import { SHARED_START_TIMEOUT_MS } from '../harness/cluster/shared.ts';
import { type TcpProxy, tcpProxy } from '../harness/tcpProxy.ts';
import { type KeptOperator, keepOperator } from './keptOperator.ts';
import type { Owner } from './owner.ts';
import { type PushStage, openPushStage, seeMirrored, subscribedOwner, subscriptionOf } from './pushStage.ts';
import { assertOwnControlPlane, processSite } from './site.ts';
import type { Told } from './teller.ts';

const PACE_MS = 100;
/** Graph's patience with an answer (Graph docs: change notifications). */
const PATIENCE_MS = 3_000;

let plane: ControlPlane;
/** Between the webhooks and the API server. */
let proxy: TcpProxy;
let push: PushStage;
let operator: KeptOperator;

beforeAll(async () => {
  assertOwnControlPlane();
  plane = await startControlPlane({ auditLog: true });
  proxy = await tcpProxy(plane.server);
  push = await openPushStage('push-outage', {
    site: await processSite(plane),
    replicas: 2,
    server: proxy.url.replace(/\/$/, ''),
  });
  operator = await startOperator();
}, SHARED_START_TIMEOUT_MS);

afterAll(async () => {
  await operator.end();
  await push.close();
  await proxy.close();
  await plane.stop();
});

/** Started again when it ends; one that died is succeeded after five seconds. */
async function startOperator(): Promise<KeptOperator> {
  const variables = {
    OUTLOOK_OPERATOR_LEASE_DURATION_SECONDS: '5',
    OUTLOOK_OPERATOR_LEASE_RENEW_SECONDS: '3',
  };
  const kept = await keepOperator(() => push.startOperator({ variables }));
  await kept.leads();
  return kept;
}

/** When the last of all notifications of each was taken, once there are no others. */
async function lastAnswers(owners: readonly Owner[]): Promise<number[]> {
  await push.teller.drained();
  return owners.map((owner) => {
    const { notificationUrl } = subscriptionOf(push.stage, owner);
    const taken = push.teller.answers.filter(({ url, status }) => url === notificationUrl && status === 202);
    return taken.length === 0 ? Infinity : Math.max(...taken.map(({ at }) => at));
  });
}

/** Mail comes to all of them while something happens; afterwards all of it is there. */
async function whileMailComes(owners: readonly Owner[], happening: () => Promise<void>): Promise<void> {
  const over = new AbortController();
  const coming = (async () => {
    for (let number = 0; !over.signal.aborted; number += 1) {
      owners[number % owners.length]?.mailbox.createMessage({ subject: `Mail ${number}` });
      await sleep(PACE_MS, undefined, { signal: over.signal }).catch(() => undefined);
    }
  })();
  await happening();
  over.abort();
  await coming;
  for (const [index, at] of (await lastAnswers(owners)).entries()) {
    const owner = owners[index];
    if (owner === undefined) continue;
    await push.stage.seeProvider(
      owner,
      'a run that began after the last answer',
      ({ status }) => Date.parse(status?.lastAttemptAt ?? '') > at,
    );
  }
  await seeMirrored(push.stage, ...owners);
}

const threeOwners = (): Promise<Owner[]> =>
  Promise.all(Array.from({ length: 3 }, () => subscribedOwner(push.stage)));

test('webhooks that are killed one after the other', async () => {
  await whileMailComes(await threeOwners(), async () => {
    for (let kills = 0; kills < 4; kills += 1) await push.webhooks.replace(0);
  });
});

test('an operator that is away for a minute', async () => {
  await whileMailComes(await threeOwners(), async () => {
    await operator.end('SIGKILL');
    await sleep(60_000);
    operator = await startOperator();
  });
});

/** What was answered while mail came and each chunk to and from the API server took so long; and afterwards. */
async function slowed(delayMs: number): Promise<{ during: readonly Told[]; all: readonly Told[] }> {
  const { teller } = push;
  const owners = await threeOwners();
  const before = teller.answers.length;
  let during: readonly Told[] = [];
  await whileMailComes(owners, async () => {
    proxy.delay(delayMs);
    await sleep(12_000);
    during = teller.answers.slice(before);
    proxy.delay(0);
  });
  return { during, all: teller.answers.slice(before) };
}

const countsOf = (answers: readonly Told[]): Readonly<Record<string, number>> =>
  Object.fromEntries(
    [...Map.groupBy(answers, ({ status }) => status)].map(([status, { length }]) => [status, length]),
  );

/** All in time: taken, or to be sent again; and some of it as is expected while it is slow. */
async function assertAnswered(delayMs: number, expected: 202 | 503): Promise<void> {
  const { during, all } = await slowed(delayMs);
  const slowest = Math.round(Math.max(...all.map(({ tookMs }) => tookMs)));
  console.info(
    `${delayMs} ms each way: ${JSON.stringify(countsOf(during))}, the slowest after ${slowest} ms`,
  );
  expect(slowest).toBeLessThan(PATIENCE_MS);
  expect(all.filter(({ status }) => ![202, 503].includes(status))).toEqual([]);
  expect(countsOf(during)[expected]).toBeGreaterThan(0);
}

test('an API server that is slow', () => assertAnswered(800, 202));

test('an API server that the webhooks do not reach', async () => {
  const owners = await threeOwners();
  const refused = (): number => push.teller.answers.filter(({ status }) => status === 503).length;
  const before = refused();
  await whileMailComes(owners, async () => {
    proxy.refuse(true);
    proxy.cut();
    await sleep(10_000);
    proxy.refuse(false);
  });
  expect(refused()).toBeGreaterThan(before);
});

test('an API server that is gone altogether', async () => {
  await whileMailComes(await threeOwners(), async () => {
    await plane.apiServer.stop();
    await sleep(8_000);
    await plane.apiServer.start();
  });
  await operator.leads();
});
