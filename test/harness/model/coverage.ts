/**
 * No cursor ever stands past an unstored message: this is what makes it safe to kill a sync anywhere. The stored
 * cursors are opened (they are the simulator's own) to see what they claim to have been told, and the change log of
 * the mailbox says what that was; whatever of it is still in the mailbox must be in the tables.
 */
import type { TestDatabase } from '../database.ts';
import { type Change, FOLDER_LIST_SCOPE, MAILBOX_SCOPE } from '../graph/changeLog.ts';
import { byItem } from '../graph/delta.ts';
import type { SimulatedMailbox } from '../graph/mailbox.ts';
import { hash, shuffled } from '../graph/random.ts';
import { type Cursor, decodeCursor } from '../graph/tokens.ts';
import { expectedRows } from '../mirror.ts';

interface Stored {
  readonly scope: 'Folders' | 'Mailbox' | null;
  readonly primary: string | null;
  readonly list: string | null;
  readonly folders: readonly { folderId: string; listed: boolean; tracked: boolean; cursor: string | null }[];
  readonly messages: readonly string[];
  /** Messages that the job knows it has still to ask about. */
  readonly deferred: readonly string[];
}

/** One statement, hence one snapshot: the server may still be finishing what a killed process had begun. */
const snapshot = `
  SELECT s."deltaScope" AS "scope", p."outlookSyncCursor" AS "primary",
    CASE s."deltaScope" WHEN 'Folders' THEN p."outlookSyncCursor" ELSE s."listLink" END AS "list",
    (SELECT coalesce(json_agg(json_build_object(
       'folderId', "folderId", 'listed', "listed", 'tracked', "tracked", 'cursor', "cursor")), '[]')
     FROM outlook_folder_cursors WHERE "providerId" = p."id") AS "folders",
    (SELECT coalesce(json_agg("externalMessageId"), '[]')
     FROM external_email_messages WHERE "providerId" = p."id"::text) AS "messages",
    (SELECT coalesce(json_agg("externalMessageId"), '[]')
     FROM outlook_deferred_checks WHERE "providerId" = p."id") AS "deferred"
  FROM email_providers p JOIN outlook_sync_state s ON s."providerId" = p."id"
  WHERE lower(p."email") = lower($1)`;

/** A message or a folder, as a walk comes to it. */
interface Item {
  readonly serial: number;
  /** Where a first round lists it. */
  readonly position: readonly [number, number];
}

class Coverage {
  readonly #mailbox: SimulatedMailbox;
  readonly #seed: number;
  readonly #histories = new Map<string, Map<number, Change[]>>();

  constructor(mailbox: SimulatedMailbox, simulatorSeed: number) {
    this.#mailbox = mailbox;
    this.#seed = hash(simulatorSeed, mailbox.seed);
  }

  #historyOf(scope: string, serial: number): readonly Change[] {
    const histories = this.#histories.get(scope) ?? byItem(this.#mailbox.log.between(scope, 0, Infinity));
    this.#histories.set(scope, histories);
    return histories.get(serial) ?? [];
  }

  /** The cursor of a stored link; undefined for none. Throws for a link that the simulator never gave. */
  open(link: string | null): Cursor | undefined {
    if (link === null) return undefined;
    const { searchParams } = new URL(link);
    const text = searchParams.get('$skiptoken') ?? searchParams.get('$deltatoken');
    const cursor = text === null ? undefined : decodeCursor(text, this.#mailbox.userId);
    if (cursor === undefined) throw new Error('A stored cursor is none that the simulator gave');
    return cursor;
  }

  /** Whether the pages before `cursor` have told that the item is there. */
  hasTold(cursor: Cursor, item: Item): boolean {
    const { scope, since, until } = cursor;
    const history = this.#historyOf(scope, item.serial);
    const came = history.findLast(({ kind }) => kind !== 'updated')?.sequence ?? 0;
    if (cursor.kind === 'delta') return came <= until;
    if (since === undefined) return came <= until && isPast(cursor.after, item.position);
    if (came <= since) return true;
    const changes = this.#mailbox.log.between(scope, since, until);
    const told = shuffled([...byItem(changes)], hash(this.#seed, scope, since, until)).slice(0, cursor.given);
    return came <= until && told.some(([serial]) => serial === item.serial);
  }
}

function isPast(after: Cursor['after'], position: Item['position']): boolean {
  if (after === undefined) return false;
  return position[0] < after[0] || (position[0] === after[0] && position[1] <= after[1]);
}

function lostFolders(stored: Stored, mailbox: SimulatedMailbox, coverage: Coverage): string[] {
  const cursor = coverage.open(stored.list);
  if (cursor?.scope !== FOLDER_LIST_SCOPE) return [];
  const known = new Set(stored.folders.filter(({ listed }) => listed).map(({ folderId }) => folderId));
  return mailbox.tree.all().flatMap(({ id, serial, displayName }) => {
    const position = [hash(mailbox.seed, 'folders', serial), serial] as const;
    const lost = !known.has(id) && coverage.hasTold(cursor, { serial, position });
    return lost ? [`The cursor of the folder list stands past the folder "${displayName}"`] : [];
  });
}

function lostMessages(stored: Stored, mailbox: SimulatedMailbox, coverage: Coverage): string[] {
  const whole = stored.scope === 'Mailbox' ? coverage.open(stored.primary) : undefined;
  const tracked = new Map(
    stored.folders.filter((folder) => folder.tracked).map(({ folderId, cursor }) => [folderId, cursor]),
  );
  const known = new Set([...stored.messages, ...stored.deferred]);
  return expectedRows(mailbox).flatMap(({ externalMessageId }) => {
    const record = mailbox.store.find(externalMessageId);
    if (record === undefined || known.has(externalMessageId) || !tracked.has(record.folderId)) return [];
    const cursor = whole ?? coverage.open(tracked.get(record.folderId) ?? null);
    const { serial } = record;
    const position = [mailbox.store.sortKey(record, 'arbitrary'), serial] as const;
    if (cursor === undefined || !coverage.hasTold(cursor, { serial, position })) return [];
    const which = cursor.scope === MAILBOX_SCOPE ? 'mailbox' : 'folder';
    return [`The cursor of the ${which} stands past message ${serial} (…${externalMessageId.slice(-11)})`];
  });
}

/** Messages and folders that a stored cursor stands past although no table has them; empty when all is well. */
export async function unstoredBehindCursors(
  database: TestDatabase,
  mailbox: SimulatedMailbox,
  simulatorSeed: number,
): Promise<string[]> {
  const [stored] = await database.query<Stored & Record<string, unknown>>(snapshot, [mailbox.email]);
  if (stored === undefined) return [];
  const coverage = new Coverage(mailbox, simulatorSeed);
  return [...lostFolders(stored, mailbox, coverage), ...lostMessages(stored, mailbox, coverage)];
}
