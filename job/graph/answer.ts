import * as z from 'zod';
import { deepWellFormed, mayBeIllFormed } from '../plan/wellFormed.ts';

/**
 * What came back from Graph, told apart by what it means and not by its text: codes are compared without case, for
 * Microsoft writes them both ways, and an error body may be HTML or nothing at all.
 */

/** A good answer, parsed; its strings are well-formed. */
export interface Success {
  readonly ok: true;
  readonly status: number;
  readonly body: unknown;
  /** Bytes of JSON text, for the log. */
  readonly size: number;
}

/** A refusal that the caller has to interpret: nothing that a retry of the same request would mend. */
export interface Refusal {
  readonly ok: false;
  readonly status: number;
  /** Graph's `error.code` in lower case; empty where the body had none. */
  readonly code: string;
  /** The codes within its `innererror`, which may be all that tells what is meant; in lower case. */
  readonly innerCodes: readonly string[];
  /** Graph's `error.code` as it was written: a word, safe to show. */
  readonly writtenCode: string;
  /** Graph's own words, to be recognised and never to be shown: they may name anything. */
  readonly words: string;
  /** The `Location` of a 410, unchecked. */
  readonly location: string | undefined;
}

export type Answer = Success | Refusal;

/** A code is a word; anything else might be text that must not be shown. */
const errorBody = z.object({ error: z.looseObject({}) });
const word = z.string().regex(/^[\w.-]{1,80}$/);
const mostNested = 5;

/** The code of an error and of those nested in it; empty where one has none. Microsoft writes `innerError` both ways. */
function codesOf(body: unknown): string[] {
  const codes: string[] = [];
  let current: Record<string, unknown> | undefined = errorBody.safeParse(body).data?.error;
  while (current !== undefined && codes.length < mostNested) {
    codes.push(word.safeParse(current['code']).data ?? '');
    const inner: unknown = current['innerError'] ?? current['innererror'];
    current = z.looseObject({}).safeParse(inner).data;
  }
  return codes;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The parsed body of a 2xx answer, or undefined where it is not whole JSON. */
export function parseBody(text: string): unknown {
  const body = parseJson(text);
  return body !== undefined && mayBeIllFormed(text) ? deepWellFormed(body) : body;
}

export function refusal(status: number, body: unknown, location?: string): Refusal {
  const [writtenCode = '', ...inner] = codesOf(body);
  const words = z.string().safeParse(errorBody.safeParse(body).data?.error['message']).data ?? '';
  const code = writtenCode.toLowerCase();
  const innerCodes = inner.map((one) => one.toLowerCase());
  return { ok: false, status, code, innerCodes, writtenCode, words, location };
}

export const refusalFromText = (status: number, text: string, location?: string): Refusal =>
  refusal(status, parseJson(text), location);

/**
 * Whether a refusal is JSON that is not whole: its code, which might name a reset, is lost, so it is no refusal to act
 * on. A 410 needs no code, and what is no JSON at all never had one.
 */
export function isCutOff(status: number, text: string): boolean {
  return status !== 410 && /^\s*\{/.test(text) && parseJson(text) === undefined;
}

const resetCodes = new Set([
  'syncstatenotfound',
  'syncstateinvalid',
  'resyncrequired',
  'errorsyncfoldernotfound',
]);

/**
 * Whether a delta cursor is gone and its walk has to start anew: any 410, or any other 4xx with one of these codes.
 * Sources: Graph docs "delta query overview"; microsoftgraph/microsoft-graph-docs#2350; alcionai/corso's error list.
 */
export function isReset(answer: Refusal): boolean {
  if (answer.status === 410) return true;
  const codes = [answer.code, ...answer.innerCodes];
  return answer.status >= 400 && answer.status < 500 && codes.some((code) => resetCodes.has(code));
}

/** Whether Graph has no such operation here, as opposed to failing it: what it says of `/me/messages/delta`. */
export function isUnsupported(answer: Refusal): boolean {
  return [400, 404, 405, 501].includes(answer.status) && !isReset(answer);
}

export const isNotFound = (answer: Refusal): boolean => answer.status === 404;
