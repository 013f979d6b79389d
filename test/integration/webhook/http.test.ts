// What the webhook makes of requests that are well meant, over real HTTP.
import { describe, expect, it } from 'vitest';
import { signClientState } from '../../../api/clientState.ts';
import { lifecyclePath, pushPath, subscriptionUrls } from '../../../api/pushUrl.ts';
import { NotKept } from '../../../webhook/wakeUp.ts';
import { addressOf, idOf, notificationOf, openScene, problemOf, secret, token } from './httpScene.ts';

describe('the handshake', () => {
  const sent = [
    'Validation: Testing client application reachability for subscription Request-Id: 7a',
    'a+b %2B 100% %zz ÄÖ 漢字 🙂',
    '<script>alert(1)</script>&"quoted"',
    '',
  ];

  it.each([pushPath, lifecyclePath, `${pushPath}/`])(
    'at %s gives back the token, decoded once',
    async (path) => {
      const { send, told } = await openScene();
      for (const text of sent) {
        const answer = await send({ path, query: `validationToken=${encodeURIComponent(text)}` });
        expect(answer).toMatchObject({ status: 200, text });
        expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
        expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      }
      expect(told).toEqual([]);
    },
  );

  it('reads a plus as a blank, as Graph writes it', async () => {
    const { send } = await openScene();
    const { text } = await send({ query: 'validationToken=Validation%3a+Testing%2bclient+%3Cb%3E' });
    expect(text).toBe('Validation: Testing+client <b>');
  });

  it('takes any body of any type, and wakes nobody by it', async () => {
    const { send, told } = await openScene();
    const bodies = ['', '{', '<a/>', JSON.stringify({ providerId: idOf(1) })];
    for (const body of bodies) {
      for (const type of [
        'text/plain',
        'application/json',
        'application/x-www-form-urlencoded',
        'nonsense',
      ]) {
        const answer = await send({ query: 'validationToken=x', body, headers: { 'content-type': type } });
        expect(answer).toMatchObject({ status: 200, text: 'x' });
      }
    }
    expect(await send({ query: 'validationToken=x', method: 'GET' })).toMatchObject({
      status: 200,
      text: 'x',
    });
    expect(told).toEqual([]);
  });

  it('works without a token, but not with a wrong one', async () => {
    const { send } = await openScene();
    expect((await send({ query: 'validationToken=x', token: null })).status).toBe(200);
    expect((await send({ query: 'validationToken=x', token: 'wrong' })).status).toBe(401);
  });
});

describe('hints', () => {
  it.each([
    ['the query', { query: `providerId=${idOf(1)}` }],
    ['the query, in capitals', { query: `providerId=${idOf(1).toUpperCase()}` }],
    [
      'the query, beside an empty body of any type',
      { query: `providerId=${idOf(1)}`, body: '', headers: { 'content-type': 'a/b' } },
    ],
    ['the query, beside an empty object', { query: `providerId=${idOf(1)}`, body: {} }],
    ['the query, by address', { query: `emailAddress=${addressOf(1)}` }],
    ['the body', { body: { providerId: idOf(1) } }],
    ['the body, by address', { body: { emailAddress: addressOf(1).toUpperCase() } }],
    ['the body, by principal name', { body: { userPrincipalName: addressOf(1) } }],
    ['an entry', { body: { value: [{ providerId: idOf(1) }] } }],
    ['an entry, by address', { body: { value: [{ emailAddress: addressOf(1) }] } }],
    ['the body, at the other path', { path: lifecyclePath, body: { providerId: idOf(1) } }],
  ])('in %s wake the provider', async (_, request) => {
    const { send, told, counted } = await openScene();
    expect(await send(request)).toMatchObject({ status: 202, text: '' });
    expect(told).toEqual(['team/p1']);
    expect(counted).toEqual({ accepted: 1 });
  });

  it('of several kinds in one body wake each provider once', async () => {
    const { send, told, counted } = await openScene();
    const value = [
      { providerId: idOf(2) },
      { emailAddress: addressOf(2) },
      { userPrincipalName: addressOf(3) },
    ];
    await send({ query: `providerId=${idOf(1)}`, body: { emailAddress: addressOf(1), value } });
    expect(told.sort()).toEqual(['team/p1', 'team/p2', 'team/p3']);
    expect(counted).toEqual({ accepted: 5 });
  });
});

