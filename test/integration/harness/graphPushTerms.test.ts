// What the simulated Graph grants, shows and refuses of subscriptions.
import { afterEach, describe, expect, it } from 'vitest';
import { createProbe, errorCode, field, itemsOf, link, type Item } from '../../harness/graph/probe.ts';
import type { GraphSimulatorOptions } from '../../harness/graph/simulator.ts';
import { MINUTE, NOW, openStage, type Stage } from './graphPushStage.ts';

let stage: Stage;

async function open(options: GraphSimulatorOptions = {}): Promise<Stage> {
  stage = await openStage(options);
  return stage;
}

afterEach(() => stage.close());

const inMinutes = (minutes: number): string => new Date(NOW + minutes * MINUTE).toISOString();

describe('the life of a subscription', () => {
  it('is 45 minutes at least, unless the simulator is told otherwise', async () => {
    const { ask, ada } = await open();
    expect((await ask(ada, { expirationDateTime: inMinutes(5) })).body).toMatchObject({
      expirationDateTime: inMinutes(45),
    });
    await stage.close();
    const strict = await open({ shortestSubscriptionMinutes: 0 });
    expect((await strict.ask(strict.ada, { expirationDateTime: inMinutes(5) })).body).toMatchObject({
      expirationDateTime: inMinutes(5),
    });
  });

  it('has a limit that creation and renewal are refused beyond, and that is named', async () => {
    const { ask, subscribe, ada, simulator } = await open({ longestSubscriptionMinutes: 1000 });
    const tooLong = await ask(ada, { expirationDateTime: inMinutes(1001) });
    expect([tooLong.status, errorCode(tooLong)]).toEqual([400, 'ErrorInvalidParameter']);
    expect(field(field(tooLong.body, 'error'), 'message')).toContain('1000 minutes');
    const id = await subscribe(ada, { expirationDateTime: inMinutes(900) });
    const probe = createProbe(simulator, ada.email);
    const renewal = await probe.send('PATCH', `/subscriptions/${id}`, {
      expirationDateTime: inMinutes(1001),
    });
    expect([renewal.status, errorCode(renewal)]).toEqual([400, 'ErrorInvalidParameter']);
    expect(simulator.subscriptions()).toMatchObject([{ expirationDateTime: inMinutes(900) }]);
  });

  it('can be shortened to the limit instead', async () => {
    const { ask, ada } = await open({
      longestSubscriptionMinutes: 1000,
      tooLongSubscriptions: 'shortened',
    });
    const { status, body } = await ask(ada, { expirationDateTime: inMinutes(4000) });
    expect([status, field(body, 'expirationDateTime')]).toEqual([201, inMinutes(1000)]);
  });

  it('ends silently', async () => {
    const { subscribe, ada, simulator, receiver } = await open();
    await subscribe(ada);
    stage.now += 2880 * MINUTE;
    ada.createMessage();
    expect(await simulator.deliverNotifications()).toEqual([]);
    expect([receiver.posts, simulator.subscriptions()]).toEqual([[], []]);
  });
});

describe('subscriptions', () => {
  it('are proved at both URLs, whose queries stay as they were written', async () => {
    const { subscribe, ada, receiver } = await open();
    await subscribe(ada, {
      notificationUrl: `${receiver.url}/push?a=%20b+c&d`,
      lifecycleNotificationUrl: `${receiver.url}/life`,
    });
    expect(receiver.handshakes).toEqual(['/push?a=%20b+c&d', '/life']);
  });

  it('are no more than so many for each mailbox', async () => {
    const { ask, subscribe, ada, ben } = await open({ subscriptionsPerMailbox: 2 });
    const first = await subscribe(ada);
    await subscribe(ada);
    const third = await ask(ada);
    expect([third.status, errorCode(third)]).toEqual([403, 'ExtensionError']);
    expect((await ask(ben)).status).toBe(201);
    stage.simulator.forgetSubscription(first);
    expect((await ask(ada)).status).toBe(201);
  });

  it('are refused with properties that Graph does not know, and their URLs cannot be changed', async () => {
    const { ask, subscribe, ada, simulator } = await open();
    const misspelt = await ask(ada, { notificationURL: 'http://127.0.0.1' });
    expect([misspelt.status, errorCode(misspelt)]).toEqual([400, 'BadRequest']);
    const id = await subscribe(ada);
    const patched = await createProbe(simulator, ada.email).send('PATCH', `/subscriptions/${id}`, {
      expirationDateTime: inMinutes(3000),
      lifecycleNotificationUrl: `${stage.receiver.url}/other`,
    });
    expect([patched.status, errorCode(patched)]).toEqual([400, 'BadRequest']);
  });

  it('tell their clientState when they are made and asked for singly, never in the list', async () => {
    const { ask, ada, simulator } = await open();
    const created = (await ask(ada)).body;
    const probe = createProbe(simulator, ada.email);
    const single = (await probe.get(`/subscriptions/${String(field(created, 'id'))}`)).body;
    const [listed] = itemsOf(await probe.get('/subscriptions'));
    const states = [created, single, listed].map((one) => field(one, 'clientState'));
    expect(states).toEqual([`state of ${ada.email}`, `state of ${ada.email}`, null]);
    expect(field(listed, 'mailbox')).toBeUndefined();
  });

  it('are listed in pages, those of the own mailbox or of the whole tenant', async () => {
    const { subscribe, ada, ben, simulator } = await open({ subscriptionsPerPage: 2 });
    const mine: string[] = [];
    const theirs: string[] = [];
    for (let i = 0; i < 3; i++) {
      mine.push(await subscribe(ada));
      theirs.push(await subscribe(ben));
    }
    const idsOf = async (email: string, token?: string): Promise<{ ids: string[]; pages: number }> => {
      const probe = createProbe(simulator, email, token);
      const items: Item[] = [];
      let pages = 0;
      for (let url: string | undefined = '/subscriptions'; url !== undefined; pages++) {
        const page = await probe.get(url);
        items.push(...itemsOf(page));
        url = link(page, 'nextLink');
      }
      return { ids: items.map(({ id }) => id).sort(), pages };
    };
    expect(await idsOf(ada.email)).toEqual({ ids: mine.sort(), pages: 2 });
    const appOnly = simulator.issueAccessToken();
    expect(await idsOf(ada.email, appOnly)).toEqual({ ids: [...mine, ...theirs].sort(), pages: 3 });
    const stranger = createProbe(simulator, ben.email);
    expect((await stranger.get(`/subscriptions/${String(mine[0])}`)).status).toBe(404);
    const refused = await stranger.get('/subscriptions?$top=1');
    expect([refused.status, errorCode(refused)]).toEqual([400, 'BadRequest']);
  });

  it.each([
    [404, 'ResourceNotFound'],
    [400, 'ErrorInvalidParameter'],
  ] as const)('that are gone answer %i %s to a renewal', async (renewalOfGone, code) => {
    const { subscribe, ada, simulator } = await open({ renewalOfGone });
    const id = await subscribe(ada);
    simulator.forgetSubscription(id);
    const probe = createProbe(simulator, ada.email);
    const renewal = await probe.send('PATCH', `/subscriptions/${id}`, {
      expirationDateTime: inMinutes(3000),
    });
    expect([renewal.status, errorCode(renewal)]).toEqual([renewalOfGone, code]);
    expect((await probe.get(`/subscriptions/${id}`)).status).toBe(404);
    expect((await probe.send('POST', `/subscriptions/${id}/reauthorize`)).status).toBe(404);
  });
});
