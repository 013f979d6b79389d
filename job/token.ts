import type { Logger } from 'pino';
import type { DatabasePool } from 'slonik';
import { SyncError } from './errors.ts';
import type { TokenSource } from './graph/client.ts';
import { type Grant, type IssuedTokens, type LoginOptions, redeem } from './graph/login.ts';
import { type KeyRing, seedHash } from './store/cipher.ts';
import type { Lease } from './store/lease.ts';
import { loadTokens, saveTokens, type StoredTokens } from './store/tokens.ts';

/**
 * The access token of a run. It is refreshed five minutes before it expires; a rotated refresh token is in the
 * database before the answer is used for anything else; of two refreshes at once the row decides, never the clock.
 */
export interface TokenOptions {
  readonly pool: DatabasePool;
  readonly lease: Lease;
  readonly ring: KeyRing;
  readonly login: LoginOptions;
  readonly log: Logger;
  /** The scope of an app-only token, or null in delegated mode. */
  readonly appScope: string | null;
  /** The grant as the administrator gave it, or null. */
  readonly seed: string | null;
}

interface Usable {
  readonly accessToken: string;
  readonly expiresAt: number;
}

const margin = 5 * 60_000;
const appOnly = 'application';

/** Which grant to redeem, and what to remember of where it came from. Pure; exported for its table of cases. */
export function chooseGrant(
  stored: Pick<StoredTokens, 'refreshToken' | 'unreadable' | 'seedHash'>,
  options: { appScope: string | null; seed: string | null; hash: string | null },
): { grant: Grant; seedHash: string | null } {
  const { appScope, seed, hash } = options;
  if (appScope !== null) return { grant: { type: 'client_credentials', scope: appScope }, seedHash: appOnly };
  const newSignIn = seed !== null && hash !== stored.seedHash;
  if (stored.refreshToken !== null && !newSignIn) {
    return { grant: { type: 'refresh_token', refreshToken: stored.refreshToken }, seedHash: stored.seedHash };
  }
  if (seed !== null) return { grant: { type: 'refresh_token', refreshToken: seed }, seedHash: hash };
  if (stored.unreadable) {
    const message =
      'No key of OUTLOOK_TOKEN_ENCRYPTION_KEYS reads the stored tokens; set OUTLOOK_REFRESH_TOKEN';
    throw new SyncError('TokenUnreadable', message);
  }
  throw new SyncError('RefreshTokenMissing', 'There is no grant yet; set OUTLOOK_REFRESH_TOKEN');
}

export class ProviderTokens implements TokenSource {
  readonly #options: TokenOptions;
  readonly #hash: string | null;
  #usable: Usable | null = null;
  #refreshing: Promise<Usable> | null = null;

  constructor(options: TokenOptions) {
    this.#options = options;
    this.#hash = options.seed === null ? null : seedHash(options.lease.providerId, options.seed);
  }

  async current(): Promise<string> {
    if (!this.#isFresh(this.#usable)) this.#usable = await this.#once(false);
    return this.#usable.accessToken;
  }

  async renew(rejected: string): Promise<string> {
    if (this.#usable === null || this.#usable.accessToken === rejected) this.#usable = await this.#once(true);
    return this.#usable.accessToken;
  }

  /** However many requests need a token, one refresh is under way. */
  async #once(rejected: boolean): Promise<Usable> {
    this.#refreshing ??= this.#obtain(rejected).finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  #isFresh(token: Usable | null): token is Usable {
    return token !== null && token.expiresAt - this.#options.login.clock.now() > margin;
  }

  async #obtain(rejected: boolean): Promise<Usable> {
    const stored = await this.#load();
    const known = rejected ? null : this.#storedToken(stored);
    return known ?? this.#refresh(stored);
  }

  #load(): Promise<StoredTokens> {
    const { pool, lease, ring } = this.#options;
    return loadTokens(pool, lease.providerId, ring);
  }

  /** The stored access token, where it is fresh and belongs to the grant that this run would use. */
  #storedToken({ accessToken, expiresAt, seedHash: origin }: StoredTokens): Usable | null {
    const { appScope, seed } = this.#options;
    const sameOrigin =
      appScope === null ? origin !== appOnly && (seed === null || origin === this.#hash) : origin === appOnly;
    if (accessToken === null || expiresAt === null || !sameOrigin) return null;
    const token = { accessToken, expiresAt };
    return this.#isFresh(token) ? token : null;
  }

  async #refresh(stored: StoredTokens): Promise<Usable> {
    const { appScope, seed } = this.#options;
    const { grant, seedHash: origin } = chooseGrant(stored, { appScope, seed, hash: this.#hash });
    let answer: IssuedTokens;
    try {
      answer = await redeem(this.#options.login, grant);
    } catch (error) {
      if (!(error instanceof SyncError) || error.code !== 'ReauthorizationRequired') throw error;
      return this.#afterLostRace(stored, error);
    }
    const saved = await this.#save({ ...answer, seedHash: origin }, stored.version);
    if (!saved) return this.#afterLostRace(stored, null);
    this.#options.log.info({ rotated: answer.refreshToken !== null }, 'Refreshed the access token');
    return answer;
  }

  /** The answer is worth more than one try: dropping a rotated token could cost the user a sign-in. */
  async #save(tokens: IssuedTokens & { seedHash: string | null }, version: string | null): Promise<boolean> {
    const { pool, lease, ring } = this.#options;
    for (let tries = 1; ; tries += 1) {
      try {
        return await saveTokens(pool, lease, { ring, tokens, version });
      } catch (error) {
        if (tries >= 3 || !(error instanceof SyncError) || error.retry !== 'retry') throw error;
      }
    }
  }

  /**
   * Somebody else rotated the token meanwhile, or the grant is dead. The row tells: if it holds other tokens than
   * before, they are used; if not, the refusal stands.
   */
  async #afterLostRace(before: StoredTokens, refusal: SyncError | null): Promise<Usable> {
    const now = await this.#load();
    if (now.version === before.version && refusal) throw refusal;
    this.#options.log.info('Another program refreshed the token first, using its result');
    const theirs = this.#storedToken(now);
    if (theirs) return theirs;
    const { appScope, seed } = this.#options;
    const { grant, seedHash: origin } = chooseGrant(now, { appScope, seed, hash: this.#hash });
    const answer = await redeem(this.#options.login, grant);
    await this.#save({ ...answer, seedHash: origin }, now.version);
    return answer;
  }
}
