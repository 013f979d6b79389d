import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ProviderStatus } from '../../api/providerStatus.ts';
import { apiVersion, outlookProviders, type Trigger } from '../../api/resource.ts';
import { type RunIdentity, type RunReport, statusAtEnd, statusAtStart } from '../../api/runReport.ts';
import { KubeClient } from '../../kube/client.ts';
import { sleep, systemClock } from '../../kube/clock.ts';
import type { Connection } from '../../kube/connection.ts';
import { isKubeError } from '../../kube/errors.ts';
import { EventRecorder } from '../../kube/events.ts';
import { acquireExclusive, type ExclusiveLease } from '../../kube/exclusiveLease.ts';
import { Interrupted } from '../errors.ts';
import { type Cluster, type Counts, runIdentity, type Standing } from '../exclusivity.ts';
import { type Announcement, announcements } from '../plan/announcements.ts';
import { ResourceStatus } from './resourceStatus.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * The run as Kubernetes sees it: its Lease, its status, its Events. A sync never fails, nor is held up for more than
 * some seconds, because the API server is away, slow or unwilling: the lease in Postgres guards the run by itself,
 * and what could not be reported is in the termination message, for the operator to report.
 */
export interface ClusterRunOptions {
  readonly surroundings: Surroundings;
  readonly connection: Connection;
  readonly trigger: Trigger;
  readonly leaseSeconds: number;
  readonly log: Logger;
}

/** Milliseconds: for one call, for a status and its Events, for giving back the Lease; and between two signs of progress. */
const callLimit = 3_000;
const reportLimit = 5_000;
const releaseLimit = 3_000;
const progressEvery = 15_000;

/** Milliseconds: the operator makes a Lease when it sees the first run, which may be ahead of it. */
const leaseWaits = [300, 700, 1_500];

const userAgent = 'outlook-sync-job';

export class ClusterRun implements Cluster {
  readonly identity: string;
  readonly #options: ClusterRunOptions;
  readonly #run: RunIdentity;
  readonly #client: KubeClient;
  readonly #status: ResourceStatus;
  readonly #ended = new AbortController();
  readonly #lostListeners: (() => void)[] = [];
  #lease: ExclusiveLease | null = null;
  #isAlone = false;
  #reporting: Promise<void> = Promise.resolve();
  /** What the resource said when the run began. */
  #before: Promise<ProviderStatus | null> = Promise.resolve(null);

  constructor(options: ClusterRunOptions) {
    this.#options = options;
    const { surroundings, connection, trigger, log } = options;
    const { job: jobName, generation, credentialsVersion, pod } = surroundings;
    this.identity = runIdentity(pod);
    this.#run = { jobName, trigger, generation, credentialsVersion };
    this.#client = new KubeClient(connection, { userAgent, timeoutMs: callLimit });
    const isHeld = (): boolean => this.isHeld();
    const guard = (): void => {
      if (!isHeld()) throw new Error('The Lease is not held any more');
    };
    const client = new KubeClient(connection, { userAgent, timeoutMs: callLimit, guard });
    this.#status = new ResourceStatus({ client, surroundings, isHeld, log });
  }

