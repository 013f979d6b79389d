/** What a route is given: one authorised request to one mailbox, its options and preferences read. */
import type { SimulatedMailbox } from './mailbox.ts';
import type { Options } from './query.ts';
import type { Oddities } from './rounds.ts';
import type { SubscriptionSettings } from './subscriptionTerms.ts';

/** The part of the simulator's options that routes obey. */
export interface Settings {
  seed: number;
  allowMailboxDelta: boolean;
  allowFolderListDelta: boolean;
  relativeLinks: boolean;
  immutableIds: boolean;
  oddities: Oddities;
  subscriptions: SubscriptionSettings;
}

export interface Preferences {
  /** Every preference of the request, as sent. */
  all: string[];
  /** `IdType="ImmutableId"`; holds for this request alone. */
  immutable: boolean;
  /** `odata.maxpagesize`, a hint. */
  maxPageSize?: number;
}

export interface RouteContext {
  mailbox: SimulatedMailbox;
  settings: Settings;
  options: Options;
  prefer: Preferences;
  /** `http://host:port`. */
  origin: string;
  /** The path as the client wrote it: links repeat it. */
  path: string;
  /** The folder or message id of the path, decoded. */
  ids: { folder?: string; message?: string };
}

/** Several Prefer headers arrive joined by commas. Unknown preferences are ignored, as RFC 7240 asks. */
export function readPreferences(header: string | undefined, immutableIds: boolean): Preferences {
  const all = (header ?? '')
    .split(',')
    .map((preference) => preference.trim())
    .filter((preference) => preference !== '');
  const size = all.map((one) => /^odata\.maxpagesize\s*=\s*"?(\d{1,6})"?$/i.exec(one)?.[1]).find(Boolean);
  const immutable = immutableIds && all.some((one) => /^IdType\s*=\s*"?ImmutableId"?$/i.test(one));
  return Number(size) > 0 ? { all, immutable, maxPageSize: Number(size) } : { all, immutable };
}

/** A link to the same path with the given options: absolute, or relative where the simulator is told so. */
export function linkTo(context: RouteContext, options: readonly (readonly [string, string])[]): string {
  const query = options.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
  return `${context.settings.relativeLinks ? '' : context.origin}${context.path}?${query}`;
}

/** `@odata.context` names the kind of the answer; clients do not depend on its exact text. */
export function odataContext(context: RouteContext, what: string): string {
  return `${context.origin}/v1.0/$metadata#${what}`;
}
