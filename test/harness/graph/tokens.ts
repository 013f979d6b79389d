/**
 * Delta cursors as opaque text. A cursor says all that the next page needs, so the server keeps no walk in memory
 * and a link may be asked again after any delay. A check sum refuses what somebody has edited.
 */
import { hash } from './random.ts';

/** The options of the first request, baked in for the life of the cursor. */
export interface DeltaOptions {
  select?: readonly string[];
  /** `receivedDateTime ge|gt`, in ms. */
  filter?: { operator: 'ge' | 'gt'; value: number };
  newestFirst?: true;
  changeType?: 'created' | 'updated' | 'deleted';
}

export interface Cursor {
  /** `next`: a `$skiptoken` in mid-round; `delta`: a `$deltatoken` between rounds. */
  kind: 'next' | 'delta';
  scope: string;
  epoch: number;
  /** Changes after this sequence are what the round tells; absent in a first round, which lists the present. */
  since?: number;
  /** The sequence at which the round began: where the next round will start. */
  until: number;
  /** First round: sort key and serial of the last item given. */
  after?: readonly [number, number];
  /** Items of the round given so far. */
  given: number;
  /** Number of the page, and how often in a row it did not advance. */
  page: number;
  stalled: number;
  options: DeltaOptions;
}

/** `secret` binds the text to a mailbox. */
export function encodeCursor(cursor: Cursor, secret: string): string {
  const payload = Buffer.from(JSON.stringify(cursor)).toString('base64url');
  return `${hash(secret, payload).toString(16).padStart(8, '0')}-${payload}`;
}

/** The cursor, or undefined for a text that this mailbox never issued. */
export function decodeCursor(text: string, secret: string): Cursor | undefined {
  const payload = text.slice(9);
  if (`${hash(secret, payload).toString(16).padStart(8, '0')}-${payload}` !== text) return undefined;
  return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Cursor;
}
