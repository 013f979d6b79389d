import { conditionTypes } from '../../api/conditions.ts';
import type { ProviderStatus } from '../../api/providerStatus.ts';
import {
  type JobStatus,
  type RunIdentity,
  type RunReport,
  runReport,
  statusAfterDeath,
  statusAtEnd,
} from '../../api/runReport.ts';
import { death, type Finding } from './death.ts';
import { isActiveSync, isSync } from './job.ts';
import type { Observed, ObservedJob, ObservedPod } from './observed.ts';
import { conditionOf } from './verdict.ts';

/**
 * Runs that ended and did not tell the OutlookProvider: killed, evicted, never started, or cut off from the API
 * server. Each is told on behalf of its job, once: what the status already knows, from itself or from a later run,
 * is not told again.
 */
export interface LostRun {
  readonly status: JobStatus;
  /** Uid of the pod, or of the Job where no pod is left; null where neither is. */
  readonly uid: string | null;
}

/** The end of one run, as far as it can still be seen. */
interface End {
  readonly uid: string;
  readonly job: ObservedJob;
  readonly startedNotBefore: string;
  /** Milliseconds. */
  readonly at: number;
  /** RFC 3339; now where nobody knows. */
  readonly finishedAt: string;
  readonly report: RunReport | null;
  readonly finding: Finding | null;
}

/** What the Job's deadline leaves open: its pod is given time to end, and the news of it to arrive. */
const PATIENCE_MS = 90_000;

const ms = (at: string | undefined): number => Date.parse(at ?? '');

export function lostRun(observed: Observed, status: ProviderStatus): LostRun | null {
  const ends = [...podEnds(observed, status), ...jobEnds(observed, status)].sort((a, b) => b.at - a.at);
  for (const end of ends) {
    const told = isTold(end, status) ? null : tell(end, status);
    if (told !== null) return { status: told, uid: end.uid };
  }
  return vanished(observed, status);
}

function podEnds(observed: Observed, status: ProviderStatus): End[] {
  const lastLost = observed.pods.find(({ uid }) => uid === status.lastLostPod);
  const isNews = ({ uid, createdAt, phase }: ObservedPod): boolean =>
    (phase === 'Failed' || phase === 'Succeeded') &&
    uid !== status.lastLostPod &&
    createdAt >= (lastLost?.createdAt ?? '');
  return observed.pods.filter(isNews).flatMap((pod) => {
    const job = observed.jobs.find(({ name }) => name === pod.jobName);
    return job === undefined || !isSync(job) ? [] : [endOfPod(pod, job, observed.now)];
  });
}

function endOfPod(pod: ObservedPod, job: ObservedJob, now: Date): End {
  const report = readReport(pod);
  return {
    uid: pod.uid,
    job,
    startedNotBefore: pod.createdAt,
    at: ms(report?.finishedAt ?? pod.finishedAt ?? pod.createdAt),
    finishedAt: pod.finishedAt ?? now.toISOString(),
    report,
    finding: report === null && pod.phase === 'Failed' ? death(pod, job) : null,
  };
}

function readReport({ terminationMessage }: ObservedPod): RunReport | null {
  try {
    return runReport.safeParse(JSON.parse(terminationMessage ?? '')).data ?? null;
  } catch {
    return null;
  }
}

/** Failed Jobs whose pods are gone: a deadline takes them away. */
function jobEnds(observed: Observed, status: ProviderStatus): End[] {
  return observed.jobs.flatMap((job) => {
    const hasPods = observed.pods.some(({ jobName }) => jobName === job.name);
    if (!isSync(job) || job.phase !== 'failed' || hasPods || job.uid === status.lastLostPod) return [];
    if (isToldByPod(job, status)) return [];
    const finishedAt = job.finishedAt ?? observed.now.toISOString();
    const at = ms(job.finishedAt ?? job.createdAt);
    const finding = endOfJob(job, status);
    return [{ uid: job.uid, job, startedNotBefore: job.createdAt, at, finishedAt, report: null, finding }];
  });
}

/** A Job fails a moment after its last pod died, and outlives it by a moment when it is cleared away. */
function isToldByPod({ name, createdAt, failureReason }: ObservedJob, status: ProviderStatus): boolean {
  if (status.lastJob !== name || !(ms(status.lastSyncErrorAt) >= ms(createdAt))) return false;
  const reason = conditionOf(status, conditionTypes.synced)?.reason;
  // The pod before the one that the deadline took away may have been told.
  return failureReason !== 'DeadlineExceeded' || reason === 'JobDeadlineExceeded';
}

