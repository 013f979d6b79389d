import type { Logger } from 'pino';
import type { DatabasePool } from 'slonik';
import { SyncError } from './errors.ts';
import { type Lease, renewLease } from './store/lease.ts';

/**
 * Keeps the lease of a run alive, at a third of its duration. When it is lost the run is told to stop; that nothing
 * is written any more does not rest on this timer but on the fence in every transaction.
 */
export class LeaseGuard {
  readonly #pool: DatabasePool;
  readonly #lease: Lease;
  readonly #onLost: () => void;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: { pool: DatabasePool; lease: Lease; onLost: () => void; log: Logger }) {
    this.#pool = options.pool;
    this.#lease = options.lease;
    this.#onLost = options.onLost;
    this.#log = options.log;
    this.#schedule(options.lease.seconds / 3);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(seconds: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#renew(), seconds * 1000);
  }

  async #renew(): Promise<void> {
    const { seconds } = this.#lease;
    try {
      await renewLease(this.#pool, this.#lease);
      this.#schedule(seconds / 3);
    } catch (error) {
      if (this.#stopped) return;
      const code = error instanceof SyncError ? error.code : 'InternalError';
      this.#log.warn({ code }, 'Could not renew the lease');
      if (code === 'LeaseLost') this.#onLost();
      else this.#schedule(Math.min(1, seconds / 6));
    }
  }
}
