// What the tables must hold for a simulated mailbox, worked out apart from the job's own code, and what they do hold.
import type { TestDatabase } from './database.ts';
import type { SimulatedMailbox } from './graph/mailbox.ts';

/** A message as the inbox has it, without what every row has (ids of rows, times of writing). */
export interface MirrorRow {
  readonly externalMessageId: string;
  readonly threadId: string | null;
  readonly from: string | null;
  readonly to: readonly string[];
  readonly subject: string | null;
  readonly snippet: string | null;
  /** ISO 8601. */
  readonly internalDate: string | null;
  /** Sorted. */
  readonly labels: readonly string[];
}

const labels: Readonly<Record<string, string>> = {
  inbox: 'INBOX',
  sentitems: 'SENT',
  drafts: 'DRAFT',
  archive: 'ARCHIVE',
  junkemail: 'SPAM',
  deleteditems: 'TRASH',
};

const system = new Set([...Object.values(labels), 'UNREAD']);

const hidden = [
  'junkemail',
  'deleteditems',
  'outbox',
  'syncissues',
  'conflicts',
  'localfailures',
  'serverfailures',
  'conversationhistory',
] as const;

interface Address {
  readonly emailAddress?: { readonly name?: string | null; readonly address?: string | null };
}

const clean = (text: unknown): string | null =>
  typeof text === 'string' ? text.replaceAll('\0', '').toWellFormed() : null;

function addressText(value: unknown): string | null {
  const { name, address } = (value as Address | null | undefined)?.emailAddress ?? {};
  if (name && address) return clean(`${name} <${address}>`);
  return clean([name, address].find((part) => part));
}

/** Null for what is no date, and for the year 1, which is Outlook's way to say so. */
function dateText(value: unknown): string | null {
  const date = new Date(String(value));
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() < 2 ? null : date.toISOString();
}

/** A folder and all below it, by id. */
function withBelow(mailbox: SimulatedMailbox, id: string): string[] {
  const children = mailbox.folders().filter(({ parentFolderId }) => parentFolderId === id);
  return [id, ...children.flatMap((child) => withBelow(mailbox, child.id))];
}

/** Ids of the folders whose messages are not in the unified inbox by default, with all below them. */
function hiddenFolders(mailbox: SimulatedMailbox): Set<string> {
  const tops = hidden.flatMap((name) => mailbox.wellKnown(name)?.id ?? []);
  return new Set(tops.flatMap((id) => withBelow(mailbox, id)));
}

/** The rows that a drained sync with default folders leaves, by id. */
export function expectedRows(mailbox: SimulatedMailbox): MirrorRow[] {
  const none = hiddenFolders(mailbox);
  const labelOf = new Map(
    Object.entries(labels).flatMap(([name, label]) => {
      const folder = mailbox.wellKnown(name);
      return folder ? [[folder.id, label] as const] : [];
    }),
  );
  const rows = mailbox.messages().flatMap((message): MirrorRow[] => {
    const fields = message as unknown as Record<string, unknown>;
    const folder = String(fields['parentFolderId']);
    if (none.has(folder)) return [];
    const label = labelOf.get(folder);
    const unread = fields['isRead'] === false || fields['isRead'] === 'false';
    const categories = ((fields['categories'] ?? []) as string[]).filter((name) => !system.has(name));
    return [
      {
        externalMessageId: String(fields['id']),
        threadId: clean(fields['conversationId']),
        from: addressText(fields['from']),
        to: ((fields['toRecipients'] ?? []) as unknown[]).flatMap((one) => addressText(one) ?? []),
        subject: clean(fields['subject']),
        snippet: clean(fields['bodyPreview']),
        internalDate: dateText(fields['receivedDateTime']),
        labels: [...(label ? [label] : []), ...(unread ? ['UNREAD'] : []), ...categories].sort(),
      },
    ];
  });
  return rows.sort(byId);
}

const byId = (a: MirrorRow, b: MirrorRow): number => (a.externalMessageId < b.externalMessageId ? -1 : 1);

/** The rows that the tables hold for all OUTLOOK providers, or for those of one address, by id. */
export async function storedRows(database: TestDatabase, email?: string): Promise<MirrorRow[]> {
  const rows = await database.query<Record<string, unknown>>(
    `SELECT m."externalMessageId", m."threadId", m."from", m."to", m."subject", m."snippet", m."internalDate", m."labels"
     FROM external_email_messages m JOIN email_providers p ON p."id"::text = m."providerId" AND p."type" = 'OUTLOOK'
     WHERE $1::text IS NULL OR lower(p."email") = lower($1)`,
    [email ?? null],
  );
  return rows
    .map((row) => ({
      ...(row as unknown as MirrorRow),
      internalDate: row['internalDate'] instanceof Date ? row['internalDate'].toISOString() : null,
      labels: [...(row['labels'] as string[])].sort(),
    }))
    .sort(byId);
}
