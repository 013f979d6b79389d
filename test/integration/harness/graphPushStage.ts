// A simulator with mailboxes, a receiver, and subscriptions of the one at the other.
import type { SimulatedMailbox } from '../../harness/graph/mailbox.ts';
import { createProbe, field, type Answer } from '../../harness/graph/probe.ts';
import { startPushReceiver, type PushReceiver } from '../../harness/graph/pushReceiver.ts';
import {
  startGraphSimulator,
  type GraphSimulator,
  type GraphSimulatorOptions,
} from '../../harness/graph/simulator.ts';

export const NOW = Date.UTC(2026, 10, 20);
export const MINUTE = 60_000;

export interface Stage {
  simulator: GraphSimulator;
  receiver: PushReceiver;
  ada: SimulatedMailbox;
  ben: SimulatedMailbox;
  /** The simulated time, in ms. */
  now: number;
  /** Asks for a subscription of a mailbox, by default for two days and at a URL of the mailbox's own. */
  ask: (mailbox: SimulatedMailbox, more?: object) => Promise<Answer>;
  /** The id of a new subscription. */
  subscribe: (mailbox: SimulatedMailbox, more?: object) => Promise<string>;
  close: () => Promise<void>;
}

export async function openStage(options: GraphSimulatorOptions = {}): Promise<Stage> {
  const receiver = await startPushReceiver();
  const simulator = await startGraphSimulator({ clock: () => stage.now, ...options });
  const ask: Stage['ask'] = (mailbox, more = {}) => {
    const url = `${receiver.url}/push?of=${mailbox.email}`;
    return createProbe(simulator, mailbox.email).send('POST', '/subscriptions', {
      changeType: 'created,updated,deleted',
      notificationUrl: url,
      lifecycleNotificationUrl: `${url}&life=1`,
      resource: '/me/messages',
      expirationDateTime: new Date(stage.now + 2880 * MINUTE).toISOString(),
      clientState: `state of ${mailbox.email}`,
      ...more,
    });
  };
  const stage: Stage = {
    simulator,
    receiver,
    ada: simulator.addMailbox({ email: 'ada@contoso.example', messages: 5 }),
    ben: simulator.addMailbox({ email: 'ben@contoso.example', messages: 5 }),
    now: NOW,
    ask,
    subscribe: async (mailbox, more) => {
      const answer = await ask(mailbox, more);
      if (answer.status !== 201) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
      return String(field(answer.body, 'id'));
    },
    close: async () => {
      await simulator.close();
      await receiver.close();
    },
  };
  return stage;
}
