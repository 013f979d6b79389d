import { describe, expect, it } from 'vitest';
import { readSaid, type Said } from '../../../../webhook/plan/said.ts';

const id = '0b7e2f8a-0d7a-4c55-9d37-2b6a4f0f7a11';
const none = { providerIds: [], addresses: [] };

function said(query: string, body?: unknown): Said {
  const found = readSaid(new URLSearchParams(query), body);
  if ('fault' in found) throw new Error(found.fault);
  return found;
}

const fault = (query: string, body?: unknown): unknown => readSaid(new URLSearchParams(query), body);

describe('hints', () => {
  it('stand in the query or in the body', () => {
    expect(said(`providerId=${id}`)).toEqual({
      query: { providerIds: [id], addresses: [] },
      body: none,
      entries: [],
    });
    expect(said('', { providerId: id.toUpperCase() }).body.providerIds).toEqual([id.toUpperCase()]);
    expect(said('emailAddress=a%2Bb@example.com').query.addresses).toEqual(['a+b@example.com']);
    expect(
      said('', { emailAddress: 'a@example.com', userPrincipalName: ' b@example.com ' }).body.addresses,
    ).toEqual(['a@example.com', 'b@example.com']);
  });

  it('may be null, and what nobody knows is passed over', () => {
    const body = {
      providerId: id,
      emailAddress: null,
      userPrincipalName: null,
      value: null,
      more: { a: [1] },
    };
    expect(said('', body).body).toEqual({ providerIds: [id], addresses: [] });
  });

  it.each([
    ['providerId=42', undefined, 'providerId'],
    ['providerId=', undefined, 'providerId'],
    [`providerId=${id}x`, undefined, 'providerId'],
    ['', { providerId: 'mine' }, 'providerId'],
    ['', { providerId: 42 }, 'providerId'],
    ['', { emailAddress: ['a@example.com'] }, 'emailAddress'],
    ['', { emailAddress: 'x'.repeat(321) }, 'emailAddress'],
    ['', { userPrincipalName: '' }, 'userPrincipalName'],
    ['', { value: { 0: {} } }, 'value'],
  ])('of %j and %j are at fault in %s', (query, body, field) => {
    expect(fault(query, body)).toEqual({ fault: expect.stringContaining(field) as string, field });
  });

  it.each([[[]], ['text'], [5], [true]])('are not read from a body such as %j', (body) => {
    expect(fault(`providerId=${id}`, body)).toEqual({ fault: 'The body is not a JSON object.' });
  });

  it.each([
    ['', undefined],
    ['token=a', null],
    ['', {}],
    ['', { value: [] }],
    ['', { value: [{}, null, 7, { changeType: 'created' }, { providerId: 'mine' }] }],
  ])('are missing in %j and %j', (query, body) => {
    expect(fault(query, body)).toEqual({ fault: expect.stringContaining('neither') as string });
  });
});

describe('entries', () => {
  it('are notifications by what Graph alone sends, hints by what they name, and else unreadable', () => {
    const value: unknown[] = [
      { subscriptionId: 's', clientState: 'c', changeType: 'Created', providerId: id },
      { clientState: 'c' },
      { subscriptionId: 's', clientState: null, lifecycleEvent: 'SubscriptionRemoved', more: {} },
      { userPrincipalName: 'a@example.com' },
      { subscriptionId: 7, providerId: id },
      { providerId: 'mine' },
      { toString: 1 },
      ['a'],
      null,
    ];
    const notification = { kind: 'notification', lifecycleEvent: null, hints: none };
    const unreadable = { kind: 'unreadable' };
    expect(said('', { value }).entries).toEqual([
      { ...notification, subscriptionId: 's', clientState: 'c', hints: { providerIds: [id], addresses: [] } },
      { ...notification, subscriptionId: null, clientState: 'c' },
      { ...notification, subscriptionId: 's', clientState: null, lifecycleEvent: 'SubscriptionRemoved' },
      { kind: 'hint', hints: { providerIds: [], addresses: ['a@example.com'] } },
      unreadable,
      unreadable,
      unreadable,
      unreadable,
      unreadable,
    ]);
  });

  it('named __proto__ change nothing of what is read', () => {
    const body: unknown = JSON.parse(
      `{"__proto__":{"providerId":"${id}"},"value":[{"__proto__":{"subscriptionId":"s"}}]}`,
    );
    expect(fault('', body)).toEqual({ fault: expect.stringContaining('neither') as string });
  });
});
