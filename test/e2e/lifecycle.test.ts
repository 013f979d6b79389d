// The life of a provider as its owner sees it: applied, synced, edited, suspended, deleted.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { outlookProviders } from '../../api/resource.ts';
import { SHARED_START_TIMEOUT_MS } from '../harness/cluster/shared.ts';
import * as kube from '../../kube/resource.ts';
import { childrenOf, isOf, seeGone } from './children.ts';
import { cronJobs, hasEnded, jobs, leases, providers } from './kinds.ts';
import { isReady } from './owner.ts';
import { type Stage, openStage } from './stage.ts';

let stage: Stage;
let doomed: string;

beforeAll(async () => {
  stage = await openStage('lifecycle');
  doomed = await stage.addNamespace();
  const operator = await stage.startOperator();
  await operator.leads();
}, SHARED_START_TIMEOUT_MS);

afterAll(() => stage.close());

describe.concurrent('a provider', () => {
  test('is Ready when its mailbox is in Postgres, and says so in every field', async () => {
    const owner = await stage.addOwner({ messages: 25, folders: 'rich' });
    await stage.applyProvider(owner);
    const { status, metadata } = await stage.seeProvider(owner, 'Ready', isReady);
    await stage.assertMirrored(owner);
    const stored = await stage.database.query(
      'SELECT "id" FROM external_email_messages WHERE "userId" = $1',
      [owner.userId],
    );
    expect(status).toMatchObject({
      phase: 'Connected',
      providerId: metadata.uid,
      observedGeneration: metadata.generation,
      cursor: 'Steady',
      attempts: 1,
      consecutiveFailures: 0,
      messages: { stored: stored.length },
    });
    expect(status).not.toHaveProperty('lastSyncError');
    expect(Date.parse(status?.nextSyncAt ?? '')).toBeGreaterThan(Date.now());
  });

  test('has one CronJob, one Lease and no more, all of which it owns', async () => {
    const owner = await stage.addOwner();
    const { metadata } = await stage.applyProvider(owner);
    await stage.seeProvider(owner, 'Ready', isReady);
    const children = await childrenOf(stage, owner);
    expect(children.cronJobs).toHaveLength(1);
    expect(children.leases).toHaveLength(1);
    const reference = { kind: outlookProviders.kind, name: owner.name, uid: metadata.uid, controller: true };
    for (const child of [...children.cronJobs, ...children.leases])
      expect(child.metadata.ownerReferences).toEqual([expect.objectContaining(reference)]);
  });

  test('whose spec is edited has a CronJob that follows', async () => {
    const owner = await stage.addOwner();
    await stage.applyProvider(owner);
    await stage.seeProvider(owner, 'Ready', isReady);
    const schedule = '17 3 29 2 *';
    await stage.applyProvider(owner, {
      schedule,
      timeZone: 'Europe/Berlin',
      sync: { jitterMs: 0, maxMessages: 7 },
      podTemplate: { nodeSelector: { 'kubernetes.io/os': 'linux' } },
    });
    const cronJob = await stage.see(cronJobs, {
      what: 'the CronJob with the new schedule',
      find: (seen) => [...seen.values()].find(({ spec }) => spec.schedule === schedule),
    });
    expect(cronJob.spec).toMatchObject({
      timeZone: 'Europe/Berlin',
      concurrencyPolicy: 'Forbid',
      suspend: false,
    });
    const pod = cronJob.spec.jobTemplate.spec.template.spec;
    expect(pod.nodeSelector).toEqual({ 'kubernetes.io/os': 'linux' });
    expect(pod.containers[0]?.env).toContainEqual({ name: 'OUTLOOK_SYNC_MAX_MESSAGES', value: '7' });
    await stage.seeProvider(
      owner,
      'acted on',
      ({ status, metadata }) => status?.observedGeneration === metadata.generation,
    );
  });

  test('that is suspended runs nothing, and catches up when it is resumed', async () => {
    const owner = await stage.addOwner();
    await stage.applyProvider(owner);
    await stage.seeProvider(owner, 'Ready', isReady);
    await stage.applyProvider(owner, { suspend: true });
    await stage.seeProvider(owner, 'Suspended', ({ status }) => status?.phase === 'Suspended');
    const before = await childrenOf(stage, owner);
    expect(before.cronJobs[0]?.spec.suspend).toBe(true);
    owner.mailbox.createMessage({ subject: 'While nobody looked' });
    await stage.requestSync(owner);
    await stage.applyProvider(owner, { suspend: false });
    await stage.seeProvider(
      owner,
      'synced after the resumption',
      ({ status }) => status?.phase === 'Connected' && status.lastJob !== before.jobs.at(-1)?.metadata.name,
    );
    await stage.assertMirrored(owner);
    const after = await childrenOf(stage, owner);
    expect(after.cronJobs[0]?.spec.suspend).toBe(false);
  });

  test('that was asked for a sync while one ran has one more', async () => {
    const owner = await stage.addOwner();
    await stage.applyProvider(owner);
    await stage.seeProvider(owner, 'Ready', isReady);
    for (let request = 0; request < 10; request += 1) {
      owner.mailbox.createMessage({ subject: `Number ${request}` });
      await stage.requestSync(owner);
    }
    const asked = await stage.read(providers, owner.name);
    const annotation = asked?.metadata.annotations?.['outlooksync.dev/sync-requested-at'] ?? 'none';
    await stage.seeProvider(
      owner,
      'the last request served',
      ({ status }) =>
        (status?.lastHandledSyncRequest ?? '').includes(annotation) && status?.phase === 'Connected',
    );
    await stage.see(jobs, {
      what: 'no Job under way',
      find: (seen) =>
        [...seen.values()].every((job) => !isOf(owner, job) || hasEnded(job)) ? true : undefined,
    });
    await stage.assertMirrored(owner);
    const manual = (await childrenOf(stage, owner)).jobs.filter(
      ({ metadata }) => metadata.labels?.['outlooksync.dev/trigger'] === 'manual',
    );
    expect(manual.length, 'ten requests in a burst').toBeLessThan(10);
  });

  test('that is asked for a resync walks the whole mailbox anew', async () => {
    const owner = await stage.addOwner({ messages: 10 });
    await stage.applyProvider(owner);
    await stage.seeProvider(owner, 'Ready', isReady);
    // Nothing that Graph tells of: only a full walk brings it back.
    await stage.database.query('DELETE FROM external_email_messages WHERE "userId" = $1', [owner.userId]);
    await stage.requestSync(owner, 'resyncRequestedAt');
    await stage.seeProvider(
      owner,
      'the resync ended',
      ({ status }) =>
        status?.lastTrigger === 'resync' && status.phase === 'Connected' && status.cursor === 'Steady',
    );
    await stage.assertMirrored(owner);
  });
});

