// Whom a request wakes: pure, given the directory. Each entry is judged on its own.
import { subscriptionEvents } from '../../api/providerStatus.ts';
import type { Directory, Provider, SubscriptionEvent } from '../wakeUp.ts';
import { type Entry, type Hints, isEmpty, type Notification, type Said } from './said.ts';

type Demand = 'wake' | SubscriptionEvent;

export interface Target {
  readonly provider: Provider;
  readonly demand: Demand;
  /** How many entries it answers. */
  readonly entries: number;
}

/** Entries that wake nobody, by the reason. */
export interface Ignored {
  readonly forged: number;
  readonly unknown: number;
  readonly skipped: number;
  readonly unreadable: number;
}

export interface Targets {
  /** At most one for a provider. */
  readonly targets: readonly Target[];
  readonly ignored: Ignored;
}

/** What decides where an entry leads. */
export interface Routing {
  readonly directory: Directory;
  /** The provider that a clientState of ours names, null where it is not ours. Null itself: no secret is known. */
  readonly verify: ((clientState: string) => string | null) | null;
}

/** Of two demands the later one in this list holds, since it includes the other. */
const byWeight: readonly Demand[] = ['wake', 'reauthorizationRequired', 'subscriptionRemoved'];
const events = new Map(subscriptionEvents.map((event) => [event.toLowerCase(), event]));

/**
 * An entry with a verified clientState leads to the provider that is named there and nowhere else; one whose
 * clientState does not verify leads nowhere, whatever else it or the query says. The query's hints count by themselves
 * only where the body holds no notification: they stand on the URL of every subscription.
 */
export function chooseTargets(said: Said, routing: Routing): Targets {
  const targets = new Map<string, Target>();
  const ignored = { forged: 0, unknown: 0, skipped: 0, unreadable: 0 };
  const reach = (providers: readonly Provider[], demand: Demand): void => {
    const active = providers.filter(({ isActive }) => isActive);
    if (active.length === 0) ignored[providers.length === 0 ? 'unknown' : 'skipped'] += 1;
    for (const provider of active) {
      targets.set(provider.key, joined(targets.get(provider.key), provider, demand));
    }
  };
  const hints = [said.body, ...(said.entries.some(isNotification) ? [] : [said.query])];
  for (const hint of hints) if (!isEmpty(hint)) reach(hinted(hint, routing.directory), 'wake');
  for (const entry of said.entries) {
    const found = routeOf(entry, said.query, routing);
    if (typeof found === 'string') ignored[found] += 1;
    else reach(found, entry.kind === 'notification' ? demandOf(entry) : 'wake');
  }
  return { targets: [...targets.values()], ignored };
}

function routeOf(
  entry: Entry,
  query: Hints,
  { directory, verify }: Routing,
): readonly Provider[] | 'forged' | 'unreadable' {
  if (entry.kind === 'unreadable') return 'unreadable';
  if (entry.kind === 'hint') return hinted(entry.hints, directory);
  if (verify === null) return unsigned(entry, query, directory);
  const providerId = entry.clientState === null ? null : verify(entry.clientState);
  return providerId === null ? 'forged' : directory.byProviderId(providerId);
}

/** Without a secret: what the entry itself leads to, else what the query of the subscription's URL says. */
function unsigned(entry: Notification, query: Hints, directory: Directory): readonly Provider[] {
  const { subscriptionId, hints } = entry;
  const subscribed = subscriptionId === null ? [] : directory.bySubscription(subscriptionId);
  if (subscribed.length > 0) return subscribed;
  return hinted(isEmpty(hints) ? query : hints, directory);
}

function hinted({ providerIds, addresses }: Hints, directory: Directory): readonly Provider[] {
  const found = [
    ...providerIds.map((id) => directory.byProviderId(id)),
    ...addresses.map((address) => directory.byAddress(address)),
  ].flat();
  return found.length < 2 ? found : [...new Map(found.map((provider) => [provider.key, provider])).values()];
}

/** An event that is none of ours, such as `missed` or one that Graph has yet to invent, asks for a sync. */
function demandOf({ lifecycleEvent }: Notification): Demand {
  return (lifecycleEvent === null ? undefined : events.get(lifecycleEvent.toLowerCase())) ?? 'wake';
}

function joined(before: Target | undefined, provider: Provider, demand: Demand): Target {
  if (before === undefined) return { provider, demand, entries: 1 };
  const outweighs = byWeight.indexOf(demand) > byWeight.indexOf(before.demand);
  return { provider, demand: outweighs ? demand : before.demand, entries: before.entries + 1 };
}

function isNotification({ kind }: Entry): boolean {
  return kind === 'notification';
}
