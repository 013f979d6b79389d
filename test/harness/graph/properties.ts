/** The properties of the resources and how Graph shows them: what `$select` may name, what is held back by default. */
import type { SimulatedMailbox } from './mailbox.ts';
import type { MessageRecord } from './messages.ts';
import type { FolderRecord } from './folders.ts';
import { changeKey } from './ids.ts';

export const MESSAGE_TYPE = 'microsoft.graph.message';
export const FOLDER_TYPE = 'microsoft.graph.mailFolder';

export const MESSAGE_PROPERTIES = [
  'id',
  'createdDateTime',
  'lastModifiedDateTime',
  'changeKey',
  'categories',
  'receivedDateTime',
  'sentDateTime',
  'hasAttachments',
  'internetMessageId',
  'internetMessageHeaders',
  'subject',
  'bodyPreview',
  'importance',
  'parentFolderId',
  'conversationId',
  'conversationIndex',
  'isDeliveryReceiptRequested',
  'isReadReceiptRequested',
  'isRead',
  'isDraft',
  'webLink',
  'inferenceClassification',
  'body',
  'uniqueBody',
  'sender',
  'from',
  'toRecipients',
  'ccRecipients',
  'bccRecipients',
  'replyTo',
  'flag',
];

export const FOLDER_PROPERTIES = [
  'id',
  'displayName',
  'parentFolderId',
  'childFolderCount',
  'unreadItemCount',
  'totalItemCount',
  'isHidden',
];

/** Held back unless selected. */
const ON_REQUEST = ['body', 'uniqueBody', 'internetMessageHeaders'];

export interface View {
  /** Whether ids are given in their immutable form. */
  immutable: boolean;
  select: readonly string[] | undefined;
}

/** The id a message bears for a request; the mutable form may also be asked as it was `moves` moves ago. */
export function messageId(
  mailbox: SimulatedMailbox,
  serial: number,
  immutable: boolean,
  moves: number,
): string {
  return immutable ? mailbox.store.ids.immutable(serial) : mailbox.store.ids.mutable(serial, moves);
}

/** A message as Graph answers it, before projection: all properties, the id in the form the request asks for. */
export function messageView(
  mailbox: SimulatedMailbox,
  record: MessageRecord,
  view: View,
): Record<string, unknown> {
  const id = messageId(mailbox, record.serial, view.immutable, record.moves);
  const all: Record<string, unknown> = { ...mailbox.store.render(record), id };
  if (view.select === undefined) {
    for (const name of ON_REQUEST) Reflect.deleteProperty(all, name);
    return all;
  }
  if (view.select.includes('uniqueBody')) all['uniqueBody'] = all['body'];
  if (view.select.includes('internetMessageHeaders')) {
    all['internetMessageHeaders'] = [{ name: 'Message-ID', value: all['internetMessageId'] }];
  }
  return all;
}

/** A folder as Graph answers it: real id and the user's own display name, never the well-known name. */
export function folderProperties(mailbox: SimulatedMailbox, record: FolderRecord): Record<string, unknown> {
  const version = changeKey(mailbox.userId, record.serial, record.version);
  const properties = { '@odata.etag': `W/"${version}"`, ...mailbox.folderView(record) };
  Reflect.deleteProperty(properties, 'wellKnownName');
  return properties;
}
