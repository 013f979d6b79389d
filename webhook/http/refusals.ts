// How refusals are said, and which of what went wrong is the sender's fault.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../../kube/log.ts';
import { type Problem, problemText, problemType, statusOf } from './problem.ts';

/** What is wrong with a request, where there is no other way to say so. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** Returns the status that it answers with. */
export function refuse(reply: FastifyReply, problem: Problem): number {
  const status = statusOf(problem);
  reply.code(status).headers({ 'cache-control': 'no-store', ...problem.headers });
  // Bytes, because to the type of a text the framework adds a charset, of which JSON has none (RFC 8259).
  reply.type(problemType).send(Buffer.from(problemText(problem, reply.request.id)));
  return status;
}

/** By the code of the framework's error; of a sender who has gone nobody hears the answer. */
const faults = new Map<unknown, Problem>([
  ['FST_ERR_CTP_BODY_TOO_LARGE', { kind: 'tooLarge', detail: 'The body is over the limit.' }],
  ['FST_ERR_CTP_INVALID_MEDIA_TYPE', { kind: 'mediaType', detail: 'The body has to be application/json.' }],
  [
    'FST_ERR_CTP_INVALID_CONTENT_LENGTH',
    { kind: 'malformed', detail: 'The body is not as long as it says.' },
  ],
  ['ECONNRESET', { kind: 'malformed', detail: 'The body did not arrive whole.' }],
]);

/** A bug is told in the log, without its message: nobody knows what stands in it. */
export function refusalOf(error: unknown, { id }: FastifyRequest, log: Log): Problem {
  if (error instanceof Refused) return error.problem;
  const fault = error instanceof Error && 'code' in error ? faults.get(error.code) : undefined;
  if (fault !== undefined) return fault;
  const frames = error instanceof Error ? error.stack?.split('\n').slice(1, 7).join('\n') : typeof error;
  log.error({ requestId: id, frames }, 'A bug: a request could not be answered');
  return { kind: 'internal', detail: 'The log says more under this requestId.' };
}
