/**
 * What Graph and others send: from the request to the answer. The answer is the same whoever is meant and whether
 * anybody is, so that it tells nothing about the mailboxes that exist; what became of the entries is counted instead.
 * Neither query nor body are ever logged.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { pushQuery } from '../../api/pushUrl.ts';
import type { Log } from '../../kube/log.ts';
import { hintNames, readSaid } from '../plan/said.ts';
import { chooseTargets, type Ignored, type Routing, type Target } from '../plan/targets.ts';
import { NotKept, type WakeUps } from '../wakeUp.ts';
import { isOversized } from './body.ts';
import { BodyRoom } from './bodyRoom.ts';
import { type Kept, keepAll } from './keep.ts';
import type { Observer, Outcome } from './options.ts';
import { plain } from './plain.ts';
import { type Problem, wrongMethod } from './problem.ts';
import type { TokenCheck } from './queryToken.ts';
import { refuse } from './refusals.ts';
import { routeOf } from './route.ts';
import type { SparseLog } from './sparseLog.ts';
import { endOfTurn } from './turn.ts';

export interface PushOptions {
  readonly routing: Routing;
  readonly wakeUps: WakeUps;
  readonly checkToken: TokenCheck;
  readonly bodyLimit: number;
  /** What is waited for before anybody can be found; null: nothing. */
  readonly isReady: () => string | null;
  readonly observe: Observer;
  readonly log: Log;
  readonly warnings: SparseLog;
}

/** As fastify has it: a name that stands there more than once has a list. */
type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

const ourNames = [...Object.values(pushQuery), ...hintNames];

export class Push {
  readonly #options: PushOptions;
  readonly #room: BodyRoom;

  constructor(options: PushOptions) {
    this.#options = options;
    this.#room = new BodyRoom(options.bodyLimit);
  }

  /** Answers a handshake, and refuses what can be refused before a body is read. */
  readonly admit = (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    const { checkToken, bodyLimit, warnings } = this.#options;
    const query = request.query as Query;
    const validation = query[pushQuery.validationToken];
    const isHandshake = validation !== undefined;
    const problem = inQuery(query, checkToken) ?? atHead(request, isHandshake, bodyLimit);
    if (problem !== null) {
      if (problem.kind === 'unauthorized') {
        warnings.warn({ requestId: request.id, route: routeOf(request) }, 'A token was missing or wrong');
      }
      refuse(reply, problem);
    } else if (isHandshake) plain(reply, 200, String(validation));
    else if (this.#room.admits(request.raw)) done();
    else refusedUnkept(reply, 'Too many large bodies are on their way. Send it again.');
  };

  /** Rejects only for a bug. */
  readonly answer = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { isReady, log, observe, routing, wakeUps } = this.#options;
    const query = request.query as Query;
    const said = readSaid({ get: (name) => query[name] }, request.body);
    if ('fault' in said) {
      const { fault, field } = said;
      return refused(reply, { kind: 'misunderstood', detail: fault, ...(field !== undefined && { field }) });
    }
    // Who is not known yet may be known in a moment; whom a 202 told would not come again.
    if (isReady() !== null) return refusedUnkept(reply, 'The cluster is not fully known yet. Send it again.');
    const { targets, ignored } = chooseTargets(said, routing);
    const kept = await keepAll(targets, wakeUps);
    count(kept, ignored, observe);
    log.debug({ requestId: request.id, providers: keysOf(kept.kept), ...ignored }, 'Notified');
    this.#warn(request, kept, ignored);
    if (kept.failed.length > 0) {
      return refusedUnkept(reply, 'What was told could not be kept. Send it again.');
    }
    await endOfTurn();
    return reply.code(202).send();
  };

  #warn({ id: requestId }: FastifyRequest, { failed, errors }: Kept, { forged }: Ignored): void {
    const { warnings } = this.#options;
    if (forged > 0) {
      warnings.warn({ requestId, entries: forged }, 'Ignored notifications whose clientState is not ours');
    }
    const bug = errors.find((error) => !(error instanceof NotKept));
    if (bug !== undefined) throw bug;
    if (failed.length > 0) {
      warnings.warn({ requestId, providers: keysOf(failed).slice(0, 10) }, 'Could not keep what was told');
    }
  }
}

function inQuery(query: Query, checkToken: TokenCheck): Problem | null {
  const token = query[pushQuery.token];
  // More than one is none.
  const verdict = checkToken(typeof token === 'object' ? '' : token);
  const isHandshake = query[pushQuery.validationToken] !== undefined;
  // Whoever shakes hands without a token gets back what was sent, and nothing else happens.
  if (verdict === 'wrong' || (verdict === 'missing' && !isHandshake)) {
    const headers = { 'www-authenticate': 'Query realm="outlook-sync"' };
    return {
      kind: 'unauthorized',
      detail: `The query has to bring the right ${pushQuery.token}, once.`,
      headers,
    };
  }
  // Two readers might understand different things by it.
  const repeated = ourNames.find((name) => typeof query[name] === 'object');
  if (repeated === undefined) return null;
  return {
    kind: 'misunderstood',
    detail: `${repeated} stands in the query more than once.`,
    field: repeated,
  };
}

function atHead(
  { method, headers }: FastifyRequest,
  isHandshake: boolean,
  bodyLimit: number,
): Problem | null {
  if (method !== 'POST' && !(isHandshake && method === 'GET')) return wrongMethod('POST');
  return isOversized(headers, bodyLimit) ? { kind: 'tooLarge', detail: 'The body is over the limit.' } : null;
}

function refused(reply: FastifyReply, problem: Problem): FastifyReply {
  refuse(reply, problem);
  return reply;
}

function refusedUnkept(reply: FastifyReply, detail: string): FastifyReply {
  return refused(reply, { kind: 'notKept', detail, headers: { 'retry-after': '1' } });
}

function count({ kept, failed }: Kept, ignored: Ignored, { notifications }: Observer): void {
  const add = (outcome: Outcome, entries: number): void => {
    if (entries > 0) notifications(outcome, entries);
  };
  add('accepted', entriesOf(kept));
  add('failed', entriesOf(failed));
  add('forged', ignored.forged);
  add('unknown', ignored.unknown);
  add('skipped', ignored.skipped);
  add('unreadable', ignored.unreadable);
}

function entriesOf(targets: readonly Target[]): number {
  return targets.reduce((sum, { entries }) => sum + entries, 0);
}

function keysOf(targets: readonly Target[]): readonly string[] {
  return targets.map(({ provider }) => provider.key);
}
