// What the mailbox's owner does in Outlook, in three rounds with a sync after each, and what each act must make of
// the message's row.
import type { NewMessage, SimulatedMailbox } from '../test/harness/graph/mailbox.ts';
import type { StoredMessage } from '../test/harness/graph/messages.ts';

export interface Change {
  readonly what: string;
  /** Does it in the mailbox. */
  readonly act: () => void;
  /** The message, by its immutable id; known once `act` has run. */
  readonly id: () => string;
  /** The labels of the row afterwards, given those before (null: no row); null when there is to be no row. */
  readonly labelsAfter: (before: readonly string[] | null) => readonly string[] | null;
}

const SUBFOLDER = 'Inbox/Projects/Aurora';

const NEW_MAIL: NewMessage = {
  from: { emailAddress: { name: '佐藤 花子', address: 'hanako.sato@fabrikam.example' } },
  subject: 'お花見の写真です 🌸 (photos from Sunday)',
  bodyPreview: '先日はありがとうございました。写真を送ります。 See you on Thursday!',
  categories: [],
};

const without = (label: string) => (before: readonly string[] | null) =>
  (before ?? []).filter((one) => one !== label);
const unchanged = (before: readonly string[] | null): readonly string[] | null => before;
const noRow = (): null => null;

/** Messages of the Inbox for one act each, the newest first. */
function inboxOf(mailbox: SimulatedMailbox): (isRead: boolean) => string {
  const inbox = mailbox.wellKnown('inbox')?.id;
  const bare = mailbox
    .messages()
    .filter((message) => message.parentFolderId === inbox && isBare(message))
    .sort((a, b) => String(b.receivedDateTime).localeCompare(String(a.receivedDateTime)));
  return (isRead) => {
    const at = bare.findIndex((message) => message.isRead === isRead);
    const [taken] = at < 0 ? [] : bare.splice(at, 1);
    if (taken === undefined) throw new Error('The mailbox is too small for the demo; try more messages.');
    return taken.id;
  };
}

const isBare = ({ categories }: StoredMessage): boolean =>
  Array.isArray(categories) && categories.length === 0;

function change(
  what: string,
  id: string,
  labelsAfter: Change['labelsAfter'],
  act: (id: string) => void,
): Change {
  return { what, id: () => id, labelsAfter, act: () => act(id) };
}

function newMail(mailbox: SimulatedMailbox): Change {
  let id = '';
  const act = (): void => {
    ({ id } = mailbox.createMessage(NEW_MAIL));
  };
  return { what: 'New mail arrives', act, id: () => id, labelsAfter: () => ['INBOX', 'UNREAD'] };
}

/** The message that was away only between two syncs, and the rounds, in order. */
export function outlookDay(mailbox: SimulatedMailbox): { thereAndBack: Change; rounds: Change[][] } {
  const take = inboxOf(mailbox);
  const wandering = take(true);
  const thereAndBack = change('Moved to Inbox/Receipts, and back at once', take(true), unchanged, (id) => {
    mailbox.moveMessage(id, 'Inbox/Receipts');
    mailbox.moveMessage(id, 'inbox');
  });
  const reading = [
    newMail(mailbox),
    change('Read', take(false), without('UNREAD'), (id) => mailbox.setRead(id, true)),
    change(
      'Categorised: 🔥 Urgent',
      take(true),
      (before) => [...(before ?? []), '🔥 Urgent'],
      (id) => mailbox.setCategories(id, ['🔥 Urgent']),
    ),
  ];
  const filing = [
    change(
      'Moved to the Archive',
      take(true),
      () => ['ARCHIVE'],
      (id) => mailbox.moveMessage(id, 'archive'),
    ),
    change(`Moved to ${SUBFOLDER}`, wandering, without('INBOX'), (id) => mailbox.moveMessage(id, SUBFOLDER)),
    thereAndBack,
  ];
  const clearing = [
    change(
      `Moved back from ${SUBFOLDER}`,
      wandering,
      () => ['INBOX'],
      (id) => mailbox.moveMessage(id, 'inbox'),
    ),
    change('Deleted (to Deleted Items)', take(true), noRow, (id) => mailbox.deleteMessage(id)),
    change('Deleted for good', take(false), noRow, (id) => mailbox.deleteMessage(id, { hard: true })),
  ];
  return { thereAndBack, rounds: [reading, filing, clearing] };
}
