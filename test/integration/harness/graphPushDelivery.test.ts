// Notifications that leave the simulated Graph by themselves, and what becomes of them.
import { afterEach, describe, expect, it } from 'vitest';
import type { SimulatedMailbox } from '../../harness/graph/mailbox.ts';
import { createProbe } from '../../harness/graph/probe.ts';
import type { PushOptions } from '../../harness/graph/pushOptions.ts';
import { MINUTE, openStage, type Stage } from './graphPushStage.ts';

let stage: Stage;

async function open(push: PushOptions = {}): Promise<Stage> {
  // Over one connection things arrive in the order in which they were sent.
  stage = await openStage({ push: { auto: true, retryMs: [1, 2, 3], connections: 1, ...push } });
  return stage;
}

afterEach(() => stage.close());

const arrive = (mailbox: SimulatedMailbox, count: number): string[] =>
  Array.from({ length: count }, () => mailbox.createMessage().id);
const idsReceived = (): (string | undefined)[] =>
  stage.receiver.entries().map(({ resourceData }) => resourceData?.id);
const immutable = { prefer: 'IdType="ImmutableId"' };

/** With immutable ids, so that what was told can be compared to what was done. */
async function subscribeByImmutableId(mailbox: SimulatedMailbox): Promise<void> {
  const { status } = await createProbe(stage.simulator, mailbox.email).send(
    'POST',
    '/subscriptions',
    {
      changeType: 'created',
      notificationUrl: `${stage.receiver.url}/push`,
      resource: '/me/messages',
      expirationDateTime: new Date(stage.now + 2880 * MINUTE).toISOString(),
    },
    immutable,
  );
  expect(status).toBe(201);
}

describe('automatic delivery', () => {
  it('tells of every change in order, after a while', async () => {
    const { subscribe, ada, simulator, receiver } = await open({ delayMs: [1, 20] });
    const id = await subscribe(ada);
    const message = ada.createMessage();
    ada.setRead(message.id, true);
    ada.deleteMessage(message.id, { hard: true });
    expect(receiver.posts).toEqual([]);
    await simulator.push.idle();
    const told = receiver.entries().map(({ subscriptionId, changeType }) => [subscriptionId, changeType]);
    expect(told).toEqual([
      [id, 'created'],
      [id, 'updated'],
      [id, 'deleted'],
    ]);
    expect(simulator.push.statistics()).toMatchObject({
      delivered: 3,
      retried: 0,
      answered: { 202: expect.any(Number) as number },
    });
    expect(await simulator.deliverNotifications()).toEqual([]);
  });

  it('sends what shares a URL together, up to the size of a batch', async () => {
    const { subscribe, ada, ben, simulator, receiver } = await open({ batch: 3 });
    const shared = { notificationUrl: `${receiver.url}/shared` };
    const ids = [await subscribe(ada, shared), await subscribe(ben, shared)];
    arrive(ada, 2);
    arrive(ben, 2);
    await simulator.push.idle();
    expect(receiver.posts.map(({ entries }) => entries.length)).toEqual([3, 1]);
    expect([...new Set(receiver.posts[0]?.entries.map(({ subscriptionId }) => subscriptionId))]).toEqual(ids);
  });

  it.each([
    [false, 2],
    [true, 1],
  ])('mixes URLs that differ in the query alone: %s', async (mixMailboxes, requests) => {
    const { subscribe, ada, ben, simulator, receiver } = await open({ mixMailboxes });
    await subscribe(ada);
    await subscribe(ben);
    arrive(ada, 1);
    arrive(ben, 1);
    await simulator.push.idle();
    expect(receiver.posts).toHaveLength(requests);
    expect(receiver.posts[0]?.target).toBe(`/push?of=${ada.email}`);
    expect(receiver.entries().map(({ clientState }) => clientState)).toEqual([
      `state of ${ada.email}`,
      `state of ${ben.email}`,
    ]);
  });

  it('says nothing of a subscription that has ended, whether it was told before or not', async () => {
    const { subscribe, ada, simulator, receiver } = await open({ delayMs: [20, 20] });
    const first = await subscribe(ada);
    arrive(ada, 1);
    simulator.forgetSubscription(first);
    await simulator.push.idle();
    expect([receiver.posts, simulator.push.statistics().obsolete]).toEqual([[], 1]);
    await subscribe(ada);
    arrive(ada, 1);
    stage.now += 2880 * MINUTE;
    await simulator.push.idle();
    expect([receiver.posts, simulator.push.statistics().obsolete]).toEqual([[], 2]);
  });

  it('may still bring what was queued before the end', async () => {
    const { subscribe, ada, simulator, receiver } = await open({ deliverAfterDeletion: true });
    const id = await subscribe(ada);
    arrive(ada, 1);
    simulator.forgetSubscription(id);
    await simulator.push.idle();
    expect(receiver.entries()).toMatchObject([{ subscriptionId: id }]);
  });

  it('ends with the simulator', async () => {
    const { subscribe, ada, simulator, receiver } = await open({ delayMs: [60_000, 60_000] });
    await subscribe(ada);
    arrive(ada, 1);
    const idle = simulator.push.idle();
    await simulator.close();
    await idle;
    expect(receiver.posts).toEqual([]);
  });
});

