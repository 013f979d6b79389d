import { SyncError } from '../errors.ts';
import { isUnsupported } from '../graph/answer.ts';
import { isOnOrigin } from '../graph/links.ts';
import { unexpectedRefusal } from '../graph/page.ts';
import { fenced } from '../store/lease.ts';
import { loadFolders, updateCursor } from '../store/folders.ts';
import { translated } from '../store/pool.ts';
import { loadState, savePrimaryCursor, saveScope, type Scope, type SyncState } from '../store/state.ts';
import type { SyncContext } from './context.ts';

/**
 * Whether the mailbox has one message delta or one per folder. The documents of Graph list only the latter, and the
 * service refuses `/me/messages/delta` ("Change tracking is not supported", microsoftgraph/msgraph-metadata#607)
 * although the metadata has it; so `Auto` asks once and remembers the answer for good.
 */
export async function settleScope(context: SyncContext): Promise<SyncState & { scope: Scope }> {
  const { pool, lease, owner } = context;
  const state = await translated(() => loadState(pool, owner.providerId));
  const scope = await chooseScope(context, state.scope);
  if (state.scope !== scope) {
    const primaryCursor = state.scope === null ? adopt(state.primaryCursor, scope) : null;
    await fenced(pool, lease, (transaction) =>
      saveScope(transaction, owner.providerId, { scope, primaryCursor }),
    );
    context.log.info({ scope }, 'Settled the delta scope');
  }
  await dropForeignCursors(context);
  const settled = await translated(() => loadState(pool, owner.providerId));
  return { ...settled, scope };
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
function adopt(cursor: string | null, scope: Scope): string | null {
  const kind =
    scope === 'Mailbox' ? /^\/[^?]*(?<!mailFolders\/[^/]*)\/messages\/delta/i : /\/mailFolders\/delta/i;
  return cursor !== null && kind.test(URL.parse(cursor)?.pathname ?? '') ? cursor : null;
}

/** Cursors are persisted URLs that a bearer token is sent to: one that leads elsewhere is refused, told and dropped. */
async function dropForeignCursors(context: SyncContext): Promise<void> {
  const { pool, lease, owner, client, log } = context;
  const isForeign = (link: string | null): boolean => link !== null && !isOnOrigin(link, client.baseUrl);
  const state = await translated(() => loadState(pool, owner.providerId));
  const folders = (await translated(() => loadFolders(pool, owner.providerId))).filter((one) =>
    isForeign(one.cursor),
  );
  const list = isForeign(state.list.link);
  if (!list && !isForeign(state.primaryCursor) && folders.length === 0) return;
  log.warn({ cursors: folders.length + 1 }, 'Refused stored cursors that lead away from Graph; walking anew');
  await fenced(pool, lease, async (transaction) => {
    if (isForeign(state.primaryCursor)) await savePrimaryCursor(transaction, owner.providerId, null);
    if (list)
      await saveScope(transaction, owner.providerId, {
        scope: state.scope ?? 'Folders',
        primaryCursor: null,
      });
    for (const { id } of folders) {
      await updateCursor(transaction, {
        id,
        link: null,
        steady: false,
        pages: [],
        walked: 0,
        filteredFrom: null,
        unfiltered: false,
      });
    }
  });
}