describe.concurrent('a deleted provider', () => {
  test.each([
    { deletionPolicy: 'Retain', rows: true },
    { deletionPolicy: 'Delete', rows: false },
  ])('with $deletionPolicy leaves its rows: $rows', async ({ deletionPolicy, rows }) => {
    const owner = await stage.addOwner({ messages: 5 });
    await stage.applyProvider(owner, { deletionPolicy });
    await stage.seeProvider(owner, 'Ready', isReady);
    await stage.client.delete(providers, owner);
    await seeGone(stage, owner, [providers, cronJobs, leases, jobs]);
    const [left] = await stage.database.query<{ messages: number; rows: number }>(
      `SELECT (SELECT count(*)::int FROM external_email_messages WHERE "userId" = $1) AS "messages",
              (SELECT count(*)::int FROM email_providers WHERE "userId" = $1) AS "rows"`,
      [owner.userId],
    );
    expect(left).toEqual(
      rows ? { messages: expect.any(Number) as number, rows: 1 } : { messages: 0, rows: 0 },
    );
    if (rows) await stage.assertMirrored(owner);
  });

  test('whose cleanup cannot succeed goes all the same', async () => {
    const owner = await stage.addOwner({ messages: 1 });
    await stage.applyProvider(owner, { deletionPolicy: 'Delete' });
    await stage.seeProvider(owner, 'Ready', isReady);
    await stage.client.delete(kube.secrets, owner);
    await stage.client.delete(providers, owner);
    await seeGone(stage, owner, [providers, cronJobs]);
  });
});

test.concurrent('a namespace with providers that is deleted is gone within a minute', async () => {
  const owners = await Promise.all([1, 2, 3].map(() => stage.addOwner({ namespace: doomed, messages: 2 })));
  await Promise.all(owners.map((owner) => stage.applyProvider(owner, { deletionPolicy: 'Delete' })));
  await Promise.all(owners.map((owner) => stage.seeProvider(owner, 'Ready', isReady)));
  const deleted = await stage.site.cluster.kubectl(['delete', 'namespace', doomed, '--timeout=60s']);
  expect(deleted, deleted.stderr).toMatchObject({ code: 0 });
});
