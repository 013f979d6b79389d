// Lifecycle events of the simulated Graph, and bursts.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createProbe } from '../../harness/graph/probe.ts';
import { MINUTE, openStage, type Stage } from './graphPushStage.ts';

let stage: Stage;

afterEach(() => stage.close());

describe('a lifecycle event', () => {
  it.each(['PATCH', 'reauthorize'])(
    'withholds what happens until the subscription has its %s',
    async (way) => {
      stage = await openStage({ push: { auto: true } });
      const { simulator, receiver, ada } = stage;
      const id = await stage.subscribe(ada);
      expect((await simulator.sendLifecycle(id, 'reauthorizationRequired')).status).toBe(202);
      ada.createMessage();
      await simulator.push.idle();
      expect(receiver.entries()).toMatchObject([
        {
          subscriptionId: id,
          clientState: `state of ${ada.email}`,
          lifecycleEvent: 'reauthorizationRequired',
        },
      ]);
      expect(simulator.subscriptions()).toMatchObject([{ id, withheld: true }]);
      await expect(simulator.push.burst({ count: 1 })).rejects.toThrow('subscribed');
      const probe = createProbe(simulator, ada.email);
      const expirationDateTime = new Date(stage.now + 3000 * MINUTE).toISOString();
      const answer =
        way === 'PATCH'
          ? await probe.send('PATCH', `/subscriptions/${id}`, { expirationDateTime })
          : await probe.send('POST', `/subscriptions/${id}/reauthorize`);
      expect(answer.status).toBe(way === 'PATCH' ? 200 : 204);
      ada.setRead(ada.messages()[0]?.id ?? '', true);
      await simulator.push.idle();
      // What happened meanwhile is lost.
      expect(receiver.entries().slice(1)).toMatchObject([{ changeType: 'updated' }]);
      expect(simulator.push.statistics().withheld).toBe(1);
    },
  );

  it('of removal comes when there is no subscription any more', async () => {
    stage = await openStage();
    const { simulator, receiver, ada } = stage;
    const id = await stage.subscribe(ada);
    receiver.answer = async () => {
      const { status } = await createProbe(simulator, ada.email).get(`/subscriptions/${id}`);
      return status;
    };
    expect((await simulator.sendLifecycle(id, 'subscriptionRemoved')).status).toBe(404);
    await expect(simulator.sendLifecycle(id, 'missed')).rejects.toThrow('No such subscription');
  });

  it('needs a URL that was given at creation', async () => {
    stage = await openStage();
    const id = await stage.subscribe(stage.ada, { lifecycleNotificationUrl: undefined });
    await expect(stage.simulator.sendLifecycle(id, 'missed')).rejects.toThrow('no URL');
  });
});

describe('a burst', () => {
  it('goes to the mailboxes in turns, over no more connections than it is allowed', async () => {
    stage = await openStage();
    const { simulator, receiver, ada, ben } = stage;
    await stage.subscribe(ada);
    await stage.subscribe(ben);
    let open = 0;
    let most = 0;
    receiver.answer = async () => {
      open += 1;
      most = Math.max(most, open);
      // Long enough for all others to arrive, if they were let.
      await sleep(20);
      open -= 1;
      return 202;
    };
    const report = await simulator.push.burst({ count: 60, withinMs: 5, connections: 4 });
    expect(report).toMatchObject({ byStatus: { 202: 60 }, taken: 60 });
    expect(report.answers.map(({ mailbox }) => mailbox).slice(0, 3)).toEqual([
      ada.email,
      ben.email,
      ada.email,
    ]);
    expect(report.answers.every(({ tries, ms }) => tries === 1 && ms <= report.maxMs)).toBe(true);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(4);
    const states = receiver.entries().map(({ clientState }) => clientState);
    expect(states.filter((state) => state === `state of ${ben.email}`)).toHaveLength(30);
    expect(simulator.push.statistics().posted).toBe(0);
  });

  it('is of one mailbox when it is told so, and tries again what is not taken', async () => {
    stage = await openStage();
    const { simulator, receiver, ada, ben } = stage;
    await stage.subscribe(ada);
    await stage.subscribe(ben);
    receiver.answer = (_, number) => (number <= 2 ? 503 : 202);
    const report = await simulator.push.burst({ email: 'BEN@contoso.example', count: 4, retryMs: [1, 1] });
    expect(report).toMatchObject({ byStatus: { 202: 4 }, taken: 4 });
    expect(receiver.posts).toHaveLength(6);
    expect(new Set(receiver.posts.map(({ target }) => target))).toEqual(new Set([`/push?of=${ben.email}`]));
    await expect(simulator.push.burst({ email: 'eve@contoso.example', count: 1 })).rejects.toThrow(
      'subscribed',
    );
  });

  it('may put several mailboxes into one request', async () => {
    stage = await openStage();
    const { simulator, receiver, ada, ben } = stage;
    await stage.subscribe(ada);
    await stage.subscribe(ben);
    const report = await simulator.push.burst({ count: 5, batch: 2 });
    expect(report.answers).toHaveLength(3);
    expect(receiver.posts.map(({ entries }) => entries.length).sort()).toEqual([1, 2, 2]);
    const [{ entries } = { entries: [] }] = receiver.posts.filter((post) => post.entries.length === 2);
    expect(entries.map(({ clientState }) => clientState)).toEqual([
      `state of ${ada.email}`,
      `state of ${ben.email}`,
    ]);
  });

  it('ends with the simulator', async () => {
    stage = await openStage();
    const { simulator, receiver, ada } = stage;
    await stage.subscribe(ada);
    const begun = new Promise<void>((resolve) => {
      receiver.answer = () => {
        resolve();
        return new Promise<number>(() => undefined);
      };
    });
    const burst = simulator.push.burst({ count: 3, connections: 1 });
    await begun;
    await simulator.close();
    expect((await burst).byStatus).toEqual({ 0: 3 });
  });
});
