/**
 * What can happen to a mailbox, as plain data: a history of acts can be generated, printed, shrunk and lived through
 * again. Acts name messages and folders by a number, taken modulo what is there when the act is performed, or a folder
 * by its well-known name, so that any act makes sense in any mailbox; where there is nothing to act upon, nothing
 * happens.
 */
import type { SimulatedFolder, SimulatedMailbox, TokenExpiryForm } from '../graph/mailbox.ts';
import type { StoredMessage } from '../graph/messages.ts';

/** What is unusual about a message that arrives. */
export type Flavour = keyof typeof flavours;

/** A folder that every mailbox has, or any. */
export type FolderPick = 'inbox' | 'archive' | 'deleteditems' | number;

export type Act =
  | { readonly kind: 'arrive'; readonly folder: FolderPick; readonly flavour: Flavour }
  | { readonly kind: 'read'; readonly message: number; readonly isRead: boolean }
  | { readonly kind: 'categorize'; readonly message: number; readonly categories: readonly string[] }
  | { readonly kind: 'edit'; readonly message: number; readonly subject: string | null }
  | { readonly kind: 'move'; readonly message: number; readonly folder: FolderPick }
  /** There and back again before anybody looks: the ABA trap (microsoft-graph-docs #21752). */
  | { readonly kind: 'bounce'; readonly message: number; readonly folder: FolderPick }
  | { readonly kind: 'delete'; readonly message: number; readonly hard: boolean }
  /** Out of Deleted Items or Junk, into some folder. */
  | { readonly kind: 'restore'; readonly message: number; readonly folder: FolderPick }
  | { readonly kind: 'add folder'; readonly parent: FolderPick; readonly name: string }
  | { readonly kind: 'rename folder'; readonly folder: number; readonly name: string }
  | { readonly kind: 'move folder'; readonly folder: number; readonly parent: FolderPick }
  | { readonly kind: 'delete folder'; readonly folder: number; readonly hard: boolean }
  | { readonly kind: 'restore folder'; readonly folder: number }
  | { readonly kind: 'expire'; readonly what: Expiry; readonly form: TokenExpiryForm };

/** Which cursors are forgotten: all, the folder list's, the mailbox-wide one, or that of one folder. */
export type Expiry = 'all' | 'list' | 'mailbox' | number;

/** Raw properties; what a mailbox owner's correspondents have been seen to send. */
export const flavours = {
  plain: {},
  read: { isRead: true },
  'read as a string': { isRead: 'true' },
  'unread as a string': { isRead: 'false' },
  'no subject': { subject: null },
  'a NUL in the subject': { subject: 'Rechnung\0 Nr. 7', bodyPreview: '\0\0' },
  'a lone surrogate': {
    subject: 'cut \ud83d off',
    from: { emailAddress: { name: '\udc00x', address: 'x@y.example' } },
  },
  'no sender': { omit: ['from', 'sender'], toRecipients: [] },
  categories: { categories: ['Blue category', 'Ünï, çode 🏷️'] },
  'a category named INBOX': { categories: ['INBOX', 'UNREAD', 'Travel'] },
} as const satisfies Record<string, Record<string, unknown>>;

function pick<T>(list: readonly T[], number: number): T | undefined {
  return list[number % Math.max(1, list.length)];
}

const anyMessage = (mailbox: SimulatedMailbox, number: number): StoredMessage | undefined =>
  pick(mailbox.messages(), number);

function anyFolder(mailbox: SimulatedMailbox, choice: FolderPick): string {
  const folder = typeof choice === 'number' ? pick(mailbox.folders(), choice) : mailbox.wellKnown(choice);
  return folder?.id ?? 'inbox';
}

const isWithin = (mailbox: SimulatedMailbox, id: string, name: string): boolean => {
  const ancestor = mailbox.wellKnown(name);
  return ancestor !== undefined && mailbox.tree.isWithin(id, ancestor.id);
};

