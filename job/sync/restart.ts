import { historyStart } from '../plan/history.ts';
import { restartWalks } from '../store/folders.ts';
import { fenced } from '../store/lease.ts';
import { translated } from '../store/pool.ts';
import {
  loadState,
  saveHistory,
  savePrimaryCursor,
  saveScope,
  type Scope,
  type SyncState,
} from '../store/state.ts';
import { sweepHistory } from '../store/walks.ts';
import type { SyncContext } from './context.ts';

/**
 * What makes every walk begin anew, besides Graph's own reset codes: a person who asks for a full resync, and another
 * history setting. Nothing is deleted for it; rows that the new walks do not meet are verified and swept as ever.
 */

/** Drops all cursors, the folder list's too. Once per run, however many attempts and passes it takes. */
export async function restartAll({ pool, lease, owner, log }: SyncContext): Promise<void> {
  const { scope } = await translated(() => loadState(pool, owner.providerId));
  if (scope === null) return;
  await fenced(pool, lease, async (transaction) => {
    await restartWalks(transaction, owner.providerId);
    await saveScope(transaction, owner.providerId, { scope, primaryCursor: null });
  });
  log.info('Walking the whole mailbox anew, as asked');
}

/**
 * A new history setting walks everything anew: further back, or with what is too old swept.
 * @returns the state as it stands after that
 */
export async function settleHistory(
  context: SyncContext,
  state: SyncState & { scope: Scope },
): Promise<SyncState & { scope: Scope }> {
  const { pool, lease, owner, plan, clock, tally } = context;
  if (state.historySetting === plan.history) return state;
  const from = historyStart(plan.history, new Date(clock.now()));
  tally.removed += await fenced(pool, lease, async (transaction) => {
    await saveHistory(transaction, owner.providerId, { setting: plan.history, from });
    if (state.historySetting === null) return 0;
    await restartWalks(transaction, owner.providerId);
    if (state.scope === 'Mailbox') await savePrimaryCursor(transaction, owner.providerId, null);
    return from ? sweepHistory(transaction, owner.providerId, from) : 0;
  });
  return { ...(await translated(() => loadState(pool, owner.providerId))), scope: state.scope };
}
