// From start to stop: caches fill and probes answer at once, work begins with leadership. A stop finishes the work in
// hand, for a moment at most, and hands leadership over at once.
import { setTimeout as delay } from 'node:timers/promises';
import { type ExitCode, exitCodes } from '../api/exitCodes.ts';
import { isAborted } from '../kube/clock.ts';
import type { Connection } from '../kube/connection.ts';
import type { Log } from '../kube/log.ts';
import { assemble, type Operator } from './assemble.ts';
import type { OperatorConfig } from './config.ts';
import { ailments } from './health.ts';
import { type HttpServer, serveHttp } from './httpServer.ts';
import { providerMetrics } from './providerMetrics.ts';

export interface RunOptions {
  readonly config: OperatorConfig;
  readonly connection: Connection;
  readonly identity: string;
  readonly log: Log;
  /** Aborted when the operator is to stop. */
  readonly signal: AbortSignal;
}

/** Another replica leads now: start anew and stand by. */
const lostLeadership = 1;
const lost = new Error('Leadership was lost');

/** The successor is to lead within two seconds. */
const drainMs = 1_200;
const flushMs = 300;
const complainMs = 15_000;

/** Resolves to the exit code when everything has ended. @throws CannotListen */
export async function runOperator(options: RunOptions): Promise<ExitCode | typeof lostLeadership> {
  const { connection, signal, log } = options;
  const ending = new AbortController();
  const reading = new AbortController();
  const calls = new AbortController();
  const end = (): void => ending.abort();
  signal.addEventListener('abort', end, { once: true });
  if (isAborted(signal)) end();
  const operator = assemble({ ...options, calls: calls.signal });
  const http = await listen(operator, options);
  const following = operator.caches.run(reading.signal);
  const complaints = complainUntilSynced(operator, log);
  try {
    await operator.elector.run(ending.signal, async (leading) => {
      await lead(operator, options, { leading, calls });
      if (!ending.signal.aborted) ending.abort(lost);
    });
  } finally {
    clearInterval(complaints);
    calls.abort();
    reading.abort();
    await following;
    await http.close();
    await connection.close();
  }
  return ending.signal.reason === lost ? lostLeadership : exitCodes.ok;
}

async function listen(operator: Operator, { config, log }: RunOptions): Promise<HttpServer> {
  const { caches, metrics, elector, queue, slots } = operator;
  const startedAt = Date.now();
  const informers = () => caches.all.map((cache) => cache.figures());
  metrics.ask({
    unfinished: () => queue.unfinished(),
    isLeader: () => elector.isLeader(),
    informers,
    backfills: () => slots,
  });
  const http = await serveHttp(
    {
      ailments: () =>
        ailments({
          now: Date.now(),
          startedAt,
          relistMs: config.relistMs,
          longestWorkMs: queue.unfinished().longestMs,
          informers: informers(),
        }),
      missing: () => missing(operator),
      metricsType: metrics.registry.contentType,
      metrics: () => metricsText(operator),
    },
    config.http,
  );
  log.info({ host: config.http.host, port: http.port }, 'Serving probes and metrics');
  return http;
}

/** Those of each provider by the leader alone: two replicas would tell everything twice. */
async function* metricsText({ metrics, elector, caches }: Operator): AsyncGenerator<string, void, undefined> {
  yield await metrics.registry.metrics();
  if (elector.isLeader()) yield* providerMetrics(() => caches.providers.entries());
}

function missing({ caches }: Operator): string[] {
  return caches.all.flatMap(({ kind, missing: places }) =>
    places.map((place) => `no list of ${place === '' ? kind : `${kind} in ${place}`} yet`),
  );
}

function complainUntilSynced(operator: Operator, log: Log): NodeJS.Timeout {
  const timer = setInterval(() => {
    const waitingFor = missing(operator);
    if (waitingFor.length > 0) log.error({ waitingFor }, 'Not ready: the cluster is not fully known yet');
    else clearInterval(timer);
  }, complainMs);
  return timer;
}

/** Works until told to stop. */
async function lead(
  { caches, queue, reconciler, recorder, metrics, begin }: Operator,
  { config, log, signal }: RunOptions,
  { leading, calls }: { readonly leading: AbortSignal; readonly calls: AbortController },
): Promise<void> {
  const stopped = new Promise<'stopped'>((resolve) => {
    if (leading.aborted) resolve('stopped');
    leading.addEventListener('abort', () => resolve('stopped'), { once: true });
  });
  if ((await Promise.race([caches.synced(), stopped])) === 'stopped') return;
  log.info({ providers: caches.providers.figures().size, workers: config.workers }, 'Began to work');
  begin();
  // What is under way may end, unless another replica may write by now.
  const limit = stopped.then(async () => {
    if (signal.aborted) await delay(drainMs, undefined, { ref: false });
    calls.abort();
  });
  await queue.run({
    workers: config.workers,
    handle: (key) => metrics.timed(() => reconciler.reconcile(key)),
    signal: leading,
  });
  log.info({}, 'Stopped to work');
  await Promise.race([recorder.flush(), delay(flushMs, undefined, { ref: false }), limit]);
}
