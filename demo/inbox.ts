// The last act: the inbox as its owner would want to see it, read with the SQL that any program may use.
import type { Stage } from './firstSync.ts';
import { type Cell, type Column, tableLines } from './table.ts';
import { oneLine } from './textWidth.ts';

const NEWEST = `SELECT "from", "subject", "snippet", "labels", "internalDate" FROM external_email_messages
  WHERE 'INBOX' = ANY ("labels") ORDER BY "internalDate" DESC LIMIT 14`;

const LABELS = `SELECT l."name", l."type", l."color", count(m."id")::int AS "messages",
    count(m."id") FILTER (WHERE 'UNREAD' = ANY (m."labels"))::int AS "unread"
  FROM external_email_labels l
  LEFT JOIN external_email_messages m ON m."providerId" = l."providerId" AND l."externalLabelId" = ANY (m."labels")
  GROUP BY l."id" ORDER BY l."isSystem" DESC, "messages" DESC, l."name"`;

interface Mail {
  readonly from: string | null;
  readonly subject: string | null;
  readonly snippet: string | null;
  readonly labels: readonly string[];
  readonly internalDate: Date | null;
}

interface Label {
  readonly name: string;
  readonly type: string;
  readonly color: string | null;
  readonly messages: number;
  readonly unread: number;
}

/** Whatever has a screen and an inbox. */
interface InboxStage {
  readonly screen: Stage['screen'];
  readonly world: Pick<Stage['world'], 'database'>;
}

const NOT_SHOWN = new Set(['INBOX', 'UNREAD']);

export async function showInbox({ screen, world }: InboxStage): Promise<void> {
  const mails = await world.database.query<Mail & Record<string, unknown>>(NEWEST);
  if (mails.length === 0) throw new Error('The Inbox is empty.');
  screen.lines(NEWEST.split('\n').map((line) => screen.style('dim', line)));
  screen.line();
  const bold = (text: string): string => screen.style('bold', text);
  const now = new Date();
  const rows = mails.map((mail): Cell[] => {
    const isUnread = mail.labels.includes('UNREAD');
    const paint = isUnread ? bold : (text: string): string => text;
    const subject = oneLine(mail.subject ?? '') || '(no subject)';
    return [
      { text: isUnread ? '●' : '', paint: (text) => screen.style('cyan', text) },
      { text: senderName(mail.from), paint },
      { text: `${subject} — ${oneLine(mail.snippet ?? '')}`, paint },
      {
        text: mail.labels.filter((label) => !NOT_SHOWN.has(label)).join(', '),
        paint: (text) => screen.style('yellow', text),
      },
      { text: shortDate(mail.internalDate, now), paint: (text) => screen.style('dim', text) },
    ];
  });
  const columns: readonly Column[] = [
    { title: '', most: 1 },
    { title: 'From', most: 24 },
    { title: 'Subject' },
    { title: 'Categories', most: 18 },
    { title: 'Date', most: 10, right: true },
  ];
  screen.lines(tableLines(columns, rows, screen.width));
}

export async function showLabels({ screen, world }: Stage): Promise<void> {
  const labels = await world.database.query<Label & Record<string, unknown>>(LABELS);
  if (!labels.some(({ name, messages }) => name === 'INBOX' && messages > 0))
    throw new Error('The label INBOX has no message.');
  const rows = labels.map(({ name, type, color, messages, unread }): Cell[] => [
    { text: `■ ${name}`, paint: (text) => screen.tint(color ?? '', text) },
    { text: type },
    { text: color ?? '' },
    { text: String(messages) },
    { text: String(unread) },
  ]);
  const columns: readonly Column[] = [
    { title: 'Label', most: 24 },
    { title: 'Type', most: 8 },
    { title: 'Colour', most: 8 },
    { title: 'Messages', most: 9, right: true },
    { title: 'Unread', most: 9, right: true },
  ];
  screen.lines(tableLines(columns, rows, screen.width));
}

/** The name in `Name <address>`, or the address where there is no name. */
function senderName(from: string | null): string {
  const text = oneLine(from ?? '');
  return text.replace(/ <[^<>]*>$/, '').replace(/^<|>$/g, '') || '(no sender)';
}

/** The time for today, the day for this year, else the date; in the time zone of this machine. */
function shortDate(date: Date | null, now: Date): string {
  if (date === null) return '';
  const format = (options: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat('en-GB', options).format(date);
  if (date.toDateString() === now.toDateString()) return format({ hour: '2-digit', minute: '2-digit' });
  if (date.getFullYear() === now.getFullYear()) return format({ day: 'numeric', month: 'short' });
  return format({ year: 'numeric', month: '2-digit', day: '2-digit' });
}
