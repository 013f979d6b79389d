// Push subscriptions of the simulated Graph: terms, handshake, delivery, and the ways they end.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SimulatedMailbox } from '../../harness/graph/mailbox.ts';
import { createProbe, errorCode, field, type Answer, type Probe } from '../../harness/graph/probe.ts';
import { startGraphSimulator, type GraphSimulator } from '../../harness/graph/simulator.ts';

const NOW = Date.UTC(2026, 10, 20);
const MINUTE = 60_000;
let now = NOW;
let simulator: GraphSimulator;
let mailbox: SimulatedMailbox;
let probe: Probe;
let receiver: Server;
let receiverUrl: string;
let received: unknown[];

beforeEach(async () => {
  now = NOW;
  simulator = await startGraphSimulator({ clock: () => now });
  mailbox = simulator.addMailbox({ email: 'ada@contoso.example', messages: 5 });
  probe = createProbe(simulator, mailbox.email);
  received = [];
  receiver = createServer((request, response) => {
    const token = new URL(request.url ?? '', 'http://localhost').searchParams.get('validationToken');
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      if (token === null) received.push(JSON.parse(text));
      const deaf = request.url?.startsWith('/deaf') === true;
      response.writeHead(token === null ? 202 : 200, { 'content-type': deaf ? 'text/html' : 'text/plain' });
      response.end(token ?? '');
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  receiverUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
});

afterEach(async () => {
  receiver.closeAllConnections();
  receiver.close();
  await simulator.close();
});

function subscribe(more: object = {}): Promise<Answer> {
  return probe.send('POST', '/subscriptions', {
    changeType: 'created,updated,deleted',
    notificationUrl: `${receiverUrl}/push?tag=7`,
    resource: '/me/messages',
    expirationDateTime: new Date(NOW + 2880 * MINUTE).toISOString(),
    clientState: 'secret',
    ...more,
  });
}

describe('push subscriptions', () => {
  it('are made after a handshake and told of every change, when the test says so', async () => {
    const answer = await subscribe();
    expect(answer.status).toBe(201);
    const id = field(answer.body, 'id');
    const message = mailbox.createMessage();
    mailbox.deleteMessage(message.id, { hard: true });
    expect(await simulator.deliverNotifications()).toMatchObject([
      { url: `${receiverUrl}/push?tag=7`, status: 202 },
    ]);
    expect(received).toMatchObject([
      {
        value: [
          { subscriptionId: id, clientState: 'secret', changeType: 'created' },
          { subscriptionId: id, clientState: 'secret', changeType: 'deleted' },
        ],
      },
    ]);
    expect(await simulator.deliverNotifications()).toEqual([]);
  });

  it.each([
    [
      'a receiver that answers the handshake with HTML',
      () => ({ notificationUrl: `${receiverUrl}/deaf` }),
      'ValidationError',
    ],
    [
      'a lifecycle URL that is deaf',
      () => ({ lifecycleNotificationUrl: `${receiverUrl}/deaf` }),
      'ValidationError',
    ],
    [
      'plain HTTP beyond loopback',
      () => ({ notificationUrl: 'http://elsewhere.example/' }),
      'InvalidRequest',
    ],
    [
      'a life beyond the limit',
      () => ({ expirationDateTime: new Date(NOW + 4231 * MINUTE).toISOString() }),
      'ErrorInvalidParameter',
    ],
    ['a life that is over', () => ({ expirationDateTime: new Date(NOW).toISOString() }), 'InvalidRequest'],
    ['a client state that is too long', () => ({ clientState: 'x'.repeat(129) }), 'InvalidRequest'],
    ['an unknown change type', () => ({ changeType: 'created,moved' }), 'InvalidRequest'],
    ['another resource', () => ({ resource: '/me/events' }), 'InvalidRequest'],
  ])('are refused for %s', async (_, more, code) => {
    const answer = await subscribe(more());
    expect([answer.status, errorCode(answer)]).toEqual([400, code]);
    expect(simulator.subscriptions()).toEqual([]);
  });

  it('are renewed by PATCH until they expire, are deleted or vanish', async () => {
    const id = String(field((await subscribe({ resource: "me/mailFolders('inbox')/messages" })).body, 'id'));
    now += 2000 * MINUTE;
    const later = { expirationDateTime: new Date(now + 2880 * MINUTE).toISOString() };
    expect(
      (await createProbe(simulator, mailbox.email).send('PATCH', `/subscriptions/${id}`, later)).body,
    ).toMatchObject(later);
    now += 2881 * MINUTE;
    probe = createProbe(simulator, mailbox.email);
    const gone = await probe.send('PATCH', `/subscriptions/${id}`, later);
    expect([gone.status, errorCode(gone)]).toEqual([404, 'ResourceNotFound']);

    const life = {
      expirationDateTime: new Date(now + MINUTE).toISOString(),
      lifecycleNotificationUrl: `${receiverUrl}/life`,
    };
    const second = String(field((await subscribe(life)).body, 'id'));
    await simulator.sendLifecycle(second, 'missed');
    expect(received).toMatchObject([{ value: [{ subscriptionId: second, lifecycleEvent: 'missed' }] }]);
    expect((await probe.send('DELETE', `/subscriptions/${second}`)).status).toBe(204);
    expect((await probe.send('DELETE', `/subscriptions/${second}`)).status).toBe(404);
    const third = String(field((await subscribe(life)).body, 'id'));
    simulator.forgetSubscription(third);
    expect((await probe.send('PATCH', `/subscriptions/${third}`, life)).status).toBe(404);
  });
});
