// What happens when runs meet, die or are refused.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { labels } from '../../api/resource.ts';
import { exitCodes } from '../../api/exitCodes.ts';
import { runReport } from '../../api/runReport.ts';
import * as kube from '../../kube/resource.ts';
import { SHARED_START_TIMEOUT_MS } from '../harness/cluster/shared.ts';
import { childrenOf, isOf } from './children.ts';
import { holdGraph } from './gate.ts';
import { type Job, type Pod, cronJobs, events, hasEnded, jobs, leases, pods } from './kinds.ts';
import { type Owner, conditionOf, isReady, secretOf, standing } from './owner.ts';
import { type Stage, openStage } from './stage.ts';

/** A job that dies is succeeded after this time. */
const LEASE_SECONDS = 8;

let stage: Stage;

beforeAll(async () => {
  stage = await openStage('runs');
  const operator = await stage.startOperator({
    jobVariables: { OUTLOOK_SYNC_LEASE_SECONDS: String(LEASE_SECONDS) },
  });
  await operator.leads();
}, SHARED_START_TIMEOUT_MS);

afterAll(() => stage.close());

async function readyOwner(spec: Readonly<Record<string, unknown>> = {}): Promise<Owner> {
  const owner = await stage.addOwner();
  await stage.applyProvider(owner, spec);
  await stage.seeProvider(owner, 'Ready', isReady);
  return owner;
}

/** Starts a Job from the owner's CronJob, as the schedule would. */
async function startFromCronJob(owner: Owner, name: string): Promise<void> {
  const {
    cronJobs: [cronJob],
  } = await childrenOf(stage, owner);
  await stage.kubectl('create', 'job', `--from=cronjob/${cronJob?.metadata.name ?? ''}`, name);
}

const jobOf = (pod: Pod): string | undefined => pod.metadata.labels?.['batch.kubernetes.io/job-name'];
const ending = (pod: Pod | undefined): { exitCode: number; message?: string } | undefined =>
  pod?.status?.containerStatuses?.[0]?.state?.terminated;

function seePodOf(job: string, what: string, holds: (pod: Pod) => boolean): Promise<Pod> {
  return stage.see(pods, {
    what: `a pod of ${job}: ${what}`,
    find: (seen) => [...seen.values()].find((pod) => jobOf(pod) === job && holds(pod)),
  });
}

function seeJob(owner: Owner, what: string, holds: (job: Job) => boolean): Promise<Job> {
  return stage.see(jobs, {
    what: `a Job of ${owner.name}: ${what}`,
    find: (seen) => [...seen.values()].find((job) => isOf(owner, job) && holds(job)),
  });
}

