// What the webhook refuses, and that neither its answers nor its log repeat what was sent.
import { describe, expect, it } from 'vitest';
import { lifecyclePath, pushPath } from '../../../api/pushUrl.ts';
import {
  addressOf,
  dial,
  heard,
  idOf,
  notificationOf,
  openScene,
  problemOf,
  secret,
  token,
} from './httpScene.ts';

const good = { query: `providerId=${idOf(1)}` };

describe('a request without the right token', () => {
  it.each([
    ['none', { ...good, token: null }],
    ['a wrong one', { ...good, token: 'wrong' }],
    ['nothing', { ...good, token: '' }],
    ['the beginning of it', { ...good, token: token.slice(0, -1) }],
    ['it twice', { query: `token=${token}` }],
    ['it beside another', { query: 'token=wrong' }],
    ['a list', { query: `token[]=${token}`, token: null }],
    ['another case', { query: `Token=${token}`, token: null }],
    ['it in the body', { body: { providerId: idOf(1), token }, token: null }],
  ])('that brings %s gets 401 and wakes nobody', async (_, request) => {
    const { send, told, lines } = await openScene();
    for (const path of [pushPath, lifecyclePath]) {
      const answer = await send({ ...request, path });
      expect(problemOf(answer)).toMatchObject({ status: 401, requestId: answer.headers.get('x-request-id') });
      expect(answer.headers.get('www-authenticate')).not.toBeNull();
    }
    expect(told).toEqual([]);
    expect(lines).toMatchObject([{ level: 'warn', message: 'A token was missing or wrong' }]);
  });

  it('is welcome where one of several is shown, or none is configured', async () => {
    const several = await openScene({ options: { tokens: ['other', token] } });
    expect((await several.send(good)).status).toBe(202);
    const open = await openScene({ options: { tokens: [] } });
    expect((await open.send({ ...good, token: null })).status).toBe(202);
    expect((await open.send({ ...good, token: 'any' })).status).toBe(202);
  });
});

describe('a request that says nothing', () => {
  it.each([
    ['no body', {}],
    ['null', { body: 'null' }],
    ['an empty object', { body: {} }],
    ['an empty list of notifications', { body: { value: [] } }],
    ['only what is not understood', { body: { value: [7, {}] } }],
    ['a list', { body: '[]' }],
    ['a text', { body: '"a"' }],
    ['broken JSON', { body: '{"providerId":' }],
    ['a form', { body: 'providerId=1' }],
    ['JSON after a byte order mark', { body: '\ufeff{}' }],
  ])('such as %s gets 400', async (_, request) => {
    const { send, told } = await openScene();
    const answer = await send(request);
    expect(problemOf(answer)).toMatchObject({ status: 400 });
    expect(problemOf(answer)['type']).toMatch(/^tag:/);
    expect(told).toEqual([]);
  });

  it.each([
    ['providerId', { query: 'providerId=PRIVATE' }],
    ['providerId', { body: { providerId: 'PRIVATE' } }],
    ['emailAddress', { body: { emailAddress: { a: 'PRIVATE' } } }],
    ['userPrincipalName', { query: 'userPrincipalName=' }],
    ['value', { body: { value: 'PRIVATE' } }],
    ['providerId', { query: `providerId=${idOf(1)}&providerId=${idOf(2)}` }],
    ['validationToken', { query: 'validationToken=PRIVATE&validationToken=b' }],
    ['emailAddress', { query: `emailAddress=${addressOf(1)}&emailAddress=${addressOf(1)}` }],
  ])('understandable by %s is told so', async (field, request) => {
    const { send, told } = await openScene();
    const answer = await send(request);
    const problem = problemOf(answer);
    expect(problem).toMatchObject({ status: 400, field });
    expect(problem['detail']).toContain(field);
    expect(answer.text).not.toContain('PRIVATE');
    expect(told).toEqual([]);
  });
});

