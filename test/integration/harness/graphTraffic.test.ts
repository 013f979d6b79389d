// Concurrency, faults, batches and the request log of the simulated Graph.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SimulatedMailbox } from '../../harness/graph/mailbox.ts';
import {
  createProbe,
  errorCode,
  field,
  IMMUTABLE,
  itemsOf,
  type Answer,
  type Probe,
} from '../../harness/graph/probe.ts';
import {
  startGraphSimulator,
  type GraphSimulator,
  type GraphSimulatorOptions,
} from '../../harness/graph/simulator.ts';

const EMAIL = 'ada@contoso.example';
let simulator: GraphSimulator;
let mailbox: SimulatedMailbox;
let probe: Probe;

async function start(options: GraphSimulatorOptions = {}): Promise<void> {
  simulator = await startGraphSimulator(options);
  mailbox = simulator.addMailbox({ email: EMAIL, messages: 30 });
  probe = createProbe(simulator, EMAIL);
}

beforeEach(() => start());
afterEach(() => simulator.close());

function together(count: number, url = '/me/messages'): Promise<Answer[]> {
  return Promise.all(Array.from({ length: count }, () => probe.get(url)));
}

function statuses(answers: readonly { status: number }[]): number[] {
  return answers.map((answer) => answer.status).sort();
}

/** Holds back every answer that no other script decides, until it is opened. */
function closeGate(): () => void {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  simulator.faults.add({ when: () => true, times: Infinity, reply: { until: promise } });
  return () => {
    resolve(undefined);
  };
}

async function arrived(count: number): Promise<void> {
  await expect.poll(() => simulator.requests.length).toBe(count);
}

describe('the concurrency limit', () => {
  it('serves four requests of a mailbox at a time and refuses the rest', async () => {
    simulator.addMailbox({ email: 'eve@contoso.example' });
    const open = closeGate();
    const other = createProbe(simulator, 'eve@contoso.example').get('/me/messages');
    const pending = together(6);
    await arrived(7);
    open();
    const answers = await pending;
    expect(statuses(answers)).toEqual([200, 200, 200, 200, 429, 429]);
    expect(errorCode(answers.find((answer) => answer.status === 429) as Answer)).toBe('ApplicationThrottled');
    expect((await other).status).toBe(200);
    const mine = simulator.requests.filter((record) => record.mailbox === EMAIL);
    expect(Math.max(...mine.map((record) => record.inFlight))).toBeGreaterThan(4);
    expect(mine.filter((record) => record.retryAfterUntil === record.endedAt + 1000)).toHaveLength(2);
  });

  it('lets a client go on the moment it has its answer', async () => {
    await simulator.close();
    await start({ concurrencyLimit: 1 });
    for (let i = 0; i < 50; i++) expect((await probe.get('/me/messages?$top=200')).status).toBe(200);
  });
});

