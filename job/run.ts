import type { Logger } from 'pino';
import type { DatabasePool } from 'slonik';
import type { Agent } from 'undici';
import type { PushReport, RunReport } from '../api/runReport.ts';
import { assemble } from './assemble.ts';
import type { Settings } from './config.ts';
import { Interrupted, stackOf, SyncError, toSyncError } from './errors.ts';
import { deliverEvents } from './events.ts';
import { type Cluster, type Counts, takeLeases } from './exclusivity.ts';
import { type Clock, sleepUntil } from './graph/gate.ts';
import { openAgent } from './graph/http.ts';
import { LeaseGuard } from './guard.ts';
import { backoff } from './plan/retryAfter.ts';
import { subscribe } from './push/subscribe.ts';
import { reportOf } from './report.ts';
import { shownError, type Summary } from './result.ts';
import { type Lease, leaseLost } from './store/lease.ts';
import { markConnected, markFailed, markInterrupted, markSyncing } from './store/lifecycle.ts';
import { assertMigrated } from './store/migrate.ts';
import { openPool } from './store/pool.ts';
import { type Provider, type ProviderClaim, resolveProvider } from './store/provider.ts';
import { storedCount } from './store/storedCount.ts';
import { reencryptTokens } from './store/tokens.ts';
import { isStopping, type SyncContext } from './sync/context.ts';
import { cursorState, syncPass } from './sync/pass.ts';
import { restartAll } from './sync/restart.ts';

/**
 * One run: provider, lease, attempts, status. The lease is taken once and kept over all attempts; whatever happens,
 * the run ends with the lease given back and the provider's row saying what became of it, in one transaction, unless
 * the lease was lost, in which case it writes nothing at all.
 */
export interface RunRequest {
  readonly settings: Settings;
  readonly claim: ProviderClaim;
  /** `userPrincipalName` or id of the mailbox, for app-only access. */
  readonly user: string;
  readonly log: Logger;
  /** Aborted on SIGTERM. */
  readonly signal: AbortSignal;
  /** Absent: standalone. */
  readonly cluster?: Cluster;
}

/** What was obtained so far; a failure may come at any of it. */
interface Held {
  readonly agent: Agent;
  pool: DatabasePool | null;
  provider: Provider | null;
  lease: Lease | null;
  guard: LeaseGuard | null;
  context: SyncContext | null;
}

type Outcome = Omit<
  Summary,
  'attempts' | 'durationMs' | 'providerId' | 'upserted' | 'removed' | 'quarantined'
>;

export class Run {
  readonly #request: RunRequest;
  readonly #stop = new AbortController();
  readonly #clock: Clock;
  readonly #held: Held;
  readonly #started = Date.now();
  #lost = false;
  #restarts: boolean;
  #attempts = 0;
  /** Null as long as the run has not got there. */
  #push: PushReport | null = null;