describe('what goes wrong on the way', () => {
  it('is doubling', async () => {
    const { subscribe, ada, simulator, receiver } = await open({ duplicate: 1, delayMs: [0, 20] });
    await subscribe(ada);
    arrive(ada, 3);
    await simulator.push.idle();
    expect(receiver.entries()).toHaveLength(6);
    expect(new Set(idsReceived()).size).toBe(3);
  });

  it('is being overtaken', async () => {
    const { ada, simulator } = await open({ reorder: 1 });
    await subscribeByImmutableId(ada);
    const [first] = arrive(ada, 1);
    simulator.push.adjust({ reorder: 0 });
    const others = arrive(ada, 2);
    await simulator.push.idle();
    expect(idsReceived()).toEqual([...others, first]);
  });

  it('is loss, of which the owner is told once if the script says so', async () => {
    const { subscribe, ada, simulator, receiver } = await open({ lose: 1 });
    const id = await subscribe(ada);
    arrive(ada, 2);
    await simulator.push.idle();
    expect(receiver.posts).toEqual([]);
    simulator.push.adjust({ missedAfterMs: 1 });
    arrive(ada, 2);
    await simulator.push.idle();
    expect(receiver.posts).toMatchObject([
      { target: `/push?of=${ada.email}&life=1`, entries: [{ subscriptionId: id, lifecycleEvent: 'missed' }] },
    ]);
    expect(simulator.push.statistics().lost).toBe(4);
  });

  it('is decided by the seed alone', async () => {
    const fates: string[] = [];
    for (const seed of [1, 1, 2]) {
      const { ada, simulator } = await open({ seed, lose: 0.3, duplicate: 0.3, delayMs: [0, 5] });
      await subscribeByImmutableId(ada);
      const sent = arrive(ada, 40);
      await simulator.push.idle();
      fates.push(sent.map((id) => idsReceived().filter((one) => one === id).length).join(''));
      if (fates.length < 3) await stage.close();
    }
    expect(fates[0]).toBe(fates[1]);
    expect(fates[0]).not.toBe(fates[2]);
  });
});

