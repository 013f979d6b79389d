// A stage with webhooks, and an operator whose jobs subscribe to Graph's notifications for them.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { labels } from '../../api/resource.ts';
import { expectedRows, storedRows } from '../harness/mirror.ts';
import type { MailboxOptions } from '../harness/graph/mailbox.ts';
import type { SubscriptionRecord } from '../harness/graph/subscriptions.ts';
import { childrenOf } from './children.ts';
import type { Job, Provider } from './kinds.ts';
import type { OperatorOptions } from './operators.ts';
import type { OperatorProcess } from './operatorProcess.ts';
import { type Owner, isReady, standing } from './owner.ts';
import { type Stage, type StageOptions, openStage } from './stage.ts';
import { Teller } from './teller.ts';
import { type WebhookOptions, type Webhooks, openWebhooks } from './webhooks.ts';

export interface PushStage {
  readonly stage: Stage;
  readonly webhooks: Webhooks;
  /** Tells the webhooks of every change, as Graph does. */
  readonly teller: Teller;
  /** Another one, such as after the one before was killed. */
  readonly startOperator: (options?: OperatorOptions) => Promise<OperatorProcess>;
  readonly close: () => Promise<void>;
}

export const pushSecrets = {
  OUTLOOK_PUSH_WEBHOOK_TOKEN: randomBytes(16).toString('hex'),
  OUTLOOK_PUSH_CLIENT_STATE_SECRET: randomBytes(16).toString('hex'),
} as const;

/** No operator runs yet. */
export async function openPushStage(
  name: string,
  options: StageOptions & WebhookOptions = {},
): Promise<PushStage> {
  const stage = await openStage(name, { pushSecrets, ...options });
  const webhooks = await openWebhooks(stage, options);
  const teller = new Teller(stage.graph);
  const jobVariables = { OUTLOOK_PUSH_NOTIFICATION_URL: webhooks.notificationUrl };
  return {
    stage,
    webhooks,
    teller,
    startOperator: (operator = {}) =>
      stage.startOperator({ ...operator, jobVariables: { ...jobVariables, ...operator.jobVariables } }),
    close: async () => {
      await teller.close();
      await webhooks.close();
      await stage.close();
    },
  };
}

export const pushed = { push: { enabled: true } };

export const isSubscribed = (provider: Provider | undefined): boolean =>
  provider !== undefined && isReady(provider) && standing(provider, 'PushSubscribed') === 'True Subscribed';

/** A person whose first run has read the mailbox and subscribed. */
export async function subscribedOwner(
  stage: Stage,
  options: Partial<Omit<MailboxOptions, 'clock'>> & {
    readonly spec?: Readonly<Record<string, unknown>>;
  } = {},
): Promise<Owner> {
  const { spec, ...mailbox } = options;
  const owner = await stage.addOwner(mailbox);
  await stage.applyProvider(owner, { ...pushed, ...spec });
  await stage.seeProvider(owner, 'Ready and subscribed', isSubscribed);
  return owner;
}

/** What Graph has for the owner's mailbox. */
export function subscriptionsOf({ graph }: Stage, { mailbox }: Owner): SubscriptionRecord[] {
  return graph.subscriptions().filter((one) => one.mailbox === mailbox.email);
}

/** The only one that Graph has for the owner's mailbox. */
export function subscriptionOf(stage: Stage, owner: Owner): SubscriptionRecord {
  const [subscription, ...others] = subscriptionsOf(stage, owner);
  if (subscription === undefined || others.length > 0)
    throw new Error(`${owner.name} has ${others.length + (subscription ? 1 : 0)} subscriptions`);
  return subscription;
}

export const isPush = ({ metadata }: Job): boolean => metadata.labels?.[labels.trigger] === 'push';

/** Jobs that a notification has started, the oldest first. */
export async function pushJobsOf(stage: Stage, owner: Owner): Promise<readonly Job[]> {
  const { jobs } = await childrenOf(stage, owner);
  return jobs.filter(isPush);
}

const MIRRORED_MS = 90_000;
const POLL_MS = 50;

/** Resolves when the tables are what the mailboxes are: Postgres can only be asked again and again. */
export async function seeMirrored(stage: Stage, ...owners: readonly Owner[]): Promise<void> {
  const deadline = performance.now() + MIRRORED_MS;
  for (const owner of owners) {
    while (!(await isMirrored(stage, owner)) && performance.now() < deadline) await sleep(POLL_MS);
    await stage.assertMirrored(owner);
  }
}

async function isMirrored({ database }: Stage, { mailbox }: Owner): Promise<boolean> {
  return isDeepStrictEqual(await storedRows(database, mailbox.email), expectedRows(mailbox));
}
