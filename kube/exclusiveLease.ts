// A program that runs once guards what it works on by one Lease of a known name. The Lease keeps two of them apart in
// all but the worst case, a holder that is paused and wakes up late; `epoch` is for that case: a number that grows
// with each holder, for the place that is written to, to refuse those who come with an older one.
import type { KubeClient } from './client.ts';
import { type Clock, isAborted, sleep, systemClock } from './clock.ts';
import { isKubeError, type KubeError } from './errors.ts';
import {
  heldSpec,
  judgeLease,
  type Lease,
  leases,
  type LeaseVerdict,
  type Observation,
  observe,
  releasedSpec,
} from './leaseRecord.ts';
import { type Log, silent } from './log.ts';
import type { OwnerReference } from './object.ts';

export interface ExclusiveLeaseOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  /** Unique among all that ever ask for it: a pod's name and something random. */
  readonly identity: string;
  readonly durationSeconds: number;
  /** Ends the waiting for another holder to fall silent. */
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  readonly log?: Log;
  /** For a Lease that is not there yet. */
  readonly ownerReference?: OwnerReference;
}

export type Acquisition =
  | { readonly acquired: true; readonly lease: ExclusiveLease }
  | { readonly acquired: false; readonly holder: string };

const pollMs = 1_000;
/** Calls in a row that may fail while another holder is watched. */
const mostFailures = 3;

/**
 * Takes the Lease when it is free, or when its holder shows no sign of life for the duration that it promised; a
 * holder that shows one is named. The Lease is created when it is missing.
 * @throws KubeError, or the reason of `signal`
 */
export async function acquireExclusive(options: ExclusiveLeaseOptions): Promise<Acquisition> {
  const { clock = systemClock, signal } = options;
  const candidate: Candidate = { options, clock, observation: undefined };
  let failures = 0;
  for (;;) {
    signal.throwIfAborted();
    try {
      const step = await look(candidate);
      if ('acquired' in step) return step;
      failures = 0;
      await sleep(clock, Math.min(pollMs, step.waitMs), signal);
    } catch (error) {
      failures += 1;
      if (!isPassing(error) || failures >= mostFailures) throw error;
      await sleep(clock, pollMs, signal);
    }
  }
}

interface Candidate {
  readonly options: ExclusiveLeaseOptions;
  readonly clock: Clock;
  observation: Observation | undefined;
}

/** Reads the Lease, and takes it when it may. */
async function look(candidate: Candidate): Promise<Acquisition | { readonly waitMs: number }> {
  const { options, clock, observation } = candidate;
  const found = await readOrCreate(options, clock);
  if (found.isTaken) return acquired(options, found);
  const seen = observe(observation, found.lease, clock.monotonic());
  candidate.observation = seen;
  const verdict = judge(options, found.lease, seen, clock);
  if (verdict.act === 'wait') {
    // A record that changes while somebody holds it was changed by one who lives.
    const isAlive = observation !== undefined && observation !== seen;
    return isAlive ? { acquired: false, holder: verdict.holder } : { waitMs: verdict.forMs };
  }
  const taken = await take(options, found.lease, clock);
  return taken === undefined ? { waitMs: 0 } : acquired(options, taken);
}

interface Found {
  readonly lease: Lease;
  readonly isTaken: boolean;
  /** Monotonic milliseconds, from before the write: the time from which the duration counts. */
  readonly at: number;
}

function acquired(options: ExclusiveLeaseOptions, { lease, at }: Found): Acquisition {
  return { acquired: true, lease: new ExclusiveLease(options, lease, at) };
}

function judge(options: ExclusiveLeaseOptions, lease: Lease, seen: Observation, clock: Clock): LeaseVerdict {
  const { identity, durationSeconds: defaultSeconds } = options;
  return judgeLease(lease, seen, { identity, defaultSeconds, monotonic: clock.monotonic() });
}

async function readOrCreate(options: ExclusiveLeaseOptions, clock: Clock): Promise<Found> {
  const { client, namespace, name, signal, ownerReference } = options;
  const at = clock.monotonic();
  try {
    return { lease: await client.get(leases, { namespace, name }, { signal }), isTaken: false, at };
  } catch (error) {
    if (!isKubeError(error, 'notFound')) throw error;
  }
  const owners = ownerReference === undefined ? {} : { ownerReferences: [ownerReference] };
  const object = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace, name, ...owners },
    spec: heldSpec(undefined, { ...options, now: clock.now() }),
  };
  try {
    return { lease: await client.create(leases, namespace, object, { signal }), isTaken: true, at };
  } catch (error) {
    if (!isKubeError(error, 'alreadyExists')) throw error;
    return { lease: await client.get(leases, { namespace, name }, { signal }), isTaken: false, at };
  }
}