describe('a notification that is not taken', () => {
  it.each([503, 404, 302])('is sent again after a %i, until it is', async (status) => {
    const { subscribe, ada, simulator, receiver } = await open();
    receiver.answer = (_, number) => (number < 3 ? status : 202);
    await subscribe(ada);
    arrive(ada, 1);
    await simulator.push.idle();
    expect(receiver.posts).toHaveLength(3);
    expect(simulator.push.statistics()).toMatchObject({
      posted: 3,
      answered: { [status]: 2, 202: 1 },
      retried: 2,
      delivered: 1,
      givenUp: 0,
    });
  });

  it('is given up after the last try, and is told of as missed', async () => {
    const { subscribe, ada, simulator, receiver } = await open({ missedAfterMs: 1 });
    receiver.answer = ({ target }) => (target.includes('life') ? 202 : 500);
    await subscribe(ada);
    arrive(ada, 2);
    await simulator.push.idle();
    expect(receiver.posts.map(({ entries }) => entries.length)).toEqual([2, 2, 2, 2, 1]);
    expect(receiver.entries().at(-1)).toMatchObject({ lifecycleEvent: 'missed' });
    expect(simulator.push.statistics()).toMatchObject({ retried: 3, givenUp: 2, delivered: 1 });
  });

  it('can be final when it was refused with a 4xx', async () => {
    const { subscribe, ada, simulator, receiver } = await open({ retryClientErrors: false });
    receiver.answer = () => 401;
    await subscribe(ada);
    arrive(ada, 1);
    await simulator.push.idle();
    expect(receiver.posts).toHaveLength(1);
    expect(simulator.push.statistics()).toMatchObject({ answered: { 401: 1 }, retried: 0, givenUp: 1 });
  });

  it('counts as slow when there was no answer in time, and is sent again', async () => {
    const { subscribe, ada, simulator, receiver } = await open({ answerWithinMs: 100, slowMs: 50 });
    let release = (): void => undefined;
    const held = new Promise<number>((resolve) => {
      release = () => {
        resolve(202);
      };
    });
    receiver.answer = (_, number) => (number === 1 ? held : 202);
    await subscribe(ada);
    arrive(ada, 1);
    await simulator.push.idle();
    release();
    const { answered, slow, retried, maxAnswerMs } = simulator.push.statistics();
    expect([answered[0], answered[202], retried]).toEqual([1, 1, 1]);
    expect(slow).toBeGreaterThan(0);
    expect(maxAnswerMs).toBeGreaterThan(50);
  });

  it('is tried when nobody listens at all', async () => {
    const { subscribe, ada, simulator, receiver } = await open();
    await subscribe(ada);
    await receiver.close();
    arrive(ada, 1);
    await simulator.push.idle();
    expect(simulator.push.statistics()).toMatchObject({ answered: { 0: 4 }, givenUp: 1 });
    stage.receiver = { ...receiver, close: () => Promise.resolve() };
  });
});

describe('an endpoint that is too slow', () => {
  const throttle = { windowMs: 60_000, leastAnswers: 2, delayMs: 300 };

  it('gets what is new later than others', async () => {
    // Everything is slow, and no share of it is beyond 1.
    const { subscribe, ada, ben, simulator, receiver } = await open({
      slowMs: 0,
      throttle: { ...throttle, dropShare: 1 },
    });
    await subscribe(ada);
    for (let i = 0; i < 2; i++) {
      arrive(ada, 1);
      await simulator.push.idle();
    }
    await subscribe(ben, { notificationUrl: `${receiver.url}/elsewhere` });
    arrive(ada, 1);
    arrive(ben, 1);
    await simulator.push.idle();
    expect(receiver.posts.slice(2).map(({ target }) => target)).toEqual([
      '/elsewhere',
      `/push?of=${ada.email}`,
    ]);
  });

  it('gets nothing until the window has passed, and is told of it', async () => {
    const { subscribe, ada, ben, simulator, receiver } = await open({
      slowMs: 0,
      throttle,
      missedAfterMs: 1,
    });
    await subscribe(ada);
    for (let i = 0; i < 2; i++) {
      arrive(ada, 1);
      await simulator.push.idle();
    }
    // Another query is the same endpoint.
    await subscribe(ben);
    arrive(ben, 2);
    await simulator.push.idle();
    expect(receiver.entries().slice(2)).toMatchObject([{ lifecycleEvent: 'missed' }]);
    expect(simulator.push.statistics()).toMatchObject({ dropped: 2 });
    simulator.push.adjust({ throttle: { ...throttle, windowMs: 0 } });
    arrive(ben, 1);
    await simulator.push.idle();
    expect(receiver.entries().at(-1)).toMatchObject({ changeType: 'created' });
  });
});
