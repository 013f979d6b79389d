/**
 * The text of the simulated mail: what message number N of a mailbox says. Everything here is a pure function
 * of (seed, locale, number), hence a mailbox of 50,000 messages costs nothing until a message is read.
 * Shapes follow the Graph `message` resource; ids, folder and state belong to messages.ts.
 */
import { createRandom, hash, type Random } from './random.ts';
import { LANGUAGES, MASTER_CATEGORIES, NEWSLETTERS, STRAY_CATEGORIES, type Language } from './vocabulary.ts';
import type { Locale } from './wellKnown.ts';

export interface ContentSource {
  seed: number;
  locale: Locale;
  owner: string;
  /** How many messages the mailbox is born with. */
  count: number;
  /** When the newest of them arrived, in ms. */
  newest: number;
}

interface Person {
  emailAddress: { name?: string; address: string };
}

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;
const LANGUAGE_NAMES = Object.keys(LANGUAGES) as (keyof typeof LANGUAGES)[];
/** How many neighbours of the same number range may belong to one thread. */
const THREAD_SPAN = 4;

/** One in 40 of the messages a mailbox is born with is a draft; what arrives later is not. */
export function isDraftNumber(source: ContentSource, number: number): boolean {
  return number < source.count && hash(source.seed, 'draft', number) % 40 === 0;
}

export function isReadNumber(source: ContentSource, number: number): boolean {
  return hash(source.seed, 'read', number) % 10 < 7;
}

/** The thread a message belongs to: a number not above its own. */
export function threadOf(source: ContentSource, number: number): number {
  const start = number - (number % THREAD_SPAN);
  const size = 1 + (hash(source.seed, 'thread', start) % THREAD_SPAN);
  return number - start < size ? start : number;
}

/**
 * When message `number` arrived, in ms: number 0 is the newest, at about `newest`; gaps widen with age, so that
 * the last weeks are dense and the tail reaches back for years. Two messages may share a second.
 */
export function receivedAt(source: ContentSource, number: number): number {
  const span = (source.count > 5000 ? 9 : 3) * YEAR;
  const jitter = hash(source.seed, 'received', number) % 600;
  return source.newest - Math.round((number / Math.max(1, source.count)) ** 1.6 * span) - jitter * 1000;
}

function addressOf(name: string, random: Random): string {
  const ascii = name
    .normalize('NFD')
    .toLowerCase()
    .replaceAll(/[^a-z]+/g, '.')
    .replaceAll(/^\.+|\.+$/g, '');
  const local = ascii === '' ? `user${random.below(900) + 100}` : ascii;
  return `${local}@${random.pick(['contoso', 'fabrikam', 'adventure-works', 'example'])}.example`;
}

function person(language: Language, random: Random): Person {
  const name = random.pick(language.people);
  const address = addressOf(name, random);
  return random.chance(0.12) ? { emailAddress: { address } } : { emailAddress: { name, address } };
}

function recipients(source: ContentSource, language: Language, random: Random): Person[] {
  const list: Person[] = [
    { emailAddress: { name: source.owner.split('@')[0] ?? '', address: source.owner } },
  ];
  const others = random.chance(0.05) ? 3 + random.below(25) : random.below(3);
  for (let i = 0; i < others; i++) list.push(person(language, random));
  return list;
}

function languageOf(source: ContentSource, thread: number): Language {
  const home = source.locale in LANGUAGES ? source.locale : 'en';
  const draw = hash(source.seed, 'language', thread);
  return draw % 2 === 0
    ? LANGUAGES[home]
    : LANGUAGES[LANGUAGE_NAMES[(draw >>> 1) % LANGUAGE_NAMES.length] ?? 'en'];
}

function preview(language: Language, random: Random): string {
  let text = '';
  const sentences = 1 + random.below(6);
  for (let i = 0; i < sentences; i++) text += `${text === '' ? '' : ' '}${random.pick(language.sentences)}`;
  // Newsletters pad their preview with zero-width characters; clients show and store them unharmed.
  if (random.chance(0.05)) text += ' \u200c\u00a0\u200c\u00a0';
  return text.slice(0, 255).toWellFormed();
}

function categories(random: Random): string[] {
  if (!random.chance(0.2)) return [];
  const names: string[] = [random.pick(MASTER_CATEGORIES).displayName];
  if (random.chance(0.2)) names.push(random.pick(STRAY_CATEGORIES));
  return names;
}

function flag(random: Random, received: number): object {
  const draw = random.next();
  if (draw < 0.9) return { flagStatus: 'notFlagged' };
  const zoned = (ms: number): object => ({
    dateTime: new Date(ms).toISOString().replace('Z', '0000'),
    timeZone: 'UTC',
  });
  if (draw < 0.95) return { flagStatus: 'complete', completedDateTime: zoned(received + 48 * HOUR) };
  return { flagStatus: 'flagged', startDateTime: zoned(received), dueDateTime: zoned(received + 72 * HOUR) };
}

/** Graph writes times to the second, in UTC. */
export function graphTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function letterhead(
  source: ContentSource,
  number: number,
  language: Language,
): { from: Person; subject: string } {
  const random = createRandom(hash(source.seed, 'head', number));
  if (random.chance(0.18)) {
    const letter = random.pick(NEWSLETTERS);
    const fill = (text: string): string => text.replaceAll('{n}', String(100 + (number % 800)));
    const emailAddress = { name: fill(letter.name), address: fill(letter.address) };
    return { from: { emailAddress }, subject: fill(letter.subject) };
  }
  const thread = threadOf(source, number);
  const opening = createRandom(hash(source.seed, 'subject', thread)).pick(language.subjects);
  const prefix = random.chance(0.8) ? language.reply : language.forward;
  return { from: person(language, random), subject: thread === number ? opening : `${prefix} ${opening}` };
}

/** Every property of message `number` but identity, folder, read state and versions. */
export function messageContent(
  source: ContentSource,
  number: number,
  received: number,
): Record<string, unknown> {
  const language = languageOf(source, threadOf(source, number));
  const random = createRandom(hash(source.seed, 'content', number));
  const { from, subject } = letterhead(source, number, language);
  const draft = isDraftNumber(source, number);
  const text = preview(language, random);
  const content: Record<string, unknown> = {
    createdDateTime: graphTime(received),
    receivedDateTime: graphTime(received),
    sentDateTime: graphTime(received - 1000 * (1 + random.below(40))),
    hasAttachments: random.chance(0.15),
    internetMessageId: `<${hash(source.seed, 'mid', number).toString(36)}.${number}@${source.seed}.mail.example>`,
    subject,
    bodyPreview: text,
    importance: random.chance(0.06) ? 'high' : random.chance(0.04) ? 'low' : 'normal',
    isDeliveryReceiptRequested: false,
    isReadReceiptRequested: random.chance(0.02),
    isDraft: draft,
    inferenceClassification: random.chance(0.3) ? 'other' : 'focused',
    categories: categories(random),
    body: {
      contentType: 'html',
      content: `<html><body><p>${text.replaceAll('&', '&amp;')}</p></body></html>`,
    },
    sender: from,
    from,
    toRecipients: recipients(source, language, random),
    ccRecipients: random.chance(0.2) ? [person(language, random)] : [],
    bccRecipients: [],
    replyTo: [],
    flag: flag(random, received),
  };
  if (draft) {
    // A draft has no sender yet, and often no recipient.
    delete content['sender'];
    delete content['from'];
    content['toRecipients'] = random.chance(0.5) ? [] : content['toRecipients'];
    content['internetMessageId'] = `<draft.${number}@${source.seed}.mail.example>`;
  }
  return content;
}
