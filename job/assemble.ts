import type { Logger } from 'pino';
import type { DatabasePool } from 'slonik';
import type { Agent } from 'undici';
import { endpoints, type Settings } from './config.ts';
import { GraphClient } from './graph/client.ts';
import type { Clock } from './graph/gate.ts';
import { MailboxUrls } from './graph/page.ts';
import type { Lease } from './store/lease.ts';
import { PageBudget, type SyncContext, type SyncPlan, Tally } from './sync/context.ts';
import { ProviderTokens } from './token.ts';

/** Puts the rooms of a sync together, from the settings of the run. No decision is made here. */
export interface Parts {
  readonly settings: Settings;
  readonly pool: DatabasePool;
  readonly lease: Lease;
  readonly userId: string;
  /** `userPrincipalName` or id of the mailbox, for app-only access. */
  readonly user: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly agent: Agent;
}

export function assemble(parts: Parts): SyncContext {
  const { settings, pool, lease, clock, log } = parts;
  const { graphBaseUrl } = endpoints(settings);
  const appOnly = settings.OUTLOOK_AUTH_MODE === 'Application';
  return {
    pool,
    lease,
    owner: { providerId: lease.providerId, userId: parts.userId },
    client: graphClient(parts),
    urls: new MailboxUrls(graphBaseUrl, appOnly ? parts.user : null),
    plan: planOf(settings),
    clock,
    log,
    tally: new Tally(log, clock.now),
    budget: new PageBudget(settings.OUTLOOK_SYNC_DELTA_PAGE_LIMIT),
  };
}

type Connecting = Pick<Parts, 'settings' | 'pool' | 'lease' | 'clock' | 'log' | 'agent'>;

/** Graph, with the tokens of the provider's row. */
export function graphClient(parts: Connecting): GraphClient {
  const { settings, clock, log, agent } = parts;
  return new GraphClient({
    baseUrl: endpoints(settings).graphBaseUrl,
    tokens: tokensOf(parts),
    clock,
    log,
    agent,
    backoffBase: settings.OUTLOOK_SYNC_SCHEDULER_RETRY_BACKOFF_MS,
    pageSize: settings.OUTLOOK_SYNC_PAGE_SIZE,
  });
}

function tokensOf({ settings, pool, lease, clock, log, agent }: Connecting): ProviderTokens {
  const { tokenUrl, appScope } = endpoints(settings);
  return new ProviderTokens({
    pool,
    lease,
    ring: settings.OUTLOOK_TOKEN_ENCRYPTION_KEYS,
    login: {
      tokenUrl,
      clientId: settings.OUTLOOK_CLIENT_ID,
      clientSecret: settings.OUTLOOK_CLIENT_SECRET,
      clock,
      log,
      agent,
      backoffBase: settings.OUTLOOK_SYNC_SCHEDULER_RETRY_BACKOFF_MS,
    },
    log,
    appScope: settings.OUTLOOK_AUTH_MODE === 'Application' ? appScope : null,
    seed: settings.OUTLOOK_REFRESH_TOKEN ?? null,
  });
}

function planOf(settings: Settings): SyncPlan {
  const pushed = settings.OUTLOOK_SYNC_TRIGGER === 'push';
  return {
    maxMessages: pushed ? settings.OUTLOOK_PUSH_SYNC_MAX_MESSAGES : settings.OUTLOOK_SYNC_MAX_MESSAGES,
    deltaPageLimit: settings.OUTLOOK_SYNC_DELTA_PAGE_LIMIT,
    history: settings.OUTLOOK_SYNC_HISTORY,
    include: settings.OUTLOOK_SYNC_FOLDERS_INCLUDE,
    exclude: settings.OUTLOOK_SYNC_FOLDERS_EXCLUDE,
    deltaScope: settings.OUTLOOK_SYNC_DELTA_SCOPE,
    storeRawPayload: settings.OUTLOOK_SYNC_STORE_RAW_PAYLOAD === 'true',
  };
}