describe('faults', () => {
  it('can throttle every third request and any fifth concurrent one', async () => {
    await simulator.close();
    await start({ concurrencyLimit: Infinity });
    const reply = { status: 429, headers: { 'Retry-After': '2' } };
    simulator.faults.everyNth(3, reply);
    simulator.faults.add({ when: (request) => request.inFlight >= 5, times: Infinity, reply });
    const open = closeGate();
    const pending: Promise<Answer>[] = [];
    for (let number = 1; number <= 8; number++) {
      pending.push(probe.get('/me/messages'));
      await arrived(number);
      if (number % 3 === 0) await pending.at(-1);
    }
    open();
    // The third and the sixth by count; of the other six, four fit in and two are one too many.
    const answers = await Promise.all(pending);
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 429, 200, 200, 429, 429, 429]);
    const throttled = simulator.requests.filter((record) => record.status === 429);
    expect(throttled.map((record) => (record.retryAfterUntil ?? 0) - record.endedAt)).toEqual([
      2000, 2000, 2000, 2000,
    ]);
    simulator.faults.clear();
    expect((await probe.get('/me/messages')).status).toBe(200);
  });

  it('answers as scripted, as often as scripted, in the order scripted', async () => {
    const when = (): boolean => true;
    simulator.faults.add({ when, times: 2, reply: { status: 503, headers: { 'retry-after': 'soon' } } });
    simulator.faults.add({ when, reply: { status: 504, body: '<html>Gateway Timeout</html>' } });
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await probe.get('/me/messages'));
    expect(answers.map((answer) => answer.status)).toEqual([503, 503, 504, 200]);
    expect(answers[2]?.headers.get('content-type')).toBe('text/html');
    expect(simulator.requests[0]).not.toHaveProperty('retryAfterUntil');
  });

  it('breaks the connection before, in the middle of, or instead of an answer', async () => {
    const once = { when: (): boolean => true };
    simulator.faults.add({ ...once, reply: { reset: true } });
    await expect(probe.get('/me/messages')).rejects.toThrow('fetch failed');
    simulator.faults.add({ ...once, reply: { truncate: true } });
    await expect(probe.get('/me/messages')).rejects.toThrow('terminated');
    simulator.faults.add({ ...once, reply: { truncate: 'json' } });
    await expect(probe.get('/me/messages')).rejects.toThrow(SyntaxError);
    simulator.faults.add({ ...once, reply: { hang: true } });
    const signal = AbortSignal.timeout(100);
    await expect(fetch(`${simulator.graphBaseUrl}/me/messages`, { signal })).rejects.toThrow('timeout');
    expect(simulator.requests.map((record) => record.status)).toEqual([0, 200, 200, 0]);
  });

  it('can alter a good answer, and leaves refusals alone', async () => {
    const mutate = (body: unknown): unknown => ({
      ...Object(body),
      '@odata.nextLink': 'https://elsewhere.example/',
    });
    simulator.faults.add({ when: () => true, times: 2, reply: { mutate } });
    const answer = await probe.get('/me/messages');
    expect(field(answer.body, '@odata.nextLink')).toBe('https://elsewhere.example/');
    expect(itemsOf(answer)).toHaveLength(10);
    expect(Object.keys((await probe.get('/me/messages/delta')).body as object)).toEqual(['error']);
  });
});

interface Inner {
  id: string;
  status: number;
  headers: Record<string, string>;
  body: unknown;
}

function responsesOf(answer: Answer): Inner[] {
  return field(answer.body, 'responses') as Inner[];
}

function batchOf(urls: readonly string[], headers?: Record<string, string>): object {
  return {
    requests: urls.map((url, index) => ({
      id: String(index),
      method: 'GET',
      url,
      ...(headers ? { headers } : {}),
    })),
  };
}

