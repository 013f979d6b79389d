/**
 * POST /_simulator/{act}: lets a person change a mailbox while a sync runs, and look after push. For playing, not part
 * of Graph.
 */
import type { DeviceCodes } from './deviceCodes.ts';
import type { Reply } from './graphError.ts';
import type { SimulatedMailbox } from './mailbox.ts';
import { LIFECYCLE_EVENTS } from './notifications.ts';
import type { Push } from './push.ts';
import type { SubscriptionRecord } from './subscriptions.ts';

interface ControlledMailboxes {
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

function change(name: string, body: Record<string, unknown>, mailboxes: ControlledMailboxes): object {
  const act = ACTS[name];
  if (act === undefined) throw new Error('There is no such act.');
  const named = stringOf(body['mailbox'], '');
  const mailbox = named === '' ? [...mailboxes.all()][0] : mailboxes.require(named);
  if (mailbox === undefined) throw new Error('There is no mailbox.');
  const id = stringOf(body['id'], newestOfInbox(mailbox));
  return act({ mailbox, id, body }) ?? { gone: true };
}

interface ControlledPush {
  push: Push;
  subscriptions: () => SubscriptionRecord[];
}

/** Subscription `id`, by default the newest. */
async function sayOfSubscription(
  body: Record<string, unknown>,
  { push, subscriptions }: ControlledPush,
): Promise<object> {
  const event = LIFECYCLE_EVENTS.find((one) => one === body['event']);
  if (event === undefined) throw new Error(`Name an event: ${LIFECYCLE_EVENTS.join(', ')}.`);
  return push.sendLifecycle(stringOf(body['id'], subscriptions().at(-1)?.id ?? ''), event);
}

/** Somebody enters a device's code, and signs in to a mailbox (by default the first), or declines. */
function signIn({ text, mailboxes, deviceCodes }: ControlRequest): object {
  const body = parse(text);
  const named = stringOf(body['mailbox'], '');
  const mailbox = named === '' ? [...mailboxes.all()][0] : mailboxes.require(named);
  if (mailbox === undefined) throw new Error('There is no mailbox.');
  const declined = body['decline'] === true;
  deviceCodes.decide(stringOf(body['userCode'], '').toUpperCase(), declined ? 'declined' : mailbox);
  return declined ? { declined } : { signedIn: mailbox.email };
}

interface ControlRequest {
  readonly act: string;
  readonly text: string;
  readonly mailboxes: ControlledMailboxes;
  readonly push: ControlledPush;
  readonly deviceCodes: DeviceCodes;
}

async function control(request: ControlRequest): Promise<object> {
  const { act, text, mailboxes, push } = request;
  const body = parse(text);
  if (act === 'lifecycle') return sayOfSubscription(body, push);
  if (act === 'push') return { statistics: push.push.statistics(), subscriptions: push.subscriptions() };
  if (act === 'sign-in') return signIn(request);
  return change(act, body, mailboxes);
}

/** 200 with what has become of it, 404 for an act that is unknown, 400 with the reason for one that fails. */
export async function answerControl(request: ControlRequest): Promise<Reply> {
  const known = [...Object.keys(ACTS), 'lifecycle', 'push', 'sign-in'];
  if (!known.includes(request.act)) {
    return { status: 404, headers: {}, body: { error: `Unknown act; there are: ${known.join(', ')}.` } };
  }
  try {
    return { status: 200, headers: {}, body: await control(request) };
  } catch (error) {
    return {
      status: 400,
      headers: {},
      body: { error: error instanceof Error ? error.message : String(error) },
    };
  }
}
