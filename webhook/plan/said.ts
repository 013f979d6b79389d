/**
 * What a request says, in whatever form: hints of its query and its body, and the entries of `value`, which are hints
 * or Graph's notifications. Only that is read which decides whom to wake. Names differ in case from one of Graph's
 * services to the next in what is not read at all (`changeType`, `@odata.type`), and fields come that nobody knows.
 * Read by hand: four schemas of zod take a tenth of a whole request.
 */
import { uuidPattern } from '../../api/patterns.ts';

export interface Hints {
  readonly providerIds: readonly string[];
  readonly addresses: readonly string[];
}

/** From Graph, or made to look so: its `clientState` decides whether it counts. */
export interface Notification {
  readonly kind: 'notification';
  readonly subscriptionId: string | null;
  readonly clientState: string | null;
  /** Of the subscription itself; null: the mailbox has changed. */
  readonly lifecycleEvent: string | null;
  readonly hints: Hints;
}

export type Entry =
  Notification | { readonly kind: 'hint'; readonly hints: Hints } | { readonly kind: 'unreadable' };

export interface Said {
  readonly query: Hints;
  readonly body: Hints;
  readonly entries: readonly Entry[];
}

/** Why nothing can be made of a request, in words that are safe to show: a value is never among them. */
export interface Misunderstood {
  readonly fault: string;
  /** The one to blame. */
  readonly field?: string;
}

const uuid = new RegExp(uuidPattern);
const longestAddress = 320;
// Graph's ids and words are far shorter.
const longestText = 1024;

const faults = {
  providerId: 'providerId is not a uuid.',
  emailAddress: 'emailAddress is not an address.',
  userPrincipalName: 'userPrincipalName is not an address.',
  value: 'value is not a list.',
};

export const hintNames = ['providerId', 'emailAddress', 'userPrincipalName'] as const;
type HintName = (typeof hintNames)[number];

const none: Hints = { providerIds: [], addresses: [] };
const nothing: Fields = {};
const unreadable: Entry = { kind: 'unreadable' };

/** Looks a parameter of the query up. */
export interface Query {
  readonly get: (name: string) => unknown;
}

type Fields = Readonly<Record<string, unknown>>;

/** @param body parsed JSON; undefined or null where there is none */
export function readSaid(query: Query, body: unknown): Said | Misunderstood {
  const asked = readHints((name) => query.get(name));
  if (typeof asked === 'string') return atFault(asked);
  const told = body ?? nothing;
  if (!isFields(told)) return { fault: 'The body is not a JSON object.' };
  const hinted = readHints((name) => told[name]);
  if (typeof hinted === 'string') return atFault(hinted);
  const value = told['value'] ?? [];
  if (!Array.isArray(value)) return atFault('value');
  const said = { query: asked, body: hinted, entries: value.map(readEntry) };
  return isAboutSomeone(said)
    ? said
    : { fault: 'There is neither a notification nor a providerId, emailAddress or userPrincipalName.' };
}

function atFault(field: HintName | 'value'): Misunderstood {
  return { fault: faults[field], field };
}

/** The name of what cannot be read, where there is such. */
function readHints(valueOf: (name: HintName) => unknown): Hints | HintName {
  const providerId = valueOf('providerId') ?? null;
  const emailAddress = valueOf('emailAddress') ?? null;
  const userPrincipalName = valueOf('userPrincipalName') ?? null;
  if (providerId !== null && !isUuid(providerId)) return 'providerId';
  if (emailAddress !== null && !isAddress(emailAddress)) return 'emailAddress';
  if (userPrincipalName !== null && !isAddress(userPrincipalName)) return 'userPrincipalName';
  return hintsOf(providerId, emailAddress, userPrincipalName);
}

function hintsOf(providerId: string | null, ...addresses: readonly (string | null)[]): Hints {
  const found = addresses.flatMap((address) => address?.trim() ?? []);
  if (providerId === null && found.length === 0) return none;
  return { providerIds: providerId === null ? [] : [providerId], addresses: found };
}

function readEntry(raw: unknown): Entry {
  if (!isFields(raw)) return unreadable;
  const found = readHints((name) => raw[name]);
  const hints = typeof found === 'string' ? none : found;
  return readNotification(raw, hints) ?? (isEmpty(hints) ? unreadable : { kind: 'hint', hints });
}

/** Null where nothing is there that Graph alone sends. */
function readNotification(raw: Fields, hints: Hints): Entry | null {
  const subscriptionId = raw['subscriptionId'] ?? null;
  const clientState = raw['clientState'] ?? null;
  const lifecycleEvent = raw['lifecycleEvent'] ?? null;
  if (!isText(subscriptionId) || !isText(clientState) || !isText(lifecycleEvent)) return unreadable;
  if (subscriptionId === null && clientState === null && lifecycleEvent === null) return null;
  return { kind: 'notification', subscriptionId, clientState, lifecycleEvent, hints };
}

function isFields(raw: unknown): raw is Fields {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}

function isText(value: unknown): value is string | null {
  return value === null || (typeof value === 'string' && value.length <= longestText);
}

function isUuid(value: unknown): value is string {
  return typeof value === 'string' && uuid.test(value);
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && value.length <= longestAddress;
}

export function isEmpty({ providerIds, addresses }: Hints): boolean {
  return providerIds.length === 0 && addresses.length === 0;
}

function isAboutSomeone({ query, body, entries }: Said): boolean {
  return !isEmpty(query) || !isEmpty(body) || entries.some(({ kind }) => kind !== 'unreadable');
}
