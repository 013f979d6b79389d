import * as z from 'zod';
import { SyncError } from '../errors.ts';
import { type Answer, refusal } from './answer.ts';
import type { GraphClient } from './client.ts';
import { mailboxConcurrency } from './gate.ts';
import { expectSuccess } from './page.ts';

/**
 * `POST /$batch`: up to 20 GETs in one request, of which Outlook runs four at a time. The outer 200 says nothing:
 * each inner answer has its own status, comes in any order and can be a 429 of its own.
 */
const mostPerBatch = 20;
const rounds = 3;

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

/** An inner answer; `later` where Graph could not tell for the moment. */
export type InnerAnswer = Answer | 'later';

const transient = (status: number): boolean => [401, 408, 429].includes(status) || status >= 500;

/**
 * GETs each of `urls` (relative to the service root). What stays throttled or unavailable after some rounds is
 * answered `later`; everything else by its own answer.
 * @throws SyncError when the batch as a whole fails
 */
export async function getEach(
  client: GraphClient,
  urls: ReadonlyMap<string, string>,
): Promise<Map<string, InnerAnswer>> {
  const answers = new Map<string, InnerAnswer>();
  let open = [...urls.keys()];
  for (let round = 0; round < rounds && open.length > 0; round += 1) {
    for (let start = 0; start < open.length; start += mostPerBatch) {
      const part = open.slice(start, start + mostPerBatch);
      await oneBatch(client, new Map(part.map((key) => [key, urls.get(key) ?? ''])), answers);
    }
    open = open.filter((key) => answers.get(key) === 'later');
  }
  return answers;
}

async function oneBatch(
  client: GraphClient,
  urls: ReadonlyMap<string, string>,
  answers: Map<string, InnerAnswer>,
): Promise<void> {
  const keys = [...urls.keys()];
  const requests = keys.map((key, index) => ({
    id: String(index),
    method: 'GET',
    url: urls.get(key),
    headers: { Prefer: 'IdType="ImmutableId"' },
  }));
  const weight = Math.min(mailboxConcurrency, requests.length);
  const answer = expectSuccess(
    await client.send({ url: `${client.baseUrl}/$batch`, body: { requests }, weight, throttles }),
  );
  const parsed = batchBody.safeParse(answer.body);
  if (!parsed.success)
    throw new SyncError('GraphResponseInvalid', 'Graph answered a batch with something else');
  const { responses } = parsed.data;
  for (const key of keys) answers.set(key, 'later');
  for (const { id, status, body } of responses) {
    const key = keys[Number(id)];
    if (key === undefined || transient(status)) continue;
    answers.set(
      key,
      status >= 200 && status < 300 ? { ok: true, status, body, size: 0 } : refusal(status, body),
    );
  }
}

/** The `Retry-After` of each inner 429. */
function throttles(body: unknown): (string | undefined)[] {
  const parsed = batchBody.safeParse(body);
  const responses = parsed.success ? parsed.data.responses : [];
  return responses.filter(({ status }) => status === 429).map(({ headers }) => retryAfter(headers));
}

function retryAfter(headers: Record<string, unknown> | undefined): string | undefined {
  const [, value] =
    Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'retry-after') ?? [];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
