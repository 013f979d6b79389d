import * as z from 'zod';
import { SyncError } from '../errors.ts';
import { parseRetryAfter } from '../plan/retryAfter.ts';
import { type Answer, isUnsupported, refusal } from './answer.ts';
import type { GraphClient, Throttles } from './client.ts';
import { mailboxConcurrency } from './gate.ts';
import { expectSuccess } from './page.ts';

/**
 * `POST /$batch`: up to 20 GETs in one request, of which Outlook runs four at a time. The outer 200 says nothing:
 * each inner answer has its own status, comes in any order and can be a 429 of its own. Where batches are not to be
 * had, each is asked for by itself.
 */
const mostPerBatch = 20;
/** Rounds in a row that brought nothing, after which what is open stays so. */
const mostIdleRounds = 3;

const batchBody = z.object({
  responses: z.array(
    z.object({
      id: z.string(),
      status: z.number(),
      headers: z.record(z.string(), z.unknown()).optional().catch(undefined),
      body: z.unknown().optional(),
    }),
  ),
});

type InnerResponse = z.infer<typeof batchBody>['responses'][number];

/** An inner answer; `later` where Graph could not tell for the moment. */
export type InnerAnswer = Answer | 'later';

const transient = (status: number): boolean => [401, 408, 429].includes(status) || status >= 500;

/**
 * GETs each of `urls` (relative to the service root). What is throttled or unavailable is asked for again as long as
 * that gets on, and a few times more; what stays so is answered `later`, everything else by its own answer.
 * @throws SyncError when the batch as a whole fails
 */
export async function getEach(
  client: GraphClient,
  urls: ReadonlyMap<string, string>,
): Promise<Map<string, InnerAnswer>> {
  const answers = new Map<string, InnerAnswer>();
  let open = [...urls.keys()];
  for (let idle = 0; open.length > 0;) {
    let wait = 0;
    for (let start = 0; start < open.length; start += mostPerBatch) {
      const part = open.slice(start, start + mostPerBatch);
      const asked = new Map(part.map((key) => [key, urls.get(key) ?? '']));
      wait = Math.max(wait, await oneBatch(client, asked, answers));
    }
    const left = open.filter((key) => answers.get(key) === 'later');
    idle = left.length < open.length ? 0 : idle + 1;
    open = left;
    if (open.length === 0 || idle >= mostIdleRounds || !(await client.pause(idle, wait))) break;
  }
  return answers;
}

/** As `getEach`, without a batch: as many requests, as many at once as the mailbox may have. */
export async function getSingly(
  client: GraphClient,
  urls: ReadonlyMap<string, string>,
): Promise<Map<string, InnerAnswer>> {
  const asked = [...urls].map(async ([key, url]) => [key, await getOne(client, url)] as const);
  return new Map(await Promise.all(asked));
}

async function getOne(client: GraphClient, url: string): Promise<InnerAnswer> {
  try {
    return await client.send({ url: `${client.baseUrl}${url}` });
  } catch (error) {
    if (error instanceof SyncError && error.retry === 'retry') return 'later';
    throw error;
  }
}

/** @returns milliseconds that an inner answer asks to wait for */
async function oneBatch(
  client: GraphClient,
  urls: ReadonlyMap<string, string>,
  answers: Map<string, InnerAnswer>,
): Promise<number> {
  const keys = [...urls.keys()];
  const requests = keys.map((key, index) => ({
    id: String(index),
    method: 'GET',
    url: urls.get(key),
    headers: { Prefer: 'IdType="ImmutableId"' },
  }));
  const weight = Math.min(mailboxConcurrency, requests.length);
  const answer = await client.send({
    url: `${client.baseUrl}/$batch`,
    body: { requests },
    weight,
    throttles,
  });
  if (!answer.ok && isUnsupported(answer)) {
    for (const [key, one] of await getSingly(client, urls)) answers.set(key, one);
    return 0;
  }
  const parsed = batchBody.safeParse(expectSuccess(answer).body);
  if (!parsed.success)
    throw new SyncError('GraphResponseInvalid', 'Graph answered a batch with something else');
  const { responses } = parsed.data;
  for (const key of keys) answers.set(key, 'later');
  for (const { id, status, body } of responses) {
    const key = keys[Number(id)];
    if (key !== undefined) answers.set(key, innerAnswer(status, body));
  }
  return longestWait(responses);
}

function innerAnswer(status: number, body: unknown): InnerAnswer {
  if (transient(status)) return 'later';
  return status >= 200 && status < 300 ? { ok: true, status, body, size: 0 } : refusal(status, body);
}

/** Of the inner answers that are no 429, which hold the mailbox by themselves. */
function longestWait(responses: readonly InnerResponse[]): number {
  const unavailable = responses.filter(({ status }) => status !== 429 && transient(status));
  const now = Date.now();
  return Math.max(
    0,
    ...unavailable.map(({ headers }) => parseRetryAfter(retryAfter(headers), undefined, now) ?? 0),
  );
}

/** The `Retry-After` of each inner 429. */
function throttles(body: unknown): Throttles {
  const parsed = batchBody.safeParse(body);
  const responses = parsed.success ? parsed.data.responses : [];
  const waits = responses.filter(({ status }) => status === 429).map(({ headers }) => retryAfter(headers));
  return { waits, servedSome: waits.length === 0 || waits.length < responses.length };
}

function retryAfter(headers: Record<string, unknown> | undefined): string | undefined {
  const [, value] =
    Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'retry-after') ?? [];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