  constructor(request: RunRequest) {
    this.#request = request;
    const { settings, signal, cluster } = request;
    this.#restarts = settings.OUTLOOK_SYNC_TRIGGER === 'resync';
    if (signal.aborted) this.#stop.abort();
    signal.addEventListener('abort', () => this.#stop.abort(), { once: true });
    const agent = openAgent(settings.OUTLOOK_SYNC_REQUEST_TIMEOUT_MS);
    this.#held = { agent, pool: null, provider: null, lease: null, guard: null, context: null };
    const deadline = this.#started + settings.OUTLOOK_SYNC_DEADLINE_SECONDS * 1000;
    this.#clock = { now: Date.now, random: Math.random, signal: this.#stop.signal, deadline };
    cluster?.onLost(this.#onLost);
  }

  /** Never throws: whatever goes wrong is the summary's `error`. */
  async execute(): Promise<{ summary: Summary; error: SyncError | null; report: RunReport }> {
    const { outcome, error } = await this.#attemptAll().catch((thrown: unknown) => this.#failed(thrown));
    this.#held.guard?.stop();
    const summary = this.#summary(outcome);
    const report = await this.#report(summary);
    await this.#wrapUp(error?.code === 'LeaseLost');
    return { summary, error, report };
  }

  #summary(outcome: Outcome): Summary {
    const { upserted, removed, quarantined } = this.#held.context?.tally ?? nothingDone;
    const { status, cursor, ...rest } = outcome;
    const providerId = this.#held.provider?.id ?? this.#request.claim.providerId;
    const attempts = Math.max(1, this.#attempts);
    const durationMs = Date.now() - this.#started;
    return { status, providerId, upserted, removed, quarantined, cursor, attempts, durationMs, ...rest };
  }

  /** Told to the cluster while its Lease is held; that in Postgres has been given back by then. */
  async #report(summary: Summary): Promise<RunReport> {
    const { cluster } = this.#request;
    const times = { startedAt: new Date(this.#started), finishedAt: new Date() };
    const stored = cluster ? await this.#stored().catch(() => null) : null;
    const report = { ...reportOf(summary, times, stored), ...(this.#push && { push: this.#push }) };
    const reported = (await cluster?.end(report, summary.quarantined)) ?? false;
    return { ...report, reported };
  }

  async #stored(): Promise<number | null> {
    const { pool, provider } = this.#held;
    return pool && provider && storedCount(pool, provider.id);
  }

  async #progress(): Promise<Counts> {
    const { upserted, removed } = this.#held.context?.tally ?? nothingDone;
    return { upserted, removed, stored: (await this.#stored()) ?? 0 };
  }

  /**
   * Events go out when the lease is back already: a slow sink keeps nobody from syncing. A run that lost its lease
   * leaves them to its successor.
   */
  async #wrapUp(lost: boolean): Promise<void> {
    const { pool, lease } = this.#held;
    const { settings, log } = this.#request;
    const { agent } = this.#held;
    const { NOTIFICATION_SINK_URL: sinkUrl } = settings;
    if (pool && lease && !lost) await deliverEvents(pool, lease.providerId, { agent, sinkUrl, log });
    await agent.destroy();
    await pool?.end().catch(() => undefined);
  }

  async #attemptAll(): Promise<{ outcome: Outcome; error: null }> {
    const { settings, log } = this.#request;
    const jitter = settings.OUTLOOK_SYNC_SCHEDULER_JITTER_MS;
    if (settings.OUTLOOK_SYNC_TRIGGER === 'schedule') await this.#sleep(jitter * Math.random());
    for (;;) {
      this.#attempts += 1;
      try {
        return { outcome: await this.#attempt(), error: null };
      } catch (thrown) {
        const error = this.#meaning(thrown);
        if (!(error instanceof SyncError) || error.retry !== 'retry') throw error;
        if (this.#attempts > settings.OUTLOOK_SYNC_SCHEDULER_RETRIES) throw error;
        const wait = backoff(
          this.#attempts - 1,
          settings.OUTLOOK_SYNC_SCHEDULER_RETRY_BACKOFF_MS,
          60_000,
          () => 1,
        );
        log.warn({ code: error.code, reason: error.message, attempts: this.#attempts }, 'An attempt failed');
        await this.#sleep(wait + jitter * Math.random());
      }
    }
  }

  async #sleep(duration: number): Promise<void> {
    await sleepUntil(this.#clock.now() + duration, this.#clock);
  }

  /** After a lost lease everything else that fails is its consequence. */
  #meaning(thrown: unknown): SyncError | Interrupted {
    if (this.#lost || this.#held.lease?.isGuarded?.() === false) return leaseLost();
    return thrown instanceof Interrupted ? thrown : toSyncError(thrown);
  }

  async #attempt(): Promise<Outcome> {
    const { settings, claim, log, cluster } = this.#request;
    const held = this.#held;
    // Side by side: neither waits for the other, and nothing is written before both are there.
    const taking = cluster?.takeLease(this.#clock.signal);
    const opening = this.#openDatabase();
    await Promise.allSettled([taking, opening]);
    const [standing, pool] = [await taking, await opening];
    held.provider = await resolveProvider(pool, claim);
    if (!held.lease) {
      const { id: providerId } = held.provider;
      const seconds = settings.OUTLOOK_SYNC_LEASE_SECONDS;
      const request = { providerId, seconds, clock: this.#clock, cluster, standing };
      const taken = await takeLeases(pool, request);
      if (!taken.acquired) return this.#skipped(taken.holder);
      held.lease = taken.lease;
      held.guard = new LeaseGuard({ pool, lease: taken.lease, onLost: this.#onLost, log });
      const { holder, epoch } = taken.lease;
      log.info({ provider: providerId, holder, epoch }, 'Took the lease');
      cluster?.begin(new Date(this.#started), () => this.#progress());
    }
    return this.#sync(pool, held.lease);
  }

  async #openDatabase(): Promise<DatabasePool> {
    const { DATABASE_URL: databaseUrl, OUTLOOK_SYNC_LEASE_SECONDS: seconds } = this.#request.settings;
    this.#held.pool ??= await openPool({ databaseUrl, idleInTransaction: seconds * 1000 });
    await assertMigrated(this.#held.pool);
    return this.#held.pool;
  }

  /** Of either lease. */
  readonly #onLost = (): void => {
    this.#lost = true;
    this.#stop.abort();
  };

  #skipped(holder: string): Outcome {
    this.#request.log.info({ holder }, 'Another run holds the lease; it was asked for one more pass');
    return { status: 'skipped', holder, cursor: 'None' };
  }

  async #sync(pool: DatabasePool, lease: Lease): Promise<Outcome> {
    const { claim, log } = this.#request;
    await markSyncing(pool, lease);
    if (await reencryptTokens(pool, lease, this.#request.settings.OUTLOOK_TOKEN_ENCRYPTION_KEYS)) {
      log.info('Encrypted the stored tokens with the first key of the ring');
    }
    const { settings, user } = this.#request;
    const { agent } = this.#held;
    const parts = { settings, pool, lease, userId: claim.userId, user, clock: this.#clock, log, agent };
    this.#held.context ??= assemble(parts);
    const context = this.#held.context;
    for (let passes = 1; ; passes += 1) {
      const began = this.#clock.now();
      if (this.#restarts) await restartAll(context);
      this.#restarts = false;
      await syncPass(context);
      const cursor = await cursorState(context);
      if (this.#clock.signal.aborted) throw new Interrupted('Stopped between two pages');
      const { requests } = context.client;
      const durationMs = this.#clock.now() - began;
      log.info({ ...context.tally.counts(), requests, cursor, durationMs }, 'Finished a pass');
      if (await this.#subscribe(context)) {
        log.info('Makes one more pass, for changes that no notification tells of');
        continue;
      }
      const final = passes >= mostPasses || this.#clock.now() >= this.#clock.deadline;
      const again = await markConnected(pool, lease, { workspaceId: claim.workspaceId, final });
      if (!again) return { status: 'connected', cursor };
      log.info('Another run asked for one more pass');
    }
  }

  /**
   * Once per run, after its first pass.
   * @returns whether one more pass is wanted, for changes that nobody was told of
   */
  async #subscribe(context: SyncContext): Promise<boolean> {
    if (this.#push !== null || isStopping(context)) return false;
    const { settings, cluster } = this.#request;
    const eventAt = (await cluster?.subscriptionEventAt()) ?? null;
    const { report, wantsPass } = await subscribe({ context, settings, eventAt });
    this.#push = report;
    return wantsPass;
  }

  async #failed(thrown: unknown): Promise<{ outcome: Outcome; error: SyncError | null }> {
    const { log, claim } = this.#request;
    const meaning = this.#meaning(thrown);
    const { pool, lease } = this.#held;
    const cursor = await this.#cursor();
    if (meaning instanceof Interrupted) {
      if (pool && lease) await this.#settle(() => markInterrupted(pool, lease));
      log.info({ cursor }, 'Stopped as told; the next run goes on from here');
      return { outcome: { status: 'interrupted', cursor }, error: null };
    }
    if (meaning.code === 'InternalError') log.error({ err: stackOf(meaning.cause) }, 'A bug');
    log.error({ code: meaning.code, reason: meaning.message, attempts: this.#attempts }, 'The sync failed');
    if (pool && lease && meaning.code !== 'LeaseLost') {
      const failure = { error: meaning, attempts: this.#attempts, workspaceId: claim.workspaceId };
      await this.#settle(() => markFailed(pool, lease, failure));
    }
    return { outcome: { status: 'error', cursor, error: shownError(meaning) }, error: meaning };
  }

  async #cursor(): Promise<Summary['cursor']> {
    const { context } = this.#held;
    return context ? cursorState(context).catch(() => 'None' as const) : 'None';
  }

  /** The last word in the row is worth a few tries: a database that was cut off may be back in a moment. */
  async #settle(write: () => Promise<void>): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await write();
        return;
      } catch (error) {
        const { code, retry } = toSyncError(error);
        this.#request.log.warn({ code }, 'Could not write the outcome to the provider’s row');
        if (retry !== 'retry' || tries >= 3) return;
      }
    }
  }
}

const mostPasses = 10;
const nothingDone = { upserted: 0, removed: 0, quarantined: 0 };
