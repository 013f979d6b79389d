// A webhook as Graph meets it: a real HTTP server that shakes hands, and what was asked of Graph about subscriptions.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';
import type { RequestInfo } from '../../harness/graph/faults.ts';
import type { GraphSimulator } from '../../harness/graph/simulator.ts';
import type { SubscriptionRecord } from '../../harness/graph/subscriptions.ts';
import type { Scene, User } from './scene.ts';

const path = '/outlook-sync/webhooks/push';
export const token = 'a-webhook-token-of-the-tests';
export const secret = 'a-client-state-secret-of-the-tests';

export interface Receiver {
  readonly url: string;
  /** Called during each handshake, before it is answered. */
  onHandshake: (url: URL) => Promise<void> | void;
  /** What it answers a handshake with. */
  status: number;
  readonly handshakes: URL[];
  close: () => Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '', receiver.url);
    request.resume();
    receiver.handshakes.push(url);
    await receiver.onHandshake(url);
    response.writeHead(receiver.status, { 'content-type': 'text/plain' });
    response.end(url.searchParams.get('validationToken') ?? '');
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    onHandshake: () => undefined,
    status: 200,
    handshakes: [],
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
}

/** The environment with which a job subscribes. */
export const pushEnv = (receiver: Receiver): Record<string, string> => ({
  OUTLOOK_PUSH_NOTIFICATION_URL: receiver.url,
  OUTLOOK_PUSH_WEBHOOK_TOKEN: token,
  OUTLOOK_PUSH_CLIENT_STATE_SECRET: secret,
});

/** What was asked of Graph about subscriptions since the last call of `clearRequests`, as `POST 201`. */
export function subscriptionRequests({ requests }: GraphSimulator): string[] {
  return requests
    .filter((one) => one.path.startsWith('/v1.0/subscriptions'))
    .map(({ method, status }) => `${method} ${status}`);
}

export const subscriptionsOf = (scene: Scene, { mailbox }: User): SubscriptionRecord[] =>
  scene.graph.subscriptions().filter((one) => one.mailbox === mailbox.email);

/** The only one of a user. */
export function subscriptionOf(scene: Scene, user: User): SubscriptionRecord {
  const all = subscriptionsOf(scene, user);
  expect(all).toHaveLength(1);
  return all[0] as SubscriptionRecord;
}

export interface Columns {
  readonly id: string | null;
  readonly expiresAt: string | null;
  readonly lastRenewedAt: string | null;
}

/** The row's three columns, times as ISO 8601 in UTC whatever the session's zone is. */
export async function columnsOf(scene: Scene, user: User): Promise<Columns> {
  const iso = (name: string): string => `to_char("${name}", 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
  const [row] = await scene.database.query<Columns>(
    `SELECT "outlookPushSubscriptionId" AS "id", ${iso('outlookPushSubscriptionExpiresAt')} AS "expiresAt",
            ${iso('outlookPushSubscriptionLastRenewedAt')} AS "lastRenewedAt"
     FROM email_providers WHERE "userId" = $1`,
    [user.userId],
  );
  return row as Columns;
}

export const nothingStored: Columns = { id: null, expiresAt: null, lastRenewedAt: null };

export const isCreation = ({ method, path: asked }: RequestInfo): boolean =>
  method === 'POST' && asked.startsWith('/v1.0/subscriptions');

/** A refusal as Graph words it. */
export const refusal = (status: number, code: string, message: string): { status: number; body: object } => ({
  status,
  body: { error: { code, message } },
});
