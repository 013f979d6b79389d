import { gzipSync } from 'node:zlib';
import nock from 'nock';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GraphClient } from '../../../../job/graph/client.ts';
import { type Cloud, cloudEndpoints } from '../../../../api/cloud.ts';
import { openAgent } from '../../../../job/graph/http.ts';
import { redeem } from '../../../../job/graph/login.ts';
import { MailboxUrls } from '../../../../job/graph/page.ts';

const agent = openAgent(2_000);
const log = pino({ level: 'silent' });
const clock = {
  now: Date.now,
  random: () => 0,
  signal: new AbortController().signal,
  deadline: Date.now() + 60_000,
};

function clientOf(baseUrl: string, tokens = ['token-1', 'token-2']): GraphClient {
  let current = 0;
  const token = (): Promise<string> => Promise.resolve(tokens[current] ?? '');
  const renew = (): Promise<string> => {
    current += 1;
    return token();
  };
  const options = { baseUrl, clock, log, agent, backoffBase: 1, pageSize: 50 };
  return new GraphClient({ ...options, tokens: { current: token, renew } });
}

beforeEach(() => nock.disableNetConnect());
afterEach(() => {
  nock.cleanAll();
  nock.enableNetConnect();
});

const clouds: readonly (readonly [Cloud, string, string])[] = [
  ['Global', 'https://graph.microsoft.com', 'https://login.microsoftonline.com'],
  ['USGov', 'https://graph.microsoft.us', 'https://login.microsoftonline.us'],
  ['USGovDoD', 'https://dod-graph.microsoft.us', 'https://login.microsoftonline.us'],
  ['China', 'https://microsoftgraph.chinacloudapi.cn', 'https://login.chinacloudapi.cn'],
];

describe.each(clouds)('the %s cloud', (cloud, graph, login) => {
  it('is asked at its own Graph, with the bearer, immutable ids and the page size on every request', async () => {
    const scope = nock(graph, {
      reqheaders: {
        authorization: 'Bearer token-1',
        prefer: 'IdType="ImmutableId", odata.maxpagesize=50',
        'client-request-id': /^[0-9a-f-]{36}$/,
      },
    })
      .get('/v1.0/me/mailFolders/delta')
      .query({ $select: 'displayName,parentFolderId' })
      .reply(200, { value: [] });
    const { graphBaseUrl } = cloudEndpoints(cloud, 'common');
    const client = clientOf(graphBaseUrl);
    const answer = await client.send({ url: new MailboxUrls(graphBaseUrl, null).folderList() });
    expect(answer).toMatchObject({ ok: true, body: { value: [] } });
    expect(scope.isDone()).toBe(true);
  });

  it('redeems an app-only grant at its own login, for the Graph of the same cloud', async () => {
    const { tokenUrl, appScope } = cloudEndpoints(cloud, 'contoso.example');
    const scope = nock(login)
      .post('/contoso.example/oauth2/v2.0/token', {
        client_id: 'app',
        client_secret: 'secret',
        grant_type: 'client_credentials',
        scope: `${graph}/.default`,
      })
      .reply(200, { access_token: 'issued', expires_in: 3600, token_type: 'Bearer' });
    const options = {
      tokenUrl,
      clientId: 'app',
      clientSecret: 'secret',
      clock,
      log,
      agent,
      backoffBase: 1,
    };
    const tokens = await redeem(options, { type: 'client_credentials', scope: appScope });
    expect(tokens).toMatchObject({ accessToken: 'issued', refreshToken: null });
    expect(scope.isDone()).toBe(true);
  });
});

describe('the bearer token', () => {
  const base = 'https://graph.microsoft.com/v1.0';

  it('is renewed once when Graph rejects it, and then the rejection stands', async () => {
    nock('https://graph.microsoft.com').get('/v1.0/me/messages').times(2).reply(401, {});
    const client = clientOf(base);
    await expect(client.send({ url: `${base}/me/messages` })).rejects.toMatchObject({
      code: 'AccessTokenRejected',
    });
    expect(client.requests).toBe(2);
  });

  it('is not sent to another host, whatever asks for it', async () => {
    const elsewhere = nock('https://graph.microsoft.com.evil.example')
      .get('/v1.0/me/messages')
      .reply(200, {});
    const client = clientOf(base);
    const url = 'https://graph.microsoft.com.evil.example/v1.0/me/messages';
    await expect(client.send({ url })).rejects.toMatchObject({ code: 'ForeignLink' });
    expect(elsewhere.isDone()).toBe(false);
  });
});

