import { SyncError } from '../errors.ts';
import { isUnsupported } from '../graph/answer.ts';
import { isOnOrigin } from '../graph/links.ts';
import { unexpectedRefusal } from '../graph/page.ts';
import { fenced } from '../store/lease.ts';
import { loadFolders, restartWalks } from '../store/folders.ts';
import { translated } from '../store/pool.ts';
import {
  loadState,
  saveList,
  saveMailboxPath,
  savePrimaryCursor,
  saveScope,
  type Scope,
  type SyncState,
} from '../store/state.ts';
import { restartAll } from './restart.ts';
import type { SyncContext } from './context.ts';

/**
 * Whether the mailbox has one message delta or one per folder. The documents of Graph list only the latter, and the
 * service refuses `/me/messages/delta` ("Change tracking is not supported", microsoftgraph/msgraph-metadata#607)
 * although the metadata has it; so `Auto` asks once and remembers the answer for good.
 */
export async function settleScope(context: SyncContext): Promise<SyncState & { scope: Scope }> {
  const { pool, lease, owner, urls } = context;
  await dropForeignCursors(context);
  const state = await translated(() => loadState(pool, owner.providerId));
  const scope = await chooseScope(context, state.scope);
  if (state.mailboxPath !== urls.path) await settlePath(context, state);
  if (state.scope !== scope) {
    const primaryCursor = state.scope === null ? adopt(state.primaryCursor, scope, urls.path) : null;
    await fenced(pool, lease, (transaction) =>
      saveScope(transaction, owner.providerId, { scope, primaryCursor }),
    );
    context.log.info({ scope }, 'Settled the delta scope');
  }
  return { ...(await translated(() => loadState(pool, owner.providerId))), scope };
}

/** Cursors of `/me` are refused to an app-only token, and those of `/users/…` to a delegated one: another path walks anew. */
async function settlePath(context: SyncContext, state: SyncState): Promise<void> {
  const { pool, lease, owner, urls } = context;
  if (state.mailboxPath !== null) await restartAll(context);
  await fenced(pool, lease, (transaction) => saveMailboxPath(transaction, owner.providerId, urls.path));
}

async function chooseScope(context: SyncContext, known: Scope | null): Promise<Scope> {
  const wanted = context.plan.deltaScope;
  if (wanted === 'Folders') return 'Folders';
  if (wanted === 'Mailbox' && known === 'Mailbox') return 'Mailbox';
  if (wanted === 'Auto' && known !== null) return known;
  const answer = await context.client.send({ url: context.urls.mailboxDelta(null) });
  if (answer.ok) return 'Mailbox';
  if (!isUnsupported(answer)) throw unexpectedRefusal(answer);
  if (wanted === 'Auto') return 'Folders';
  const message =
    'Graph tracks no changes of /messages as a whole; set OUTLOOK_SYNC_DELTA_SCOPE to Auto or Folders';
  throw new SyncError('DeltaScopeUnsupported', message);
}

/** A cursor that was there before us is kept only if it is one of the kind that this scope keeps there. */
function adopt(cursor: string | null, scope: Scope, mailboxPath: string): string | null {
  const resource = scope === 'Mailbox' ? '/messages/delta' : '/mailFolders/delta';
  const path = URL.parse(cursor ?? '')?.pathname.toLowerCase() ?? '';
  return path.endsWith(`${mailboxPath}${resource}`.toLowerCase()) ? cursor : null;
}

/** Cursors are persisted URLs that a bearer token is sent to: one that leads elsewhere is refused, told and dropped. */
async function dropForeignCursors(context: SyncContext): Promise<void> {
  const { pool, lease, owner, client, log } = context;
  const { providerId } = owner;
  const isForeign = (link: string | null): boolean => link !== null && !isOnOrigin(link, client.baseUrl);
  const state = await translated(() => loadState(pool, providerId));
  const folders = (await translated(() => loadFolders(pool, providerId))).filter((one) =>
    isForeign(one.cursor),
  );
  const primary = isForeign(state.primaryCursor);
  const list = isForeign(state.list.link);
  if (!primary && !list && folders.length === 0) return;
  const cursors = folders.length + Number(primary || list);
  log.warn({ cursors }, 'Refused stored cursors that lead away from Graph; walking anew');
  await fenced(pool, lease, async (transaction) => {
    const ids = folders.map(({ id }) => id);
    await restartWalks(transaction, providerId, ids);
    if (primary) await savePrimaryCursor(transaction, providerId, null);
    if (!list || state.scope !== 'Mailbox') return;
    const anew = { ...state.list, link: null, steady: false, pages: [] };
    await saveList(transaction, providerId, { scope: state.scope, list: anew });
  });
}