/** The user's own folders; a well-known one can be neither renamed nor deleted. */
function ownFolders(mailbox: SimulatedMailbox): SimulatedFolder[] {
  return mailbox.folders().filter((folder) => folder.wellKnownName === undefined);
}

function discarded(mailbox: SimulatedMailbox): StoredMessage[] {
  const bins = ['deleteditems', 'junkemail'];
  return mailbox.messages().filter((one) => bins.some((bin) => isWithin(mailbox, one.parentFolderId, bin)));
}

type Performer<Kind extends Act['kind']> = (
  mailbox: SimulatedMailbox,
  act: Extract<Act, { kind: Kind }>,
) => void;

const onMessages: { [Kind in Act['kind']]?: Performer<Kind> } = {
  arrive: (mailbox, { folder, flavour }) => {
    mailbox.createMessage({ folder: anyFolder(mailbox, folder), ...flavours[flavour] });
  },
  read: (mailbox, { message, isRead }) => {
    const one = anyMessage(mailbox, message);
    if (one) mailbox.setRead(one.id, isRead);
  },
  categorize: (mailbox, { message, categories }) => {
    const one = anyMessage(mailbox, message);
    if (one) mailbox.setCategories(one.id, categories);
  },
  edit: (mailbox, { message, subject }) => {
    const one = anyMessage(mailbox, message);
    if (one) mailbox.updateMessage(one.id, { subject });
  },
  move: (mailbox, { message, folder }) => {
    const one = anyMessage(mailbox, message);
    if (one) mailbox.moveMessage(one.id, anyFolder(mailbox, folder));
  },
  bounce: (mailbox, { message, folder }) => {
    const one = anyMessage(mailbox, message);
    if (!one) return;
    mailbox.moveMessage(one.id, anyFolder(mailbox, folder));
    mailbox.moveMessage(one.id, one.parentFolderId);
  },
  delete: (mailbox, { message, hard }) => {
    const one = anyMessage(mailbox, message);
    if (one) mailbox.deleteMessage(one.id, { hard });
  },
  restore: (mailbox, { message, folder }) => {
    const one = pick(discarded(mailbox), message);
    if (one) mailbox.moveMessage(one.id, anyFolder(mailbox, folder));
  },
};

const onFolders: { [Kind in Act['kind']]?: Performer<Kind> } = {
  'add folder': (mailbox, { parent, name }) => {
    mailbox.createFolder({ displayName: name, parentId: anyFolder(mailbox, parent) });
  },
  'rename folder': (mailbox, { folder, name }) => {
    const own = pick(ownFolders(mailbox), folder);
    if (own) mailbox.renameFolder(own.id, name);
  },
  'move folder': (mailbox, { folder, parent }) => {
    const own = pick(ownFolders(mailbox), folder);
    const target = anyFolder(mailbox, parent);
    if (own && !mailbox.tree.isWithin(target, own.id)) mailbox.moveFolder(own.id, target);
  },
  'delete folder': (mailbox, { folder, hard }) => {
    const own = pick(ownFolders(mailbox), folder);
    if (own) mailbox.deleteFolder(own.id, { hard });
  },
  'restore folder': (mailbox, { folder }) => {
    const deleted = ownFolders(mailbox).filter(({ id }) => isWithin(mailbox, id, 'deleteditems'));
    const own = pick(deleted, folder);
    if (own) mailbox.moveFolder(own.id, mailbox.tree.root.id);
  },
  expire: (mailbox, { what, form }) => {
    mailbox.setTokenExpiryForm(form);
    const scopes = { all: undefined, list: 'mailFolders', mailbox: 'messages' } as const;
    const scope = typeof what === 'number' ? anyFolder(mailbox, what) : scopes[what];
    mailbox.expireDeltaTokens(scope === undefined ? {} : { folderId: scope });
  },
};

/** Performs an act; one that finds nothing to act upon does nothing. */
export function perform(mailbox: SimulatedMailbox, act: Act): void {
  const performers = { ...onMessages, ...onFolders } as Record<Act['kind'], Performer<Act['kind']>>;
  performers[act.kind](mailbox, act);
}