describe('notifications', () => {
  it('reach the URL of their subscription and wake by their clientState', async () => {
    const { server, told } = await openScene();
    const { notificationUrl, lifecycleNotificationUrl } = subscriptionUrls(
      `${server.url}${pushPath}`,
      idOf(1),
      token,
    );
    for (const url of [notificationUrl, lifecycleNotificationUrl]) {
      const body = JSON.stringify({ value: [notificationOf(1), notificationOf(1)] });
      const headers = { 'content-type': 'application/json' };
      expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(202);
    }
    expect(told).toEqual(['team/p1', 'team/p1']);
  });

  it('that are forged are passed over and counted; their neighbours pass', async () => {
    const { send, told, counted, lines } = await openScene();
    const value = [
      notificationOf(1, { clientState: signClientState('guess', idOf(1)) }),
      notificationOf(2),
      notificationOf(3, { clientState: undefined }),
      'nonsense',
      notificationOf(0),
      notificationOf(99),
      { emailAddress: addressOf(5) },
    ];
    expect((await send({ query: `providerId=${idOf(1)}`, body: { value } })).status).toBe(202);
    expect(told.sort()).toEqual(['team/p2', 'team/p5']);
    expect(counted).toEqual({ accepted: 2, forged: 2, unknown: 1, skipped: 1, unreadable: 1 });
    expect(lines.filter(({ level }) => level === 'warn')).toMatchObject([{ fields: { entries: 2 } }]);
  });

  it('that are forged do not wake the provider of the query', async () => {
    const { send, told } = await openScene();
    const value = [notificationOf(1, { clientState: 'guess' })];
    expect((await send({ query: `providerId=${idOf(1)}`, body: { value } })).status).toBe(202);
    expect(told).toEqual([]);
  });

  it('go by query and subscription where no secret is known', async () => {
    const { send, told } = await openScene({ options: { clientStateSecrets: [] } });
    await send({
      query: `providerId=${idOf(1)}`,
      body: { value: [{ subscriptionId: 'new', clientState: 'any' }] },
    });
    await send({ body: { value: [{ subscriptionId: 'sub-2', clientState: 'any' }] } });
    expect(told).toEqual(['team/p1', 'team/p2']);
  });

  it('by the thousand wake each provider once, and a few at a time', async () => {
    let current = 0;
    let most = 0;
    const many = Array.from({ length: 1000 }, (_, n) => ({ key: `team/m${n}`, isActive: true }));
    const { send, told, counted } = await openScene({
      options: {
        directory: {
          byProviderId: (id) => many.slice(Number(id.slice(-12)), Number(id.slice(-12)) + 1),
          byAddress: () => [],
          bySubscription: () => [],
        },
      },
      keep: async () => {
        current += 1;
        most = Math.max(most, current);
        await new Promise(setImmediate);
        current -= 1;
      },
    });
    const value = Array.from({ length: 2000 }, (_, n) => ({
      subscriptionId: `sub-${n}`,
      clientState: signClientState(secret, idOf(n % 1000)),
    }));
    expect((await send({ body: { value } })).status).toBe(202);
    expect(new Set(told).size).toBe(1000);
    expect(told).toHaveLength(1000);
    expect(counted).toEqual({ accepted: 2000 });
    expect(most).toBeLessThanOrEqual(64);
  });
});

it.each([pushPath, lifecyclePath])(
  'lifecycle events at %s wake, or tell of the subscription',
  async (path) => {
    const { send, told } = await openScene();
    const value = [
      notificationOf(1, { lifecycleEvent: 'missed' }),
      notificationOf(2, { lifecycleEvent: 'subscriptionRemoved' }),
      notificationOf(3, { lifecycleEvent: 'reauthorizationRequired' }),
      notificationOf(4, { lifecycleEvent: 'subscriptionRemoved', clientState: 'forged' }),
    ];
    expect((await send({ path, body: { value } })).status).toBe(202);
    expect(told.sort()).toEqual([
      'team/p1',
      'team/p2 subscriptionRemoved',
      'team/p3 reauthorizationRequired',
    ]);
  },
);

