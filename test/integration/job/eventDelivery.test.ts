// Domain events as CloudEvents over HTTP, to a real sink: there, refusing, mute and away.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { openScene, type Scene, type User } from './scene.ts';

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly event: Record<string, unknown>;
}

let scene: Scene;
let sink: Server;
let received: Received[] = [];
let answer: number | 'silence' = 204;

beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

beforeEach(async () => {
  received = [];
  answer = 204;
  sink = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const event = JSON.parse(Buffer.concat(parts).toString()) as Record<string, unknown>;
      received.push({ headers: request.headers, event });
      if (answer !== 'silence') response.writeHead(answer).end();
    });
  });
  sink.listen(0, '127.0.0.1');
  await once(sink, 'listening');
});

afterEach(() => {
  sink.closeAllConnections();
  sink.close();
});

function sinkUrl(): string {
  const bound = sink.address();
  return `http://127.0.0.1:${typeof bound === 'object' ? (bound?.port ?? 0) : 0}/events?tenant=7`;
}

const withSink = (more: Record<string, string> = {}) => ({
  env: { NOTIFICATION_SINK_URL: sinkUrl(), ...more },
});

/** Fails with a dead grant: one event. */
async function fail(user: User, options = withSink()): Promise<void> {
  user.mailbox.revokeGrant();
  const { code } = await user.sync(options);
  expect(code).toBe(77);
}

const ids = (): unknown[] => received.map(({ event }) => event['id']);

it('a failure is delivered at once, as a CloudEvent', async () => {
  const user = scene.addUser();
  await fail(user);
  expect(received).toHaveLength(1);
  const [{ headers, event } = { headers: {}, event: {} }] = received;
  const [stored] = await user.events();
  const { id } = await user.provider();
  expect(headers['content-type']).toMatch(/^application\/cloudevents\+json/);
  expect(event).toEqual({
    specversion: '1.0',
    id: stored?.id,
    type: 'SYNC_FAILED',
    source: expect.stringContaining(id) as string,
    subject: id,
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/) as string,
    datacontenttype: 'application/json',
    data: {
      providerId: id,
      providerType: 'OUTLOOK',
      workspaceId: null,
      attempts: 1,
      code: 'ReauthorizationRequired',
      error: expect.any(String) as string,
    },
  });
  expect(Math.abs(Date.parse(String(event['time'])) - Date.now())).toBeLessThan(60_000);
  scene.secrets.assertUnseen(JSON.stringify(event), 'the CloudEvent');
  expect(stored?.deliveredAt).toBeInstanceOf(Date);
});

it('is delivered once', async () => {
  const user = scene.addUser();
  await fail(user);
  await fail(user);
  expect(received).toHaveLength(1);
});

it('waits for a sink that is away; the sync does not fail for it', async () => {
  const user = scene.addUser();
  await fail(user, { env: { NOTIFICATION_SINK_URL: 'http://127.0.0.1:1/' } });
  const signedIn = { OUTLOOK_REFRESH_TOKEN: user.mailbox.newSignIn() };
  await user.synced({ env: { NOTIFICATION_SINK_URL: 'http://127.0.0.1:1/', ...signedIn } });
  expect((await user.events()).map(({ deliveredAt }) => deliveredAt)).toEqual([null, null]);
  await user.synced(withSink(signedIn));
  expect(received.map(({ event }) => event['type'])).toEqual(['SYNC_FAILED', 'SYNC_RECOVERED']);
  expect(ids()).toEqual((await user.events()).map(({ id }) => id));
});

it.each([500, 302] as const)('is delivered again where the sink answered %i', async (status) => {
  const user = scene.addUser();
  answer = status;
  await fail(user);
  answer = 202;
  await fail(user);
  expect(received).toHaveLength(2);
  expect(new Set(ids()).size).toBe(1);
  expect((await user.events())[0]?.deliveredAt).toBeInstanceOf(Date);
});

it('is delivered again where the sink never answered; the run ends all the same', async () => {
  const user = scene.addUser();
  answer = 'silence';
  await fail(user, withSink({ OUTLOOK_SYNC_REQUEST_TIMEOUT_MS: '200' }));
  answer = 200;
  await fail(user);
  expect(new Set(ids()).size).toBe(1);
  expect((await user.events())[0]?.deliveredAt).toBeInstanceOf(Date);
});

it('stays in the outbox where no sink is configured', async () => {
  const user = scene.addUser();
  await fail(user, { env: { NOTIFICATION_SINK_URL: '' } });
  expect(received).toEqual([]);
  expect((await user.events()).map(({ deliveredAt }) => deliveredAt)).toEqual([null]);
});
