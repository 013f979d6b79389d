import * as z from 'zod';
import { SyncError } from '../errors.ts';
import type { Answer, Refusal, Success } from './answer.ts';
import type { GraphClient } from './client.ts';
import { readPage } from './page.ts';

/**
 * Graph's subscriptions for change notifications (Graph docs: subscription resource type). A refusal is the caller's
 * to interpret. While one is created, and at times while it is renewed (microsoftgraph/msgraph-sdk-dotnet#2805), Graph
 * calls both of its URLs and waits up to ten seconds for each.
 */
export interface Subscription {
  readonly id: string;
  /** As Graph grants it, which may be another time than was asked for. */
  readonly expiresAt: Date;
}

export interface ListedSubscription {
  readonly id: string;
  readonly notificationUrl: string;
}

export interface SubscriptionTerms {
  readonly notificationUrl: string;
  readonly lifecycleNotificationUrl: string;
  readonly resource: string;
  readonly clientState: string;
}

const created = z.object({
  id: z.string().regex(/^[\w.-]{1,200}$/),
  expirationDateTime: z.string().transform((text, context) => {
    // Without a zone it is UTC, as all of Graph's times of this kind are, and not that of this machine.
    const at = new Date(/(?:z|[+-]\d{2}:?\d{2})$/i.test(text) ? text : `${text}Z`);
    if (Number.isNaN(at.getTime())) context.addIssue('is no time');
    return at;
  }),
});
const listed = z.object({ id: z.string().min(1), notificationUrl: z.string() });

/** Milliseconds: two handshakes of ten seconds each, and Graph's own time. */
const handshakeTimeout = 45_000;

/** Of the whole tenant's subscriptions, which an app-only token is shown; a page has a hundred or so. */
const mostPages = 50;

const changeType = 'created,updated,deleted';

export class Subscriptions {
  readonly #client: GraphClient;
  readonly #root: string;

  constructor(client: GraphClient) {
    this.#client = client;
    this.#root = `${client.baseUrl}/subscriptions`;
  }

  /**
   * Sent once: where its answer is lost, there may be a subscription that nobody knows the id of.
   * @throws SyncError also where a retry might do
   */
  async create(terms: SubscriptionTerms, expiresAt: Date): Promise<Subscription | Refusal> {
    const body = { changeType, ...terms, expirationDateTime: expiresAt.toISOString() };
    const request = { url: this.#root, body, once: true, timeout: handshakeTimeout } as const;
    return read(await this.#client.send(request));
  }

  async renew(id: string, expiresAt: Date): Promise<Subscription | Refusal> {
    const body = { expirationDateTime: expiresAt.toISOString() };
    const request = { url: this.#one(id), body, method: 'PATCH', timeout: handshakeTimeout } as const;
    const answer = await this.#client.send(request);
    return answer.ok && answer.body === undefined ? { id, expiresAt } : read(answer);
  }

  async get(id: string): Promise<Subscription | Refusal> {
    return read(await this.#client.send({ url: this.#one(id) }));
  }

  /** Null when it is deleted. */
  async delete(id: string): Promise<Refusal | null> {
    const answer = await this.#client.send({ url: this.#one(id), method: 'DELETE' });
    return answer.ok ? null : answer;
  }

  /** Those of the mailbox's user, or for an app-only token those of the app in the whole tenant. */
  async list(): Promise<readonly ListedSubscription[] | Refusal> {
    const all: ListedSubscription[] = [];
    let url: string | null = this.#root;
    for (let pages = 0; url !== null && pages < mostPages; pages += 1) {
      const answer: Answer = await this.#client.send({ url });
      if (!answer.ok) return answer;
      const page = readPage(answer, url, this.#client.baseUrl);
      all.push(...page.entries.flatMap((entry) => listed.safeParse(entry).data ?? []));
      url = page.nextLink;
    }
    return all;
  }

  #one(id: string): string {
    return `${this.#root}/${encodeURIComponent(id)}`;
  }
}

function read(answer: Answer): Subscription | Refusal {
  if (!answer.ok) return answer;
  return subscriptionOf(answer);
}

function subscriptionOf({ body }: Success): Subscription {
  const parsed = created.safeParse(body);
  if (!parsed.success)
    throw new SyncError('GraphResponseInvalid', 'Graph answered with something that is no subscription');
  return { id: parsed.data.id, expiresAt: parsed.data.expirationDateTime };
}