function endOfJob(job: ObservedJob, status: ProviderStatus): Finding {
  const { name } = job;
  if (job.failureReason !== 'DeadlineExceeded')
    return { reason: 'JobDied', message: `The Job ${name} failed, and its pods are gone` };
  if (status.lastJob === name)
    return { reason: 'JobDeadlineExceeded', message: `The Job ${name} did not end in time` };
  // It never began. Why was seen while its pod waited.
  return shownWhileWaiting(status) ?? { reason: 'JobNotStarted', message: `The Job ${name} never began` };
}

const waitingReasons = ['JobImagePullFailed', 'SecretKeyMissing', 'JobNotStarted'] as const;

function shownWhileWaiting(status: ProviderStatus): Finding | null {
  const shown = [conditionTypes.ready, conditionTypes.reconciling].map((type) => conditionOf(status, type));
  for (const reason of waitingReasons) {
    const found = shown.find((one) => one?.reason === reason);
    if (found !== undefined) return { reason, message: found.message };
  }
  return null;
}

/** Whether the status knows of this end already, or of a later one. */
function isTold({ job, startedNotBefore, at }: End, status: ProviderStatus): boolean {
  const known = [status.lastSyncedAt, status.lastSyncErrorAt].map(ms);
  if (known.some((one) => one >= at)) return true;
  if (status.phase === 'Syncing') return false;
  const begun = ms(status.lastAttemptAt);
  return begun > at || (status.lastJob === job.name && begun >= ms(startedNotBefore));
}

function tell(end: End, status: ProviderStatus): JobStatus | null {
  const { job, report, finding } = end;
  const run = { jobName: job.name, ...identityOf(job) };
  if (report === null) return finding === null ? null : afterDeath(end, run, status);
  const isLaterRun = ms(status.lastAttemptAt) > ms(report.startedAt);
  return report.reported || report.status === 'skipped' || isLaterRun
    ? null
    : statusAtEnd(status, run, report);
}

function identityOf(job: ObservedJob): Omit<RunIdentity, 'jobName'> {
  const { trigger, generation, credentialsVersion } = job;
  return { trigger: trigger ?? 'schedule', generation, credentialsVersion };
}

/** A successor that runs already goes on being what the status shows. */
function afterDeath(end: End, run: RunIdentity, status: ProviderStatus): JobStatus {
  const { reason, message } = end.finding ?? { reason: 'JobDied', message: '' };
  const told = statusAfterDeath(status, run, { reason, message, at: end.finishedAt });
  if (status.phase !== 'Syncing' || !isSuccessors(status, end)) return told;
  const { lastJob, lastTrigger } = status;
  return {
    ...told,
    phase: 'Syncing',
    ...(lastJob !== undefined && { lastJob }),
    ...(lastTrigger !== undefined && { lastTrigger }),
  };
}

/** Whether the attempt that the status shows came after this end. Of a pod's end whole seconds are known, no more. */
function isSuccessors({ lastAttemptAt, lastJob }: ProviderStatus, { job, at }: End): boolean {
  const begun = ms(lastAttemptAt);
  return begun > at && (lastJob !== job.name || begun >= at + 1000);
}

/** When a run that is said to be under way, and of which nothing is to be seen, is given up. In milliseconds. */
export function givenUpAt({ settings, provider, jobs }: Observed, status: ProviderStatus): number | null {
  if (status.phase !== 'Syncing' || jobs.some(isActiveSync)) return null;
  const begun = ms(status.lastAttemptAt ?? provider.createdAt);
  return begun + settings.activeDeadlineSeconds * 1000 + PATIENCE_MS;
}

/** The news of a Job may be late, so that only its deadline tells that there is none. */
function vanished(observed: Observed, status: ProviderStatus): LostRun | null {
  const until = givenUpAt(observed, status);
  if (until === null || observed.now.getTime() < until) return null;
  const run: RunIdentity = {
    jobName: status.lastJob ?? '',
    trigger: status.lastTrigger ?? 'schedule',
    generation: observed.provider.generation,
    credentialsVersion: status.credentialsVersion ?? '',
  };
  const message = 'The Job of the last run is gone, and it did not say how it ended';
  const at = observed.now.toISOString();
  return { status: statusAfterDeath(status, run, { reason: 'JobDied', message, at }), uid: null };
}
