// One of several replicas leads. The rules are client-go's: expiry by the local clock, a renew deadline shorter than
// the lease, work stopped first and the Lease released after it. A blocked event loop cannot renew, so whether we lead
// is not a flag but a question of time, asked again before each write: `isLeader()`.
import type { KubeClient } from './client.ts';
import { type Clock, isAborted, sleep, systemClock } from './clock.ts';
import { isKubeError } from './errors.ts';
import {
  heldSpec,
  judgeLease,
  type Lease,
  leases,
  type Observation,
  observe,
  releasedSpec,
} from './leaseRecord.ts';
import { type Log, silent } from './log.ts';

export interface LeaderElectorOptions {
  /** Not the one that `isLeader` guards: the Lease is written by who does not lead yet. */
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  /** Unique among all that ever ran: a pod's name and something random. */
  readonly identity: string;
  readonly leaseDurationMs?: number;
  /** How long we lead without being able to renew; shorter than the lease. */
  readonly renewDeadlineMs?: number;
  readonly retryPeriodMs?: number;
  readonly clock?: Clock;
  readonly log?: Log;
}

export class LeaderElector {
  readonly #options: LeaderElectorOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #durationMs: number;
  readonly #deadlineMs: number;
  readonly #retryMs: number;
  #lease: Lease | undefined;
  #observation: Observation | undefined;
  #leadsUntil = -Infinity;
  /** The last write to the Lease may have happened, though nobody said so. */
  #isUncertain = false;

