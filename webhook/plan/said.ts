/**
 * What a request says, in whatever form: hints of its query and its body, and the entries of `value`, which are hints
 * or Graph's notifications. Only that is read which decides whom to wake. Names differ in case from one of Graph's
 * services to the next in what is not read at all (`changeType`, `@odata.type`), and fields come that nobody knows.
 */
import * as z from 'zod';
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
  /** Of the subscription itself, in lower case; null: the mailbox has changed. */
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

const address = z.string().trim().min(3).max(320).nullish();
const hintFields = {
  providerId: z.string().regex(new RegExp(uuidPattern)).nullish(),
  emailAddress: address,
  userPrincipalName: address,
};
const hintsSchema = z.object(hintFields);
const bodySchema = z.object({ ...hintFields, value: z.array(z.unknown()).nullish() }).nullish();

// Graph's ids and words are far shorter.
const text = z.string().max(1024).nullish();
const notificationSchema = z.object({ subscriptionId: text, clientState: text, lifecycleEvent: text });

const faults: Readonly<Record<string, string>> = {
  providerId: 'providerId is not a uuid.',
  emailAddress: 'emailAddress is not an address.',
  userPrincipalName: 'userPrincipalName is not an address.',
  value: 'value is not a list.',
};

export const hintNames: readonly string[] = Object.keys(hintFields);

const none: Hints = { providerIds: [], addresses: [] };
const unreadable: Entry = { kind: 'unreadable' };

/** @param body parsed JSON; undefined or null where there is none */
export function readSaid(query: URLSearchParams, body: unknown): Said | Misunderstood {
  const asked = readQuery(query);
  if (!asked.success) return misunderstood(asked.error);
  const told = bodySchema.safeParse(body);
  if (!told.success) return misunderstood(told.error);
  const said = {
    query: hintsOf(asked.data),
    body: told.data ? hintsOf(told.data) : none,
    entries: told.data?.value?.map(readEntry) ?? [],
  };
  return isAboutSomeone(said)
    ? said
    : { fault: 'There is neither a notification nor a providerId, emailAddress or userPrincipalName.' };
}

function readQuery(query: URLSearchParams): z.ZodSafeParseResult<z.infer<typeof hintsSchema>> {
  return hintsSchema.safeParse(Object.fromEntries(hintNames.map((name) => [name, query.get(name)])));
}

function misunderstood(error: z.ZodError): Misunderstood {
  const field = String(error.issues[0]?.path[0] ?? '');
  const fault = faults[field];
  return fault === undefined ? { fault: 'The body is not a JSON object.' } : { fault, field };
}

function readEntry(raw: unknown): Entry {
  const told = notificationSchema.safeParse(raw);
  if (!told.success) return unreadable;
  const hints = readHints(raw as object);
  return readNotification(told.data, hints) ?? (isEmpty(hints) ? unreadable : { kind: 'hint', hints });
}

function readHints(raw: object): Hints {
  if (!hintNames.some((name) => name in raw)) return none;
  const hinted = hintsSchema.safeParse(raw);
  return hinted.success ? hintsOf(hinted.data) : none;
}

function readNotification(told: z.infer<typeof notificationSchema>, hints: Hints): Notification | null {
  const { subscriptionId = null, clientState = null, lifecycleEvent = null } = told;
  if (subscriptionId === null && clientState === null && lifecycleEvent === null) return null;
  const event = lifecycleEvent?.toLowerCase() ?? null;
  return { kind: 'notification', subscriptionId, clientState, lifecycleEvent: event, hints };
}

function hintsOf(from: z.infer<typeof hintsSchema>): Hints {
  const { providerId, emailAddress, userPrincipalName } = from;
  if (!providerId && !emailAddress && !userPrincipalName) return none;
  return {
    providerIds: providerId ? [providerId] : [],
    addresses: [emailAddress, userPrincipalName].flatMap((one) => one ?? []),
  };
}

export function isEmpty({ providerIds, addresses }: Hints): boolean {
  return providerIds.length === 0 && addresses.length === 0;
}

function isAboutSomeone({ query, body, entries }: Said): boolean {
  return !isEmpty(query) || !isEmpty(body) || entries.some(({ kind }) => kind !== 'unreadable');
}