describe('a body', () => {
  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', 'text/json', ''])(
    'of the type %j gets 415',
    async (type) => {
      const { send, told } = await openScene();
      const answer = await send({ body: { providerId: idOf(1) }, headers: { 'content-type': type } });
      expect(problemOf(answer)).toMatchObject({ status: 415 });
      expect(told).toEqual([]);
    },
  );

  it('that is compressed gets 415', async () => {
    const { send } = await openScene();
    expect((await send({ body: '{}', headers: { 'content-encoding': 'gzip' } })).status).toBe(415);
  });

  it('is read up to the limit', async () => {
    const { send, told } = await openScene({ limits: { bodyLimitBytes: 2000 } });
    const sized = (bytes: number): string => JSON.stringify({ providerId: idOf(1) }).padEnd(bytes);
    expect((await send({ body: sized(2000) })).status).toBe(202);
    expect(problemOf(await send({ body: sized(2001) }))).toMatchObject({ status: 413 });
    expect(problemOf(await send({ body: sized(3_000_000) }))).toMatchObject({ status: 413 });
    expect((await send({ query: 'validationToken=x', body: sized(2001) })).status).toBe(413);
    expect(told).toEqual(['team/p1']);
  });

  it('without a length is read up to the limit', async () => {
    // Who was refused may never send the rest.
    const { server, told } = await openScene({ limits: { bodyLimitBytes: 2000, drainMs: 50 } });
    const chunked = async (bytes: number): Promise<number> => {
      const parts = [JSON.stringify({ providerId: idOf(1) }), ' '.repeat(bytes)];
      const body = ReadableStream.from(parts).pipeThrough(new TextEncoderStream());
      const headers = { 'content-type': 'application/json' };
      const url = `${server.url}${pushPath}?token=${token}`;
      return (await fetch(url, { method: 'POST', headers, body, duplex: 'half' })).status;
    };
    expect(await chunked(100)).toBe(202);
    expect(await chunked(2000)).toBe(413);
    expect(await chunked(3_000_000)).toBe(413);
    expect(told).toEqual(['team/p1']);
  });
});

it('other paths get 404, other methods 405', async () => {
  const { send } = await openScene();
  for (const path of [
    '/',
    '/metrics',
    '/outlook-sync/webhooks',
    `${pushPath}/more`,
    `/${pushPath}`,
    '/%zz',
  ]) {
    expect(problemOf(await send({ ...good, path }))).toMatchObject({ status: 404 });
  }
  for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    const answer = await send({ ...good, method });
    expect(problemOf(answer)).toMatchObject({ status: 405 });
    expect(answer.headers.get('allow')).toBe('POST');
  }
});

it('a path is the same however it is written (RFC 3986, 6.2.2.2)', async () => {
  const { send } = await openScene();
  const path = pushPath.replace('push', '%70ush');
  expect((await send({ ...good, path })).status).toBe(202);
  expect((await send({ ...good, path, token: 'wrong' })).status).toBe(401);
});

describe('an ambiguous request', () => {
  const body = JSON.stringify({ providerId: idOf(1) });
  const head = [`POST ${pushPath}?token=${token} HTTP/1.1`, 'Host: a', 'Content-Type: application/json'];
  const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

  it.each([
    ['two lengths', [`Content-Length: ${body.length}`, 'Content-Length: 3'], body],
    ['length and chunks', [`Content-Length: ${body.length}`, 'Transfer-Encoding: chunked'], chunk],
    ['chunks and length', ['Transfer-Encoding: chunked', 'Content-Length: 4'], chunk],
    ['chunks that are none', ['Transfer-Encoding: xchunked'], chunk],
    ['chunks not at last', ['Transfer-Encoding: chunked, identity'], chunk],
    ['a negative length', ['Content-Length: -1'], body],
    ['a blank before the colon', [`Content-Length : ${body.length}`], body],
    ['a folded header', [`X: a\r\n b\r\nContent-Length: ${body.length}`, 'Content-Length: 1'], body],
  ])('with %s is refused, and ends its connection', async (_, headers, sent) => {
    const { server, told } = await openScene();
    const socket = await dial(server);
    socket.write([...head, ...headers, '', sent].join('\r\n'));
    const answer = await heard(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('application/problem+json');
    expect(told).toEqual([]);
  });

  it('without a host is refused', async () => {
    const { server, told } = await openScene();
    const socket = await dial(server);
    socket.write([head[0], head[2], `Content-Length: ${body.length}`, '', body].join('\r\n'));
    expect(await heard(socket)).toMatch(/^HTTP\/1\.1 400 /);
    expect(told).toEqual([]);
  });
});

it('neither log nor answers repeat what was sent', async () => {
  const { send, lines } = await openScene();
  const forged = notificationOf(1, { clientState: `${idOf(1)}.FORGED` });
  const answers = [
    await send({ query: `emailAddress=${addressOf(1)}` }),
    await send({ query: `emailAddress=${addressOf(1)}`, token: 'WRONG' }),
    await send({ query: `providerId=${addressOf(1)}` }),
    await send({ body: { value: [forged, notificationOf(2), { emailAddress: addressOf(3) }] } }),
    await send({ body: `{"emailAddress": "${addressOf(1)}"` }),
    await send({ path: `/${addressOf(1)}`, query: 'validationToken=PRIVATE' }),
  ];
  const shown = JSON.stringify(lines) + answers.map(({ text }) => text).join('\n');
  expect(lines.length).toBeGreaterThan(2);
  expect(lines.filter(({ level }) => level === 'info')).toEqual([]);
  for (const word of [
    'private.example',
    'WRONG',
    'FORGED',
    'AAMk',
    'PRIVATE',
    token,
    secret,
    'sub-',
    idOf(1),
  ]) {
    expect(shown).not.toContain(word);
  }
  for (const { fields } of lines) expect(fields).toHaveProperty('requestId');
});