describe.concurrent('a run', () => {
  test('whose twin has the mailbox yields to it, and nothing is lost', async () => {
    const owner = await readyOwner();
    owner.mailbox.createMessage({ subject: 'Twice sought' });
    const gate = holdGraph(stage.graph, owner.mailbox.email);
    await stage.requestSync(owner);
    await gate.reached;
    const twin = `${owner.name}-twin`;
    await startFromCronJob(owner, twin);
    const pod = await seePodOf(twin, 'ended', (one) => ending(one) !== undefined);
    expect(ending(pod)).toMatchObject({ exitCode: exitCodes.ok });
    expect(runReport.parse(JSON.parse(ending(pod)?.message ?? ''))).toMatchObject({
      status: 'skipped',
      upserted: 0,
    });
    const during = await stage.seeProvider(owner, 'still syncing', () => true);
    expect(during.status?.phase).toBe('Syncing');
    gate.open();
    await stage.seeProvider(owner, 'Connected', ({ status }) => status?.phase === 'Connected');
    await stage.assertMirrored(owner);
    await stage.see(leases, {
      what: 'the Lease given back',
      find: (seen) =>
        [...seen.values()].find((one) => isOf(owner, one) && (one.spec?.holderIdentity ?? '') === ''),
    });
  });

  test('that was killed is on the status, and its successor takes the mailbox over', async () => {
    const owner = await readyOwner();
    owner.mailbox.createMessage({ subject: 'Saved by the successor' });
    const gate = holdGraph(stage.graph, owner.mailbox.email);
    const before = await childrenOf(stage, owner);
    await stage.requestSync(owner);
    await gate.reached;
    const {
      leases: [held],
    } = await childrenOf(stage, owner);
    await stage.site.killRun(stage.namespace, held?.spec?.holderIdentity ?? '');
    gate.open();
    const failed = await stage.seeProvider(
      owner,
      'the failure on the status',
      ({ status }) => status?.lastSyncError !== undefined,
    );
    expect(failed.status).toMatchObject({
      phase: 'Error',
      consecutiveFailures: 1,
      lastSyncError: expect.stringMatching(/^Job/) as string,
    });
    expect(standing(failed, 'Synced')).toMatch(/^False Job/);
    // The Job controller starts another pod of the same Job.
    const mended = await stage.seeProvider(
      owner,
      'Ready again',
      (one) => isReady(one) && one.status?.lastSyncError === undefined,
    );
    expect(mended.status?.consecutiveFailures).toBe(0);
    await stage.assertMirrored(owner);
    const after = await childrenOf(stage, owner);
    expect(after.leases[0]?.spec?.leaseTransitions).toBeGreaterThan(
      before.leases[0]?.spec?.leaseTransitions ?? 0,
    );
  });

  test('with a dead grant is the only one until there is a new one', async () => {
    const owner = await stage.addOwner();
    owner.mailbox.revokeGrant();
    await stage.applyProvider(owner);
    const stalled = await stage.seeProvider(owner, 'Stalled', (one) =>
      standing(one, 'Stalled').startsWith('True'),
    );
    expect(standing(stalled, 'Stalled')).toBe('True ReauthorizationRequired');
    expect(standing(stalled, 'CredentialsValid')).toBe('False ReauthorizationRequired');
    expect(standing(stalled, 'Ready')).toBe('False ReauthorizationRequired');
    await stage.see(cronJobs, {
      what: 'the schedule suspended',
      find: (seen) => [...seen.values()].find((one) => isOf(owner, one) && one.spec.suspend === true),
    });
    const job = await seeJob(owner, 'failed', hasEnded);
    expect(job.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Failed', reason: 'PodFailurePolicy' }),
    );
    const spent = await childrenOf(stage, owner);
    expect(spent.jobs).toHaveLength(1);
    expect(spent.pods.map((pod) => ending(pod)?.exitCode)).toEqual([exitCodes.refused]);
    await stage.apply(kube.secrets, secretOf(owner, owner.mailbox.newSignIn()));
    await stage.see(jobs, {
      what: 'a Job with the new grant',
      find: (seen) =>
        [...seen.values()].find((one) => isOf(owner, one) && one.metadata.uid !== job.metadata.uid),
      timeoutMs: 10_000,
    });
    const mended = await stage.seeProvider(owner, 'Ready', isReady);
    expect(conditionOf(mended, 'Stalled')).toBeUndefined();
    expect(standing(mended, 'CredentialsValid')).toBe('True Succeeded');
    expect((await childrenOf(stage, owner)).cronJobs[0]?.spec.suspend).toBe(false);
    await stage.assertMirrored(owner);
  });

  test('comes by the schedule, without anybody asking', async () => {
    const owner = await readyOwner();
    owner.mailbox.createMessage({ subject: 'By the clock' });
    await stage.applyProvider(owner, { schedule: '* * * * *' });
    const job = await seeJob(
      owner,
      'by the schedule',
      ({ metadata }) => metadata.labels?.[labels.trigger] === 'schedule',
    );
    expect(job.metadata.ownerReferences).toEqual([
      expect.objectContaining({ kind: 'CronJob', controller: true }),
    ]);
    await stage.seeProvider(
      owner,
      'synced by the schedule',
      ({ status }) => status?.lastTrigger === 'schedule' && status.phase === 'Connected',
    );
    await stage.assertMirrored(owner);
  });

  test('that Graph fails is told once, and so is that the next one went well', async () => {
    const owner = await readyOwner();
    const isOwners = ({ mailbox }: { mailbox?: string }): boolean => mailbox === owner.mailbox.email;
    const mend = stage.graph.faults.add({ when: isOwners, times: Infinity, reply: { status: 503 } });
    await stage.requestSync(owner);
    const failed = await stage.seeProvider(
      owner,
      'failed',
      ({ status }) => (status?.consecutiveFailures ?? 0) > 0,
    );
    expect(standing(failed, 'Synced')).toBe('False GraphUnavailable');
    mend();
    await stage.requestSync(owner);
    await stage.seeProvider(owner, 'Ready', isReady);
    const told = await stage.see(events, {
      what: 'the Events',
      find: (seen) => {
        const mine = [...seen.values()].filter(({ regarding }) => regarding.name === owner.name);
        return mine.some(({ reason }) => reason === 'SyncFailed') ? mine : undefined;
      },
    });
    expect(told.filter(({ reason }) => reason === 'SyncFailed')).toHaveLength(1);
  });
});
