/** POST /_simulator/{act}: lets a person change a mailbox while a sync runs. For playing, not part of Graph. */
import type { Reply } from './graphError.ts';
import type { SimulatedMailbox } from './mailbox.ts';

export interface ControlledMailboxes {
  all: () => Iterable<SimulatedMailbox>;
  require(email: string): SimulatedMailbox;
}

interface Act {
  mailbox: SimulatedMailbox;
  /** The message named by `id`, by default the newest of the Inbox. */
  id: string;
  body: Record<string, unknown>;
}

function stringOf(value: unknown, fallback: string): string {
  return typeof value === 'string' && value !== '' ? value : fallback;
}

const ACTS: Readonly<Record<string, (act: Act) => object | undefined>> = {
  'create-message': ({ mailbox, body }) => {
    const properties = Object.entries(body).filter(([name]) => name !== 'mailbox' && name !== 'id');
    return mailbox.createMessage(Object.fromEntries(properties));
  },
  read: ({ mailbox, id, body }) => mailbox.setRead(id, body['isRead'] !== false),
  move: ({ mailbox, id, body }) => mailbox.moveMessage(id, stringOf(body['folder'], 'archive')),
  categorize: ({ mailbox, id, body }) => {
    const categories = Array.isArray(body['categories']) ? body['categories'].map(String) : ['Red category'];
    return mailbox.setCategories(id, categories);
  },
  delete: ({ mailbox, id, body }) => {
    mailbox.deleteMessage(id, { hard: body['hard'] === true });
    return mailbox.message(id);
  },
};

function newestOfInbox(mailbox: SimulatedMailbox): string {
  const record = mailbox.store.sorted(mailbox.wellKnown('inbox')?.id, 'received')[0];
  return record === undefined ? '' : mailbox.store.ids.immutable(record.serial);
}

function parse(text: string): Record<string, unknown> {
  const value: unknown = text.trim() === '' ? {} : JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('Send a JSON object.');
  return { ...value };
}

/** 200 with the message as it is now, 404 for an act that is unknown, 400 with the reason for one that fails. */
export function answerControl(name: string, text: string, mailboxes: ControlledMailboxes): Reply {
  const act = ACTS[name];
  if (act === undefined) {
    return {
      status: 404,
      headers: {},
      body: { error: `Unknown act; there are: ${Object.keys(ACTS).join(', ')}.` },
    };
  }
  try {
    const body = parse(text);
    const named = stringOf(body['mailbox'], '');
    const mailbox = named === '' ? [...mailboxes.all()][0] : mailboxes.require(named);
    if (mailbox === undefined) throw new Error('There is no mailbox.');
    const id = stringOf(body['id'], newestOfInbox(mailbox));
    return { status: 200, headers: {}, body: act({ mailbox, id, body }) ?? { gone: true } };
  } catch (error) {
    return {
      status: 400,
      headers: {},
      body: { error: error instanceof Error ? error.message : String(error) },
    };
  }
}
