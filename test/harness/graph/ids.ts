/**
 * The ids of a simulated mailbox, shaped as Outlook shapes them: about 150 characters of url-safe base64
 * with `-`, `_` and a trailing `=`, and case-sensitive. Messages come in pairs whose ids differ by the case
 * of ONE letter, so that a store which folds case loses half of the mailbox.
 *
 * An id carries its message's serial number, hence no table of ids is held; callers must treat ids as opaque.
 * The mutable form also carries the number of moves: it changes whenever the message changes folders.
 */
import { createRandom, hash } from './random.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const IMMUTABLE_PREFIX = 'AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A';
const MUTABLE_PREFIX = 'AAMkAG';

/** `length` characters of url-safe base64, fixed by the parts. */
export function opaque(length: number, ...parts: readonly (number | string)[]): string {
  const random = createRandom(hash(...parts));
  let text = '';
  for (let i = 0; i < length; i++) text += ALPHABET.charAt(random.below(64));
  return text;
}

function encodeNumber(value: number, width: number): string {
  let rest = value;
  let text = '';
  for (let i = 0; i < width; i++) {
    text = `${ALPHABET[rest % 64]}${text}`;
    rest = Math.floor(rest / 64);
  }
  return text;
}

function decodeNumber(text: string): number {
  let value = 0;
  for (const letter of text) value = value * 64 + ALPHABET.indexOf(letter);
  return value;
}

/** A UUID-shaped value fixed by the parts. */
export function guid(...parts: readonly (number | string)[]): string {
  const hex = [0, 1, 2, 3]
    .map((i) =>
      hash(i, ...parts)
        .toString(16)
        .padStart(8, '0'),
    )
    .join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

export interface MessageIds {
  immutable(serial: number): string;
  mutable(serial: number, moves: number): string;
  /** The serial (and, for the mutable form, the moves) that an id names; undefined for a foreign id. */
  read(id: string): { serial: number; moves?: number } | undefined;
}

/** The id forms of one mailbox; `key` sets it apart from every other mailbox. */
export function messageIds(key: string): MessageIds {
  const body = opaque(90, key, 'messages');
  const mutableBody = `${opaque(18, key, 'mutable')}-_${body}`;
  const tail = (serial: number): string => `${encodeNumber(serial >>> 1, 6)}${serial % 2 === 0 ? 'K' : 'k'}`;
  const serialOf = (text: string): number => decodeNumber(text.slice(0, 6)) * 2 + (text[6] === 'k' ? 1 : 0);
  const immutable = (serial: number): string => `${IMMUTABLE_PREFIX}${body}${tail(serial)}AAA=`;
  const mutable = (serial: number, moves: number): string =>
    `${MUTABLE_PREFIX}${mutableBody}${tail(serial)}${encodeNumber(moves, 4)}AAA=`;
  const read = (id: string): { serial: number; moves?: number } | undefined => {
    if (id.startsWith(IMMUTABLE_PREFIX + body)) {
      const serial = serialOf(id.slice(IMMUTABLE_PREFIX.length + body.length));
      return id === immutable(serial) ? { serial } : undefined;
    }
    if (!id.startsWith(MUTABLE_PREFIX + mutableBody)) return undefined;
    const rest = id.slice(MUTABLE_PREFIX.length + mutableBody.length);
    const serial = serialOf(rest);
    const moves = decodeNumber(rest.slice(7, 11));
    return id === mutable(serial, moves) ? { serial, moves } : undefined;
  };
  return { immutable, mutable, read };
}

/** A folder id: folders have one stable form whatever `Prefer: IdType` says (Graph docs: immutable ids). */
export function folderId(key: string, serial: number): string {
  return `AQMkADAw${opaque(96, key, 'folder')}${encodeNumber(serial >>> 1, 4)}${serial % 2 === 0 ? 'Q' : 'q'}AAAA=`;
}

export function conversationId(key: string, thread: number): string {
  return `AAQkAD${opaque(50, key, 'conversation')}AQ${opaque(12, key, thread)}${encodeNumber(thread, 5)}=`;
}

/** The version of an item; Graph hands it out as `changeKey` and, quoted, as `@odata.etag`. */
export function changeKey(key: string, serial: number, version: number): string {
  return `CQAAABYAAAD${opaque(20, key, serial)}${encodeNumber(version, 4)}`;
}

/** Whether a text could be an Outlook id at all; what could not be is refused as malformed, not as missing. */
export function looksLikeId(text: string): boolean {
  return /^[A-Za-z0-9\-_+/]{20,}={0,2}$/.test(text);
}