/** Undefined when somebody else was faster, or when it is not certain that we were: then the record tells. */
async function take(options: ExclusiveLeaseOptions, lease: Lease, clock: Clock): Promise<Found | undefined> {
  const { client, signal } = options;
  const at = clock.monotonic();
  const spec = heldSpec(lease.spec, { ...options, now: clock.now() });
  try {
    return { lease: await client.replace(leases, { ...lease, spec }, { signal }), isTaken: true, at };
  } catch (error) {
    if (isKubeError(error, 'conflict', 'notFound')) return undefined;
    throw error;
  }
}

/** Of such a failure the next try may know nothing. */
function isPassing(error: unknown): error is KubeError {
  return isKubeError(error, 'network', 'timeout', 'server', 'throttled', 'protocol');
}

export class ExclusiveLease {
  /** Grows with each holder, as long as the Lease has the same `uid`. */
  readonly epoch: number;
  readonly uid: string;
  readonly identity: string;
  readonly #options: ExclusiveLeaseOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #stop = new AbortController();
  readonly #listeners: (() => void)[] = [];
  readonly #renewing: Promise<void>;
  #lease: Lease;
  #validUntil: number;
  #isLost = false;

  /** @param heldSince monotonic milliseconds. Only `acquireExclusive` makes one. */
  constructor(options: ExclusiveLeaseOptions, lease: Lease, heldSince: number) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silent;
    this.#lease = lease;
    this.#validUntil = heldSince + options.durationSeconds * 1000;
    this.epoch = lease.spec?.leaseTransitions ?? 0;
    this.uid = lease.metadata.uid ?? '';
    this.identity = options.identity;
    this.#renewing = this.#renewUntilStopped();
  }

  /** Whether nobody else can have it at this moment, so far as our clock can tell. */
  held(): boolean {
    return !this.#isLost && !this.#stop.signal.aborted && this.#clock.monotonic() < this.#validUntil;
  }

  /** Called once when the Lease is lost, at once when it is already; never after `release()`. */
  onLost(listener: () => void): void {
    if (this.#isLost) listener();
    else this.#listeners.push(listener);
  }

  /** Makes it free for the next. Never rejects: what cannot be released expires. */
  async release(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    await this.#renewing;
    if (this.#isLost) return;
    const { client } = this.#options;
    try {
      const spec = releasedSpec(this.#lease.spec, this.#clock.now());
      await client.replace(leases, { ...this.#lease, spec });
    } catch (error) {
      this.#log.warn({ kind: kindOf(error) }, 'Could not release the Lease; it expires');
    }
  }

  async #renewUntilStopped(): Promise<void> {
    const third = (this.#options.durationSeconds * 1000) / 3;
    const stop = this.#stop.signal;
    let pause = third;
    while (!stop.aborted && !this.#isLost) {
      await sleep(
        this.#clock,
        Math.max(0, Math.min(pause, this.#validUntil - this.#clock.monotonic())),
        stop,
      );
      if (isAborted(stop)) return;
      if (this.#clock.monotonic() >= this.#validUntil) this.#lose('Not renewed in time');
      else pause = (await this.#renew()) ? third : Math.min(pollMs, third / 4);
    }
  }

  /** Whether it was renewed. A conflict need not be a loss: a label may have been set. */
  async #renew(): Promise<boolean> {
    const { client, namespace, name } = this.#options;
    const at = this.#clock.monotonic();
    const limit = new AbortController();
    const cancel = this.#clock.after(this.#validUntil - at, () => limit.abort());
    const { signal } = limit;
    try {
      const spec = heldSpec(this.#lease.spec, { ...this.#options, now: this.#clock.now() });
      this.#lease = await client.replace(leases, { ...this.#lease, spec }, { signal });
      this.#validUntil = at + this.#options.durationSeconds * 1000;
      return true;
    } catch (error) {
      if (isKubeError(error, 'notFound')) this.#lose('It was deleted');
      else this.#log.warn({ kind: kindOf(error) }, 'Could not renew the Lease');
      // Also after an uncertain write, which may have made the resourceVersion that we know an old one.
      if (!this.#isLost) await this.#lookAgain({ namespace, name }, signal);
      return false;
    } finally {
      cancel();
    }
  }

  async #lookAgain(ref: { namespace: string; name: string }, signal: AbortSignal): Promise<void> {
    try {
      const lease = await this.#options.client.get(leases, ref, { signal });
      const { holderIdentity, leaseTransitions } = lease.spec ?? {};
      const isOurs = holderIdentity === this.identity && leaseTransitions === this.epoch;
      if (isOurs && lease.metadata.uid === this.uid) this.#lease = lease;
      else this.#lose('Another holds it');
    } catch (error) {
      if (isKubeError(error, 'notFound')) this.#lose('It was deleted');
    }
  }

  #lose(why: string): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#log.warn({ why }, 'Lost the Lease');
    for (const listener of this.#listeners) listener();
  }
}

function kindOf(error: unknown): string {
  return isKubeError(error) ? error.kind : 'aborted';
}
