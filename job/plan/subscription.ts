/**
 * What a run has to do about Graph's subscription, and what Graph's refusals of one mean. Pure.
 */
export interface StoredSubscription {
  readonly id: string;
  /** Null where another program has stored none. */
  readonly expiresAt: Date | null;
  readonly lastRenewedAt: Date | null;
  /** What it was made for, see `termsOf`; null where another program has made it. */
  readonly terms: string | null;
}

export interface Observed {
  /** What a subscription is to be made for; null: none is wanted. */
  readonly terms: string | null;
  readonly stored: StoredSubscription | null;
  /** When Graph last told of the subscription itself. */
  readonly eventAt: Date | null;
  readonly now: number;
  /** Milliseconds before its end from which on a subscription is renewed. */
  readonly threshold: number;
}

export type SubscriptionStep =
  /** None is there and none is wanted. */
  | 'none'
  | 'remove'
  /** The one that is stored, if any, is of no use. */
  | 'create'
  | 'renew'
  /** See that it lives. */
  | 'check';

export function nextStep(observed: Observed): SubscriptionStep {
  const { terms, stored, now } = observed;
  if (stored === null) return terms === null ? 'none' : 'create';
  if (terms === null) return 'remove';
  const { expiresAt } = stored;
  if (stored.terms !== terms || expiresAt === null || expiresAt.getTime() <= now) return 'create';
  return isDue(expiresAt.getTime(), stored.lastRenewedAt, observed) ? 'renew' : 'check';
}

/**
 * A short subscription is renewed when half of it is over: by the threshold alone, one that Graph grants for less
 * would be renewed in each run.
 */
function isDue(ends: number, lastRenewedAt: Date | null, { eventAt, now, threshold }: Observed): boolean {
  const renewed = lastRenewedAt?.getTime() ?? -Infinity;
  if (isTold(lastRenewedAt, eventAt)) return true;
  return ends - now <= Math.min(threshold, (ends - renewed) / 2);
}

/** Whether Graph has told of the subscription since it was renewed; it may have held notifications back since then. */
export function isTold(lastRenewedAt: Date | null, eventAt: Date | null): boolean {
  return eventAt !== null && eventAt.getTime() > (lastRenewedAt?.getTime() ?? -Infinity);
}

/** What Graph said no to; of a refusal of `job/graph`. */
export interface Refused {
  readonly status: number;
  readonly code: string;
  readonly innerCodes: readonly string[];
  readonly words: string;
}

/**
 * Whether it is the webhook that did not shake hands, which Graph asks for when one is made or renewed. The code is
 * `ValidationError` or `InvalidRequest` (microsoftgraph/nodejs-webhooks-sample#350), and of what is wrong with the
 * webhook, a certificate that has expired among it, nothing follows for the subscription.
 */
export function isHandshake({ status, words }: Pick<Refused, 'status' | 'words'>): boolean {
  return status === 400 && /subscription validation request/i.test(words);
}

/** Minutes that Graph has granted at most, in one cloud or another, at one time or another. */
const formerCaps = [4_230, 1_440, 720, 180, 60];

/**
 * For how many minutes to ask instead of `asked`, where that was too long; null where it was refused for something
 * else, or nothing is left to try. Graph names its limit in words: "Subscription expiration can only be 4230 minutes
 * in the future" (microsoft-graph-docs#2988).
 */
export function shorterLife(refused: Refused, asked: number): number | null {
  const { status, words } = refused;
  if (status !== 400) return null;
  const [, named] = /\b(\d{1,6}) minutes in the future/i.exec(words) ?? [];
  if (named === undefined && !isAboutTime(refused)) return null;
  const cap = Number(named ?? Infinity);
  if (cap > 0 && cap < asked) return cap;
  // A clock ahead of Graph's asks for more than it means to.
  return formerCaps.find((minutes) => minutes < asked) ?? null;
}

function isAboutTime(refused: Refused): boolean {
  return /expir/i.test(refused.words) && /^(?:error)?invalid/.test(refused.code) && !isHandshake(refused);
}

const gone = new Set([
  'resourcenotfound',
  'request_resourcenotfound',
  'erroritemnotfound',
  'errorsubscriptionnotfound',
  'errorinvalidsubscription',
]);

/**
 * Whether the subscription that was asked about is none any more. Renewing one that has ended has been seen to be
 * refused with `ErrorInvalidParameter` too; where that is about the time asked for, `shorterLife` has told.
 */
export function isGone(refused: Refused, request: 'renew' | 'check'): boolean {
  const { status, code, innerCodes, words } = refused;
  if (status === 404 || status === 410) return true;
  if (status !== 400 || isHandshake(refused)) return false;
  if ([code, ...innerCodes].some((one) => gone.has(one))) return true;
  // What stands behind Graph says so in words: "Operation: Delete; Exception: [Status Code: NotFound; Reason: …]".
  if (/\bstatus code: (?:notfound|gone)\b/i.test(words)) return true;
  if (/subscription.*(?:not found|does ?n[o']t exist|has expired|no longer)/i.test(words)) return true;
  return request === 'renew' && code === 'errorinvalidparameter';
}

/** Whether `url`, of a subscription that Graph lists, is that of our provider: of nobody else's is anything touched. */
export function isOurUrl(url: string, ours: string, parameter: string): boolean {
  const [theirs, own] = [partsOf(url, parameter), partsOf(ours, parameter)];
  return theirs !== null && theirs === own;
}

function partsOf(text: string, parameter: string): string | null {
  const url = URL.parse(text);
  const id = url?.searchParams.get(parameter) ?? null;
  return url === null || id === null ? null : `${url.origin}${url.pathname}?${id.toLowerCase()}`;
}