  async takeLease(signal: AbortSignal): Promise<Standing> {
    if (this.#lease) return { acquired: true, fence: this.#lease };
    if (this.#isAlone) return { acquired: true, fence: null };
    const { log } = this.#options;
    try {
      const taken = await this.#acquire(signal);
      if (!taken.acquired) return taken;
      const { lease } = taken;
      this.#lease = lease;
      lease.onLost(() => this.#lostListeners.forEach((listener) => listener()));
      log.info({ holder: this.identity, epoch: lease.epoch }, 'Took the Lease');
      return { acquired: true, fence: lease };
    } catch (error) {
      if (signal.aborted) throw new Interrupted('Stopped while waiting for the Lease', { cause: error });
      if (!isKubeError(error)) throw error;
      const { kind, message } = error;
      log.error(
        { kind, reason: message },
        'Could not take the Lease; that in Postgres alone guards this run',
      );
      this.#isAlone = true;
      return { acquired: true, fence: null };
    }
  }

  /** Creating it is the operator's: where that is refused, the Lease is not there yet. */
  async #acquire(signal: AbortSignal): ReturnType<typeof acquireExclusive> {
    for (const wait of leaseWaits) {
      try {
        return await this.#tryToAcquire(signal);
      } catch (error) {
        if (!isKubeError(error, 'forbidden')) throw error;
        await sleep(systemClock, wait, signal);
      }
    }
    return this.#tryToAcquire(signal);
  }

  #tryToAcquire(signal: AbortSignal): ReturnType<typeof acquireExclusive> {
    const { surroundings, leaseSeconds, log } = this.#options;
    const { namespace, lease: name, uid } = surroundings;
    const { kind } = outlookProviders;
    return acquireExclusive({
      client: this.#client,
      namespace,
      name,
      identity: this.identity,
      durationSeconds: leaseSeconds,
      signal,
      log,
      ownerReference: { apiVersion, kind, name: surroundings.name, uid, controller: true },
    });
  }

  isHeld(): boolean {
    return this.#lease?.held() ?? false;
  }

  onLost(listener: () => void): void {
    this.#lostListeners.push(listener);
  }

  begin(startedAt: Date, progress: () => Promise<Counts>): void {
    if (!this.#lease) return;
    const limited = AbortSignal.any([this.#ended.signal, AbortSignal.timeout(reportLimit)]);
    const begun = this.#status.write((before) => statusAtStart(before, this.#run, startedAt), limited);
    this.#before = begun.then((written) => written?.before ?? null);
    this.#reporting = this.#reportUntilEnded(startedAt, progress);
  }

  async #reportUntilEnded(startedAt: Date, progress: () => Promise<Counts>): Promise<void> {
    const { signal } = this.#ended;
    const limited = (): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(reportLimit)]);
    await this.#before;
    for (;;) {
      await sleep(systemClock, progressEvery, signal);
      if (signal.aborted) return;
      const messages = await progress().catch(() => null);
      if (messages === null) continue;
      await this.#status.write(
        (before) => ({ ...statusAtStart(before, this.#run, startedAt), messages }),
        limited(),
      );
    }
  }

  async subscriptionEventAt(): Promise<Date | null> {
    const at = (await this.#before)?.subscriptionEvent?.at;
    return at === undefined ? null : new Date(at);
  }

  async end(report: RunReport, quarantined: number): Promise<boolean> {
    this.#ended.abort();
    await this.#reporting;
    const reported = hasNews(report) && this.isHeld() && (await this.#report(report, quarantined));
    await within(releaseLimit, this.#lease?.release());
    await within(releaseLimit, this.#options.connection.close());
    return reported;
  }

  async #report(report: RunReport, quarantined: number): Promise<boolean> {
    const signal = AbortSignal.timeout(reportLimit);
    const written = await this.#status.write((before) => statusAtEnd(before, this.#run, report), signal);
    if (written === null) return false;
    const news = announcements(written.before, report, quarantined);
    if (!signal.aborted) await within(reportLimit, this.#announce(news));
    return true;
  }

  async #announce(news: readonly Announcement[]): Promise<void> {
    if (news.length === 0) return;
    const { surroundings, log } = this.#options;
    const { namespace, name, uid, pod } = surroundings;
    const { group, kind } = outlookProviders;
    const recorder = new EventRecorder({
      client: this.#client,
      reportingController: `${group}/job`,
      reportingInstance: pod,
      log,
    });
    const regarding = { apiVersion, kind, metadata: { namespace, name, uid } };
    await Promise.all(news.map((one) => recorder.record(regarding, { action: 'Sync', ...one })));
  }
}

/** One that found a lease held has nothing to say, and one that lost its lease must not: its successor does. */
function hasNews({ status, error }: RunReport): boolean {
  return status !== 'skipped' && error?.code !== 'LeaseLost';
}

async function within(ms: number, work: Promise<void> | undefined): Promise<void> {
  await Promise.race([work, delay(ms, undefined, { ref: false })]);
}
