// The sync as the job runs it, in this process: the whole of a run, with nothing but its page limit lifted, which
// would end it after twenty pages of a folder.
import { createLog } from '../../../job/log.ts';
import { parseSettings, type Settings } from '../../../job/config.ts';
import { Run } from '../../../job/run.ts';
import type { ProviderClaim } from '../../../job/store/provider.ts';
import type { CannedGraph } from '../graph/canned.ts';

export interface SyncTarget {
  readonly databaseUrl: string;
  readonly graph: Pick<CannedGraph, 'graphBaseUrl' | 'tokenUrl'>;
  /** Messages per delta page. */
  readonly pageSize: number;
}

export const owner: ProviderClaim = {
  email: 'ada@contoso.example',
  userId: 'user-1',
  workspaceId: null,
  providerId: null,
};

/** The environment of a job that syncs `target`. */
export function environmentOf({ databaseUrl, graph, pageSize }: SyncTarget): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    OUTLOOK_CLIENT_ID: 'bench',
    OUTLOOK_CLIENT_SECRET: 'bench',
    OUTLOOK_GRAPH_BASE_URL: graph.graphBaseUrl,
    OUTLOOK_TOKEN_URL: graph.tokenUrl,
    OUTLOOK_TOKEN_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
    OUTLOOK_REFRESH_TOKEN: 'bench',
    OUTLOOK_SYNC_PAGE_SIZE: String(pageSize),
    OUTLOOK_SYNC_TRIGGER: 'manual',
    LOG_LEVEL: 'warn',
  };
}

export function settingsOf(env: NodeJS.ProcessEnv): Settings {
  const parsed = parseSettings(env);
  if (!parsed.ok)
    throw new Error(parsed.problems.map(({ name, problem }) => `${name}: ${problem}`).join('; '));
  return parsed.value;
}

/** Syncs until every cursor is steady; rejects when the run ends otherwise. Resolves to the rows it changed. */
export async function syncAll(env: NodeJS.ProcessEnv): Promise<number> {
  const settings = { ...settingsOf(env), OUTLOOK_SYNC_DELTA_PAGE_LIMIT: Number.MAX_SAFE_INTEGER };
  const log = createLog(settings.LOG_LEVEL, 'bench');
  const { signal } = new AbortController();
  const { summary } = await new Run({ settings, claim: owner, user: owner.email, log, signal }).execute();
  if (summary.status === 'connected' && summary.cursor === 'Steady') return summary.upserted;
  throw new Error(`The sync did not come to its end: ${JSON.stringify(summary)}`);
}