  constructor(options: LeaderElectorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silent;
    this.#durationMs = options.leaseDurationMs ?? 15_000;
    this.#deadlineMs = options.renewDeadlineMs ?? 10_000;
    this.#retryMs = options.retryPeriodMs ?? 1_000;
    if (this.#deadlineMs >= this.#durationMs)
      throw new Error('The renew deadline must be shorter than the lease, or two lead at once');
  }

  /** Whether nobody else can lead at this moment. */
  isLeader(): boolean {
    return this.#clock.monotonic() < this.#leadsUntil;
  }

  /**
   * Stands for election until the signal is aborted; each time that we lead, runs `onLeading`. Its signal is aborted
   * when leadership is lost and when we are to stop; in the second case we go on leading until it has ended, and then
   * release the Lease. Ends when `onLeading` ends of itself, too.
   * @throws what `onLeading` throws
   */
  async run(signal: AbortSignal, onLeading: (leading: AbortSignal) => Promise<void>): Promise<void> {
    while (!isAborted(signal)) {
      if (!(await this.#campaign(signal))) return;
      this.#log.info({ identity: this.#options.identity }, 'Became leader');
      if (await this.#lead(signal, onLeading)) return;
    }
  }

  /** Whether we lead; false when the signal was aborted before. */
  async #campaign(signal: AbortSignal): Promise<boolean> {
    while (!isAborted(signal)) {
      if (await this.#try(signal)) return true;
      await sleep(this.#clock, this.#retryMs * (1 + this.#clock.random() / 5), signal);
    }
    // Won while being told to stop.
    if (this.isLeader() || this.#isUncertain) await this.#release();
    return false;
  }

  /** Resolves when `onLeading` has ended: to whether that was all, or leadership was lost and may be won again. */
  async #lead(signal: AbortSignal, onLeading: (leading: AbortSignal) => Promise<void>): Promise<boolean> {
    const leading = new AbortController();
    const stop = (): void => leading.abort();
    signal.addEventListener('abort', stop, { once: true });
    const ended = new AbortController();
    const renewing = this.#renewUntil(ended.signal, leading);
    try {
      if (isAborted(signal)) stop();
      await onLeading(leading.signal);
    } finally {
      signal.removeEventListener('abort', stop);
      ended.abort();
      await renewing;
      if (this.isLeader()) await this.#release();
    }
    const wasLost = leading.signal.reason === lost;
    return isAborted(signal) || !wasLost;
  }

  async #renewUntil(ended: AbortSignal, leading: AbortController): Promise<void> {
    while (!ended.aborted) {
      const left = this.#leadsUntil - this.#clock.monotonic();
      if (left <= 0) {
        this.#leadsUntil = -Infinity;
        this.#log.error({ identity: this.#options.identity }, 'Lost leadership');
        leading.abort(lost);
        return;
      }
      await sleep(this.#clock, Math.min(this.#retryMs, left), ended);
      if (!isAborted(ended)) await this.#renew();
    }
  }

  /** A call that hangs must not hide that time is up. */
  async #renew(): Promise<void> {
    const limit = new AbortController();
    const cancel = this.#clock.after(this.#leadsUntil - this.#clock.monotonic(), () => limit.abort());
    await this.#try(limit.signal);
    cancel();
  }

  /** One try to hold the Lease; whether we do. */
  async #try(signal: AbortSignal): Promise<boolean> {
    try {
      // What we wrote last is what we expect to find; read only when that has failed.
      this.#lease ??= await this.#read(signal);
      if (!this.#mayHold(this.#lease)) {
        this.#lease = undefined;
        return false;
      }
      // From before the write, for others may see it before we hear of it.
      const started = this.#clock.monotonic();
      this.#isUncertain = true;
      this.#lease = await this.#write(this.#lease, signal);
      this.#isUncertain = false;
      this.#leadsUntil = started + this.#deadlineMs;
      return true;
    } catch (error) {
      this.#lease = undefined;
      if (isKubeError(error) && !error.uncertain) this.#isUncertain = false;
      // A conflict is a lost race, or a label that was set: the next try reads and tells.
      if (!isKubeError(error, 'conflict', 'alreadyExists') && !isAborted(signal))
        this.#log.warn({ kind: isKubeError(error) ? error.kind : 'bug' }, 'Could not hold the Lease');
      return false;
    }
  }

  /** A Lease that another took while we were away ends our time at once. */
  #mayHold(lease: Lease): boolean {
    const monotonic = this.#clock.monotonic();
    this.#observation = observe(this.#observation, lease, monotonic);
    const { identity } = this.#options;
    const defaultSeconds = this.#durationMs / 1000;
    const verdict = judgeLease(lease, this.#observation, { identity, monotonic, defaultSeconds });
    if (verdict.act !== 'renew') this.#leadsUntil = -Infinity;
    return verdict.act !== 'wait';
  }

  async #read(signal: AbortSignal): Promise<Lease> {
    const { client, namespace, name } = this.#options;
    try {
      return await client.get(leases, { namespace, name }, { signal });
    } catch (error) {
      if (!isKubeError(error, 'notFound')) throw error;
      const metadata = { namespace, name };
      return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata };
    }
  }

  async #write(before: Lease, signal: AbortSignal): Promise<Lease> {
    const { client, namespace, identity } = this.#options;
    const durationSeconds = Math.max(1, Math.ceil(this.#durationMs / 1000));
    const spec = heldSpec(before.spec, { identity, durationSeconds, now: this.#clock.now() });
    const lease = { ...before, spec };
    return before.metadata.resourceVersion === undefined
      ? client.create(leases, namespace, lease, { signal })
      : client.replace(leases, lease, { signal });
  }

  async #release(): Promise<void> {
    this.#leadsUntil = -Infinity;
    try {
      const lease = this.#lease ?? (await this.#read(new AbortController().signal));
      this.#lease = undefined;
      if (lease.spec?.holderIdentity !== this.#options.identity) return;
      const spec = releasedSpec(lease.spec, this.#clock.now());
      await this.#options.client.replace(leases, { ...lease, spec });
      this.#log.info({ identity: this.#options.identity }, 'Released leadership');
    } catch (error) {
      const kind = isKubeError(error) ? error.kind : 'bug';
      this.#log.warn({ kind }, 'Could not release leadership; it expires');
    }
  }
}

const lost = new Error('Leadership was lost');
