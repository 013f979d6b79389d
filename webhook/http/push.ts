/**
 * What Graph and others send: from the request to the answer. The answer is the same whoever is meant and whether
 * anybody is, so that it tells nothing about the mailboxes that exist; what became of the entries is counted instead.
 * Neither query nor body are ever logged.
 */
import { pushQuery } from '../../api/pushUrl.ts';
import type { Log } from '../../kube/log.ts';
import { hintNames, type Query, readSaid } from '../plan/said.ts';
import { chooseTargets, type Ignored, type Routing, type Target } from '../plan/targets.ts';
import { NotKept, type WakeUps } from '../wakeUp.ts';
import { isOversized, readJson } from './body.ts';
import type { Exchange } from './exchange.ts';
import { type Kept, keepAll } from './keep.ts';
import type { Observer, Outcome } from './options.ts';
import type { Problem } from './problem.ts';
import type { TokenCheck } from './queryToken.ts';
import type { SparseLog } from './sparseLog.ts';

export interface Push {
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

const known = new Set<string>([...Object.values(pushQuery), ...hintNames]);

/** Answers. Rejects only for a bug. */
export async function answerPush(exchange: Exchange, search: string, push: Push): Promise<void> {
  const { request } = exchange;
  const query = readQuery(search);
  const validation = query.values.get(pushQuery.validationToken) ?? null;
  const problem = inQuery(query, push.checkToken, validation !== null) ?? atHead(exchange, validation, push);
  if (problem !== null) {
    if (problem.kind === 'unauthorized') {
      push.warnings.warn({ requestId: exchange.id, route: exchange.route }, 'A token was missing or wrong');
    }
    exchange.refuse(problem);
  } else if (validation !== null) exchange.text(200, validation);
  else {
    const body = await readJson(request, push.bodyLimit);
    if (body === 'gone') request.socket.destroy();
    else if ('problem' in body) exchange.refuse(body.problem);
    else await deliver(exchange, query.values, { body: body.json, push });
  }
}

interface ReadQuery {
  readonly values: ReadonlyMap<string, string>;
  /** One of our names that stands there more than once: two readers might understand different things by it. */
  readonly repeated: string | null;
}

function readQuery(search: string): ReadQuery {
  const values = new Map<string, string>();
  let repeated: string | null = null;
  for (const [name, value] of new URLSearchParams(search)) {
    if (values.has(name) && known.has(name)) repeated = name;
    values.set(name, value);
  }
  return { values, repeated };
}

function inQuery(
  { values, repeated }: ReadQuery,
  checkToken: TokenCheck,
  isHandshake: boolean,
): Problem | null {
  // More than one is none.
  const verdict = checkToken(repeated === pushQuery.token ? '' : values.get(pushQuery.token));
  // Whoever shakes hands without a token gets back what was sent, and nothing else happens.
  if (verdict === 'wrong' || (verdict === 'missing' && !isHandshake)) {
    const headers = { 'www-authenticate': 'Query realm="outlook-sync"' };
    return {
      kind: 'unauthorized',
      detail: `The query has to bring the right ${pushQuery.token}, once.`,
      headers,
    };
  }
  if (repeated === null) return null;
  return {
    kind: 'misunderstood',
    detail: `${repeated} stands in the query more than once.`,
    field: repeated,
  };
}

function atHead({ request }: Exchange, validation: string | null, { bodyLimit }: Push): Problem | null {
  if (request.method !== 'POST' && (validation === null || request.method !== 'GET'))
    return wrongMethod('POST');
  return isOversized(request, bodyLimit) ? { kind: 'tooLarge', detail: 'The body is over the limit.' } : null;
}

export function wrongMethod(allowed: string): Problem {
  return {
    kind: 'methodNotAllowed',
    detail: `Only ${allowed} is answered here.`,
    headers: { allow: allowed },
  };
}

interface Delivery {
  readonly body: unknown;
  readonly push: Push;
}

async function deliver(exchange: Exchange, query: Query, { body, push }: Delivery): Promise<void> {
  const said = readSaid(query, body);
  if ('fault' in said) {
    const { fault, field } = said;
    exchange.refuse({ kind: 'misunderstood', detail: fault, ...(field !== undefined && { field }) });
    return;
  }
  if (push.isReady() !== null) {
    // Who is not known yet may be known in a moment; whom a 202 told would not come again.
    refuseUnkept(exchange, 'The cluster is not fully known yet. Send it again.');
    return;
  }
  const { targets, ignored } = chooseTargets(said, push.routing);
  const outcome = await keepAll(targets, push.wakeUps);
  count(outcome, ignored, push.observe);
  if (ignored.forged > 0) {
    push.warnings.warn(
      { requestId: exchange.id, entries: ignored.forged },
      'Ignored notifications whose clientState is not ours',
    );
  }
  push.log.debug({ requestId: exchange.id, providers: keysOf(outcome.kept), ...ignored }, 'Notified');
  conclude(exchange, outcome, push);
}

function conclude(exchange: Exchange, { failed, errors }: Kept, { warnings }: Push): void {
  const bug = errors.find((error) => !(error instanceof NotKept));
  if (bug !== undefined) throw bug;
  if (failed.length === 0) exchange.answer(202, '');
  else {
    warnings.warn(
      { requestId: exchange.id, providers: keysOf(failed).slice(0, 10) },
      'Could not keep what was told',
    );
    refuseUnkept(exchange, 'What was told could not be kept. Send it again.');
  }
}

function refuseUnkept(exchange: Exchange, detail: string): void {
  exchange.refuse({ kind: 'notKept', detail, headers: { 'retry-after': '1' } });
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