describe('the answer', () => {
  it('comes when what was told is kept, and not before', async () => {
    const { promise: kept, resolve } = Promise.withResolvers<undefined>();
    const { promise: asked, resolve: ask } = Promise.withResolvers<undefined>();
    const { send, told, requests } = await openScene({
      keep: () => {
        ask(undefined);
        return kept;
      },
    });
    const answer = send({ query: `providerId=${idOf(1)}` });
    await asked;
    // Another request goes its whole way meanwhile.
    expect((await send({ query: 'validationToken=x' })).status).toBe(200);
    expect([told, requests]).toEqual([[], [['push', 200]]]);
    resolve(undefined);
    expect((await answer).status).toBe(202);
    expect(told).toEqual(['team/p1']);
  });

  it('is 503 until the cluster is known, except to a handshake', async () => {
    const scene = await openScene({ options: { isReady: () => 'the list of OutlookProviders' } });
    const answer = await scene.send({ body: { value: [notificationOf(1)] } });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(scene.told).toEqual([]);
    expect(await scene.send({ query: 'validationToken=abc' })).toMatchObject({ status: 200, text: 'abc' });
  });

  it('is 503 when a part could not be kept, and the sender is to come again', async () => {
    const failing = new Set(['team/p2']);
    const { send, told, counted, lines } = await openScene({
      keep: ({ key }) =>
        failing.has(key) ? Promise.reject(new NotKept('no API server')) : Promise.resolve(),
    });
    const body = { value: [notificationOf(1), notificationOf(2), notificationOf(2)] };
    const answer = await send({ body });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(problemOf(answer)).toMatchObject({ status: 503 });
    expect(told).toEqual(['team/p1']);
    expect(counted).toEqual({ accepted: 1, failed: 2 });
    expect(lines.at(-1)).toMatchObject({ level: 'warn', fields: { providers: ['team/p2'] } });
    failing.clear();
    expect((await send({ body })).status).toBe(202);
    expect(told).toContain('team/p2');
  });

  it('is 500 for a bug, told in the log under the same id', async () => {
    const { send, lines } = await openScene({
      keep: () => Promise.reject(new TypeError('a bug of someone')),
    });
    const answer = await send({ query: `providerId=${idOf(1)}`, headers: { 'x-request-id': 'mine' } });
    expect(problemOf(answer)).toMatchObject({ status: 500, requestId: 'mine' });
    expect(answer.text).not.toContain('a bug');
    expect(lines.at(-1)).toMatchObject({ level: 'error', fields: { requestId: 'mine' } });
    expect(JSON.stringify(lines)).not.toContain('of someone');
  });

  it('is the same for known, unknown, suspended and forged', async () => {
    const { send } = await openScene();
    const all = [
      { query: `providerId=${idOf(1)}` },
      { query: `providerId=${idOf(99)}` },
      { query: `providerId=${idOf(0)}` },
      { body: { emailAddress: 'nobody@private.example' } },
      { body: { value: [notificationOf(1, { clientState: 'forged' })] } },
      { body: { value: [notificationOf(1)] } },
    ];
    const shown = await Promise.all(
      all.map(async (request) => {
        const { status, headers, text } = await send(request);
        const rest = [...headers].filter(([name]) => name !== 'x-request-id' && name !== 'date');
        return { status, rest, text };
      }),
    );
    expect(new Set(shown.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(shown[0]).toMatchObject({ status: 202, text: '' });
  });

  it('bears the id of the request', async () => {
    const { send } = await openScene();
    const { headers } = await send({ query: 'validationToken=x', headers: { 'x-request-id': 'abc-1.2:3' } });
    expect(headers.get('x-request-id')).toBe('abc-1.2:3');
    const made = (await send({ query: 'validationToken=x', headers: { 'x-request-id': 'a b"c' } })).headers;
    expect(made.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('probes', () => {
  it('answer without a token, and tell what is waited for', async () => {
    let missing: string | null = 'the list of OutlookProviders';
    const { send } = await openScene({ options: { isReady: () => missing }, limits: { ratePerSecond: 1 } });
    const probe = (path: string): Promise<unknown> => send({ method: 'GET', path, token: null });
    expect(await probe('/readyz')).toMatchObject({ status: 503, text: 'the list of OutlookProviders\n' });
    missing = null;
    expect(await probe('/readyz')).toMatchObject({ status: 200, text: 'ok\n' });
    for (let n = 0; n < 20; n += 1)
      expect(await probe('/healthz')).toMatchObject({ status: 200, text: 'ok\n' });
    expect(await send({ method: 'POST', path: '/healthz' })).toMatchObject({ status: 405 });
  });
});