describe('batches', () => {
  it('answer up to twenty requests, each with its own status and id form, in no order', async () => {
    const ids = mailbox.messages().map((message) => message.id);
    const urls = ids.slice(0, 18).map((id) => `/me/messages/${encodeURIComponent(id)}?$select=subject`);
    const batch = batchOf([...urls, `/me/messages/${'A'.repeat(100)}`, 'me/messages/delta'], {
      Prefer: IMMUTABLE,
    });
    const answer = await probe.send('POST', '/$batch', batch);
    expect(answer.status).toBe(200);
    const responses = responsesOf(answer);
    expect(responses.map((one) => one.id)).not.toEqual(
      Array.from({ length: 20 }, (_, index) => String(index)),
    );
    const byId = new Map(responses.map((one) => [Number(one.id), one]));
    expect(byId.size).toBe(20);
    expect(ids.slice(0, 18).map((_, index) => field(byId.get(index)?.body, 'id'))).toEqual(ids.slice(0, 18));
    expect([byId.get(18)?.status, byId.get(19)?.status]).toEqual([404, 400]);
    expect(simulator.requests[0]).toMatchObject({ inFlight: 4, status: 200 });
    expect(simulator.requests[0]?.batch).toHaveLength(20);
  });

  it('do not inherit the preferences of the outer request', async () => {
    const id = mailbox.messages()[0]?.id ?? '';
    const batch = batchOf([`/me/messages/${encodeURIComponent(id)}`]);
    const [inner] = responsesOf(await probe.send('POST', '/$batch', batch, { prefer: IMMUTABLE }));
    expect(inner?.status).toBe(200);
    expect(field(inner?.body, 'id')).not.toBe(id);
  });

  it('are refused whole when malformed, too long or not posted', async () => {
    const url = '/me/messages';
    const wrong: unknown[] = [
      batchOf(Array.from({ length: 21 }, () => url)),
      { requests: [] },
      'no json',
      batchOf(['https://graph.microsoft.com/v1.0/me/messages']),
      batchOf(['/$batch']),
      {
        requests: [
          { id: '1', method: 'GET', url },
          { id: '1', method: 'GET', url },
        ],
      },
      { requests: [{ id: '1', method: 'GET', url, dependsOn: ['2'] }] },
    ];
    for (const body of wrong) {
      const answer = await probe.send('POST', '/$batch', body);
      expect([answer.status, errorCode(answer)]).toEqual([400, 'BadRequest']);
    }
    expect((await probe.get('/$batch')).status).toBe(405);
    const anonymous = await createProbe(simulator, EMAIL, 'made-up').send('POST', '/$batch', batchOf([url]));
    expect(anonymous.status).toBe(401);
  });

  it('forbid writing inside and fail what depends on a failure', async () => {
    const requests = [
      { id: 'write', method: 'DELETE', url: `/me/messages/${mailbox.messages()[0]?.id ?? ''}` },
      { id: 'after', method: 'GET', url: '/me/messages', dependsOn: ['write'] },
    ];
    const responses = responsesOf(await probe.send('POST', '/$batch', { requests }));
    expect(new Map(responses.map((one) => [one.id, one.status]))).toEqual(
      new Map([
        ['write', 403],
        ['after', 424],
      ]),
    );
  });

  it('share faults and places: inner requests can be throttled one by one', async () => {
    simulator.faults.add({
      when: (request) => request.kind === 'batched' && request.path.endsWith('/me/mailFolders'),
      reply: { status: 429, headers: { 'retry-after': '7' } },
    });
    const [throttled] = responsesOf(await probe.send('POST', '/$batch', batchOf(['/me/mailFolders'])));
    expect([throttled?.status, throttled?.headers['Retry-After']]).toEqual([429, '7']);

    simulator.clearRequests();
    const open = closeGate();
    const single = probe.get('/me/messages');
    await arrived(1);
    const pending = probe.send('POST', '/$batch', batchOf(Array.from({ length: 8 }, () => '/me/messages')));
    await arrived(2);
    open();
    const batch = await pending;
    expect((await single).status).toBe(200);
    expect(batch.status).toBe(200);
    expect(responsesOf(batch).filter((one) => one.status === 429)).toHaveLength(2);
  });
});

describe('the request log and the headers', () => {
  it('names what was asked, readably, and echoes the client request id', async () => {
    const id = mailbox.messages()[0]?.id ?? '';
    const headers = { 'client-request-id': 'mine', prefer: `${IMMUTABLE}, odata.maxpagesize=5` };
    const answer = await probe.send(
      'GET',
      `/me/messages/${encodeURIComponent(id)}?%24select=subject`,
      undefined,
      headers,
    );
    expect(answer.headers.get('client-request-id')).toBe('mine');
    expect(answer.headers.get('request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(simulator.requests).toMatchObject([
      {
        method: 'GET',
        path: `/v1.0/me/messages/${id}`,
        query: '$select=subject',
        prefer: [IMMUTABLE, 'odata.maxpagesize=5'],
        status: 200,
        mailbox: EMAIL,
        inFlight: 1,
      },
    ]);
    simulator.clearRequests();
    expect(simulator.requests).toEqual([]);
  });
});