describe('a refusal', () => {
  const base = 'https://graph.microsoft.com/v1.0';
  const whole = JSON.stringify({ error: { code: 'syncStateNotFound', message: 'gone' } });

  it('whose JSON is cut off says nothing and is asked for again', async () => {
    const graph = nock('https://graph.microsoft.com');
    graph.get('/v1.0/me/messages').reply(400, whole.slice(0, 20));
    graph.get('/v1.0/me/messages').reply(400, whole);
    await expect(clientOf(base).send({ url: `${base}/me/messages` })).resolves.toMatchObject({
      ok: false,
      code: 'syncstatenotfound',
    });
  });

  it('that stays cut off is Graph’s failure, and no refusal', async () => {
    nock('https://graph.microsoft.com').get('/v1.0/me/messages').times(3).reply(400, whole.slice(0, 20));
    await expect(clientOf(base).send({ url: `${base}/me/messages` })).rejects.toMatchObject({
      code: 'GraphResponseInvalid',
    });
  });

  it.each([
    [410, whole.slice(0, 20)],
    [404, ''],
    [400, '<html>Bad Request</html>'],
  ])('is taken as it is where no code is lost (%i %s)', async (status, text) => {
    const graph = nock('https://graph.microsoft.com').get('/v1.0/me/messages').reply(status, text);
    await expect(clientOf(base).send({ url: `${base}/me/messages` })).resolves.toMatchObject({
      ok: false,
      status,
    });
    expect(graph.isDone()).toBe(true);
  });
});

describe('a compressed answer', () => {
  const base = 'https://graph.microsoft.com/v1.0';

  it('is asked for and unpacked', async () => {
    nock('https://graph.microsoft.com', { reqheaders: { 'accept-encoding': 'gzip' } })
      .get('/v1.0/me/messages')
      .reply(200, gzipSync(JSON.stringify({ value: ['Grüße'] })), { 'content-encoding': 'gzip' });
    await expect(clientOf(base).send({ url: `${base}/me/messages` })).resolves.toMatchObject({
      ok: true,
      body: { value: ['Grüße'] },
    });
  });

  it('that is cut off counts as a lost connection and is asked for again', async () => {
    const whole = gzipSync(JSON.stringify({ value: ['whole'] }));
    const graph = nock('https://graph.microsoft.com');
    graph.get('/v1.0/me/messages').reply(200, whole.subarray(0, 12), { 'content-encoding': 'gzip' });
    graph.get('/v1.0/me/messages').reply(200, whole, { 'content-encoding': 'gzip' });
    const client = clientOf(base);
    await expect(client.send({ url: `${base}/me/messages` })).resolves.toMatchObject({
      body: { value: ['whole'] },
    });
    expect(client.requests).toBe(2);
  });
});

describe('a request that changes something', () => {
  const base = 'https://graph.microsoft.com/v1.0';

  it('may be a PATCH or a DELETE, and may be answered without a body', async () => {
    const graph = nock('https://graph.microsoft.com');
    graph.patch('/v1.0/subscriptions/1', { a: 1 }).reply(200, { id: '1' });
    graph.delete('/v1.0/subscriptions/1').reply(204);
    const client = clientOf(base);
    const url = `${base}/subscriptions/1`;
    expect(await client.send({ url, method: 'PATCH', body: { a: 1 } })).toMatchObject({ body: { id: '1' } });
    expect(await client.send({ url, method: 'DELETE' })).toMatchObject({ ok: true, status: 204 });
    expect(graph.isDone()).toBe(true);
  });

  it.each([
    ['unavailable', 'GraphUnavailable', () => nock('https://graph.microsoft.com').post('/v1.0/x').reply(503)],
    ['too slow', 'GraphUnavailable', () => nock('https://graph.microsoft.com').post('/v1.0/x').reply(504)],
    [
      'garbled',
      'GraphResponseInvalid',
      () => nock('https://graph.microsoft.com').post('/v1.0/x').reply(201, '<'),
    ],
  ])('and is to be sent once is not sent again where Graph is %s', async (_what, code, script) => {
    script();
    const client = clientOf(base);
    const sent = client.send({ url: `${base}/x`, body: {}, once: true });
    await expect(sent).rejects.toMatchObject({ code });
    expect(client.requests).toBe(1);
  });

  it('and is to be sent once is sent again with another token, and after a throttle', async () => {
    const graph = nock('https://graph.microsoft.com');
    graph.post('/v1.0/x').reply(401);
    graph.post('/v1.0/x').reply(429, '', { 'retry-after': '0' });
    graph.post('/v1.0/x').reply(201, {});
    const client = clientOf(base);
    expect(await client.send({ url: `${base}/x`, body: {}, once: true })).toMatchObject({ status: 201 });
    expect(client.requests).toBe(3);
  });
});
