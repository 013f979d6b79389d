import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSaid } from '../../../../webhook/plan/said.ts';
import { chooseTargets, type Routing, type Targets } from '../../../../webhook/plan/targets.ts';
import type { Provider } from '../../../../webhook/wakeUp.ts';

const idOf = (n: number): string => `0b7e2f8a-0d7a-4c55-9d37-00000000000${n}`;
const named = (key: string, isActive = true): Provider => ({ key, isActive });
const byId = new Map([
  [idOf(1), [named('team/one')]],
  [idOf(2), [named('team/two')]],
  [idOf(3), [named('team/suspended', false)]],
  [idOf(4), [named('team/twin'), named('other/twin'), named('old/twin', false)]],
]);
const byAddress = new Map([
  ['one@example.com', [named('team/one')]],
  ['two@example.com', [named('team/two')]],
]);
const bySubscription = new Map([['sub-2', [named('team/two')]]]);
const signed: Routing = {
  directory: {
    byProviderId: (id) => byId.get(id) ?? [],
    byAddress: (address) => byAddress.get(address) ?? [],
    bySubscription: (id) => bySubscription.get(id) ?? [],
  },
  verify: (clientState) => (clientState.startsWith('ours ') ? clientState.slice(5) : null),
};
const unsigned: Routing = { ...signed, verify: null };

function choose(routing: Routing, query: string, body?: unknown): Targets {
  const said = readSaid(new URLSearchParams(query), body);
  if ('fault' in said) throw new Error(said.fault);
  return chooseTargets(said, routing);
}

const demands = ({ targets }: Targets): string[] =>
  targets.map(({ provider, demand }) => `${provider.key} ${demand}`);
const ours = (n: number): object => ({ subscriptionId: `sub-${n}`, clientState: `ours ${idOf(n)}` });
const forged = (n: number): object => ({ subscriptionId: `sub-${n}`, clientState: `theirs ${idOf(n)}` });
const nobody = { forged: 0, unknown: 0, skipped: 0, unreadable: 0 };

describe('hints', () => {
  it('of query and body wake all whom they name, once', () => {
    const body = {
      providerId: idOf(1),
      emailAddress: 'one@example.com',
      userPrincipalName: 'two@example.com',
    };
    const found = choose(signed, `providerId=${idOf(1)}`, body);
    expect(demands(found)).toEqual(['team/one wake', 'team/two wake']);
    expect(found.ignored).toEqual(nobody);
  });

  it('for nobody and for who is suspended are counted, each once', () => {
    expect(choose(signed, `providerId=${idOf(9)}`)).toEqual({
      targets: [],
      ignored: { ...nobody, unknown: 1 },
    });
    expect(choose(signed, `providerId=${idOf(3)}`)).toEqual({
      targets: [],
      ignored: { ...nobody, skipped: 1 },
    });
  });

  it('wake every active resource that claims the row', () => {
    expect(demands(choose(signed, `providerId=${idOf(4)}`))).toEqual(['team/twin wake', 'other/twin wake']);
  });
});

describe('notifications of a webhook with secrets', () => {
  it('lead where their clientState says, whatever query and neighbours say', () => {
    const value = [forged(1), ours(2), { subscriptionId: 'sub-1' }, null, ours(9), ours(3), ours(2)];
    const found = choose(signed, `providerId=${idOf(1)}&emailAddress=one@example.com`, { value });
    expect(found.targets).toEqual([{ provider: named('team/two'), demand: 'wake', entries: 2 }]);
    expect(found.ignored).toEqual({ forged: 2, unknown: 1, skipped: 1, unreadable: 1 });
  });

  it('that are forged gain nothing by hints of their own', () => {
    const value = [{ ...forged(1), providerId: idOf(1), emailAddress: 'one@example.com' }];
    expect(choose(signed, `providerId=${idOf(1)}`, { value })).toEqual({
      targets: [],
      ignored: { ...nobody, forged: 1 },
    });
  });

  it('do not keep hints beside them from counting', () => {
    const value = [forged(1), { emailAddress: 'two@example.com' }];
    expect(demands(choose(signed, '', { value }))).toEqual(['team/two wake']);
    expect(demands(choose(signed, '', { value: [forged(1)], providerId: idOf(2) }))).toEqual([
      'team/two wake',
    ]);
  });
});

describe('notifications of a webhook without secrets', () => {
  it('lead to their subscription, else to what they name, else to what the query names', () => {
    const value = [
      { subscriptionId: 'sub-2', clientState: 'any' },
      { subscriptionId: 'sub-9', emailAddress: 'one@example.com' },
      { subscriptionId: 'sub-9' },
    ];
    const found = choose(unsigned, `providerId=${idOf(4)}`, { value });
    expect(demands(found)).toEqual(['team/two wake', 'team/one wake', 'team/twin wake', 'other/twin wake']);
    expect(demands(choose(unsigned, `providerId=${idOf(1)}`, { value: value.slice(0, 1) }))).toEqual([
      'team/two wake',
    ]);
  });

  it('that lead nowhere are unknown', () => {
    expect(choose(unsigned, '', { value: [{ subscriptionId: 'sub-9' }] }).ignored.unknown).toBe(1);
  });
});

describe('lifecycle events', () => {
  const event = (n: number, lifecycleEvent: string): object => ({ ...ours(n), lifecycleEvent });

  it.each([
    ['missed', 'wake'],
    ['Missed', 'wake'],
    ['subscriptionRemoved', 'subscriptionRemoved'],
    ['subscriptionremoved', 'subscriptionRemoved'],
    ['reauthorizationRequired', 'reauthorizationRequired'],
    ['somethingNew', 'wake'],
    ['constructor', 'wake'],
  ])('%s asks for %s', (name, demand) => {
    expect(demands(choose(signed, '', { value: [event(1, name)] }))).toEqual([`team/one ${demand}`]);
  });

  it('with a forged clientState ask for nothing', () => {
    const value = [{ ...forged(1), lifecycleEvent: 'subscriptionRemoved' }];
    expect(choose(signed, '', { value }).targets).toEqual([]);
  });

  it('of one provider become the gravest of them, in any order', () => {
    const all = [
      ours(1),
      event(1, 'missed'),
      event(1, 'reauthorizationRequired'),
      event(1, 'subscriptionRemoved'),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: 4 }), (value) => {
        expect(choose(signed, '', { value }).targets).toEqual([
          { provider: named('team/one'), demand: 'subscriptionRemoved', entries: 4 },
        ]);
      }),
    );
  });
});

it('any mixture wakes exactly those of its good entries', () => {
  const entry = fc.oneof(
    fc.record({ good: fc.constant(true), n: fc.constantFrom(1, 2) }),
    fc.record({ good: fc.constant(false), n: fc.constantFrom(1, 2) }),
  );
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 30 }), fc.constantFrom(1, 2), (entries, asked) => {
      const value = entries.map(({ good, n }) => (good ? ours(n) : forged(n)));
      const found = choose(signed, `providerId=${idOf(asked)}`, { value });
      const wanted = new Set(
        entries.filter(({ good }) => good).map(({ n }) => (n === 1 ? 'team/one' : 'team/two')),
      );
      expect(new Set(found.targets.map(({ provider }) => provider.key))).toEqual(wanted);
      expect(found.ignored.forged).toBe(entries.filter(({ good }) => !good).length);
    }),
  );
});
