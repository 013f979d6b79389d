// The mailbox that the benchmarks sync: which folders it has, how many messages are in each, and what the JSON of
// each message is. A pure function of its size, so that no half a million messages are kept anywhere.
//
// A message's JSON has about 1.2 kB, ids of 150 characters and the properties that a sync selects, as Graph writes
// them. One in four is unread, one in eight has a category.

export interface BenchFolder {
  readonly id: string;
  /** Sets its messages' ids apart from those of other folders. */
  readonly ordinal: number;
  readonly name: string;
  readonly wellKnown: string | null;
  readonly parent: string | null;
  readonly messages: number;
}

interface Share {
  readonly name: string;
  readonly wellKnown?: string;
  /** Of all messages. */
  readonly share: number;
}

/** The Inbox has what is left: six tenths. */
const shares: readonly Share[] = [
  { name: 'Sent Items', wellKnown: 'sentitems', share: 0.15 },
  { name: 'Archive', wellKnown: 'archive', share: 0.09 },
  { name: 'Projects', share: 0.07 },
  { name: 'Receipts', share: 0.045 },
  { name: 'Newsletters', share: 0.04 },
  { name: 'Drafts', wellKnown: 'drafts', share: 0.005 },
  { name: 'Deleted Items', wellKnown: 'deleteditems', share: 0 },
  { name: 'Junk Email', wellKnown: 'junkemail', share: 0 },
];

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** `length` characters of url-safe base64, fixed by `seed`. */
function opaque(seed: number, length: number): string {
  let state = seed;
  let text = '';
  for (let i = 0; i < length; i += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += alphabet.charAt(state >>> 26);
  }
  return text;
}

const folderId = (index: number): string => `AAMkAG${opaque(index + 1, 104)}AAA=`;

/** Where all other folders are in. */
export const rootFolder: BenchFolder = {
  id: folderId(99),
  ordinal: 99,
  name: 'Top of Information Store',
  wellKnown: 'msgfolderroot',
  parent: null,
  messages: 0,
};

/** As people have it: most of the mail in the Inbox; or all of it spread evenly over many folders. */
export const layouts = ['usual', 'even'] as const;
export type Layout = (typeof layouts)[number];

const evenFolders = 32;
const evenShares: readonly Share[] = Array.from({ length: evenFolders - 1 }, (_, index) => ({
  name: `Project ${index + 1}`,
  share: 1 / evenFolders,
}));

/** The folders of a mailbox with so many messages, the Inbox first. */
export function foldersOf(messages: number, layout: Layout = 'usual'): BenchFolder[] {
  const others = (layout === 'usual' ? shares : evenShares).map(
    ({ name, wellKnown = null, share }, index) => ({
      id: folderId(index + 1),
      ordinal: index + 1,
      name,
      wellKnown,
      parent: rootFolder.id,
      messages: Math.floor(messages * share),
    }),
  );
  const taken = others.reduce((sum, folder) => sum + folder.messages, 0);
  const inbox = { id: folderId(0), ordinal: 0, name: 'Inbox', wellKnown: 'inbox', parent: rootFolder.id };
  return [{ ...inbox, messages: messages - taken }, ...others];
}

const people = [
  'Ada Lovelace',
  'Grace Hopper',
  'Jürgen Müller',
  'Søren Ørsted',
  '渡辺 直美',
  'Zoë Bakker',
  'Ann Li',
];
const words = [
  'invoice', 'review', 'meeting', 'the', 'quarterly', 'report', 'for', 'your', 'next', 'delivery', 'is', 'attached',
  'please', 'confirm', 'before', 'Friday', 'budget', 'übersicht', 'roadmap', 'and', 'travel', 'to', 'Lisbon', 'draft',
  'contract', 'thanks', 'again', 'see', 'below', 'status', 'of', 'migration',
]; // prettier-ignore
const categories = ['Project X', 'Family', 'Red category', 'Überstunden', 'To do'];

/** About `length` characters of words. */
function prose(seed: number, length: number): string {
  let state = Math.imul(seed + 1, 2_654_435_761) >>> 0;
  let text = '';
  while (text.length < length) {
    text += `${words[state >>> 27] ?? ''} `;
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  }
  return text.trimEnd();
}

function mailbox(number: number): string {
  const person = people[number % people.length] ?? '';
  return `{"emailAddress":{"name":"${person}","address":"someone.${number % 977}@contoso.example"}}`;
}

const idBody = opaque(7, 118);
const newest = Date.UTC(2026, 5, 1);

function encoded(value: number, width: number): string {
  let text = '';
  for (let rest = value; text.length < width; rest = Math.floor(rest / 64)) {
    text = alphabet.charAt(rest % 64) + text;
  }
  return text;
}

/** The JSON of message `number` of a folder, the newest having number 0. */
export function messageJson(folder: BenchFolder, number: number): string {
  // Exchange counts up: the older a message, the lower its id.
  const serial = encoded(folder.ordinal * 2 ** 24 + 2 ** 24 - number, 8);
  const id = `AAkALgAAAAAAHYQD${idBody}${serial}AAAAA=`;
  const thread = `AAQkAG${idBody.slice(0, 90)}${encoded(number - (number % 3), 8)}ABAAAA=`;
  const received = new Date(newest - number * 600_000).toISOString().slice(0, 19);
  const to = number % 5 === 0 ? [number + 1, number + 2, number + 3] : [number + 1];
  const category = number % 8 === 0 ? JSON.stringify(categories[(number / 8) % categories.length]) : '';
  return (
    `{"@odata.etag":"W/\\"CQAAABYAAAB${serial}${idBody.slice(0, 20)}\\"","id":"${id}"` +
    `,"receivedDateTime":"${received}Z","subject":"${prose(number, 30)}","bodyPreview":"${prose(number + 7, 215)}"` +
    `,"parentFolderId":"${folder.id}","conversationId":"${thread}","isRead":${number % 4 !== 0}` +
    `,"categories":[${category}],"from":${mailbox(number)},"toRecipients":[${to.map(mailbox).join(',')}]}`
  );
}
