import { afterEach, expect, test } from 'vitest';
import { ailments, type Vitals } from '../../../operator/health.ts';
import { type HttpRoutes, type HttpServer, serveHttp } from '../../../operator/httpServer.ts';
import { Metrics } from '../../../operator/metrics.ts';
import { reduceProvider } from '../../../operator/observe/records.ts';
import { providerMetrics } from '../../../operator/providerMetrics.ts';
import { answeredMark, endedRun, missedInterval } from '../../../operator/runs.ts';

const minute = 60_000;
const healthy: Vitals = {
  now: 100 * minute,
  startedAt: 0,
  relistMs: 10 * minute,
  longestWorkMs: 1000,
  informers: [
    {
      kind: 'Job',
      relists: 1,
      reconnects: 2,
      lastActivityAt: 99 * minute,
      lastTurnAt: 99 * minute,
      size: 3,
    },
  ],
};
const [jobs] = healthy.informers as [Vitals['informers'][number]];

test('alive while the watches and the workers move', () => {
  expect(ailments(healthy)).toEqual([]);
});

test('a watch whose loop stands still for three relists is an ailment, named by its kind', () => {
  const informers = [{ ...jobs, lastActivityAt: 69 * minute, lastTurnAt: 69 * minute }];
  expect(ailments({ ...healthy, informers })).toEqual([expect.stringContaining('Job')]);
});

test('a watch that is refused all the time is none: a new start would not mend it', () => {
  expect(ailments({ ...healthy, informers: [{ ...jobs, lastActivityAt: 0 }] })).toEqual([]);
});

test('a watch that never spoke is measured from the start', () => {
  const informers = [{ ...jobs, lastActivityAt: 0, lastTurnAt: 0 }];
  expect(ailments({ ...healthy, informers, startedAt: 95 * minute })).toEqual([]);
  expect(ailments({ ...healthy, informers })).toHaveLength(1);
});

test('a reconcile that never ends is an ailment', () => {
  expect(ailments({ ...healthy, longestWorkMs: 6 * minute })).toEqual([expect.stringContaining('reconcile')]);
});

let server: HttpServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function ask(
  path: string,
  routes: Partial<HttpRoutes> = {},
  method = 'GET',
): Promise<[number, string]> {
  const metrics = async function* (): AsyncGenerator<string, void, undefined> {
    yield await Promise.resolve('one 1\n');
    yield 'two 2\n';
  };
  const all = { ailments: () => [], missing: () => [], metricsType: 'text/plain', metrics, ...routes };
  server = await serveHttp(all, { host: '127.0.0.1', port: 0 });
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
  return [answer.status, await answer.text()];
}

test.each([
  ['port', '127.0.0.1', /^\d+ is in use already \(EADDRINUSE\)$/],
  ['host', '192.0.2.1', /^192\.0\.2\.1 cannot be listened on \(EADDRNOTAVAIL\)$/],
] as const)('a %s that cannot be had is named', async (of, host, said) => {
  await ask('/healthz');
  const routes = { ailments: () => [], missing: () => [], metricsType: '', metrics: () => neverAsked };
  const failed = serveHttp(routes, { host, port: server?.port ?? 0 });
  await expect(failed).rejects.toMatchObject({
    name: 'CannotListen',
    of,
    message: expect.stringMatching(said) as string,
  });
});

const neverAsked: AsyncIterable<string> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('Nobody asks')) }),
};

test('probes say yes with 200, and what is wrong with 503', async () => {
  expect(await ask('/healthz')).toEqual([200, 'ok\n']);
  await server?.close();
  expect(await ask('/readyz?verbose', { missing: () => ['a', 'b'] })).toEqual([503, 'a\nb\n']);
  await server?.close();
  expect(await ask('/healthz', { ailments: () => ['stuck'] })).toEqual([503, 'stuck\n']);
});

test('metrics are served piece by piece; nothing else is served, and nothing is taken', async () => {
  expect(await ask('/metrics')).toEqual([200, 'one 1\ntwo 2\n']);
  await server?.close();
  expect((await ask('/secrets'))[0]).toBe(404);
  await server?.close();
  expect((await ask('/metrics', {}, 'POST'))[0]).toBe(405);
});

function providerOf(name: string, status: object) {
  const metadata = { name, namespace: 'team' };
  const raw = { apiVersion: 'v1', kind: 'OutlookProvider', metadata, status };
  return [`team/${name}`, reduceProvider(raw)] as const;
}

async function collected(pieces: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const piece of pieces) all.push(piece);
  return all;
}

test('each provider has its conditions and times, each family stands together, and odd statuses hurt nobody', async () => {
  const providers = [
    providerOf('anna', {
      conditions: [{ type: 'Ready', status: 'True' }],
      lastSyncedAt: '2026-11-25T00:00:00.5Z',
      nextSyncAt: '2026-11-25T00:05:00Z',
    }),
    providerOf('berta', { conditions: 'none', lastSyncedAt: 'never' }),
  ];
  const pieces = await collected(providerMetrics(() => providers));
  const lines = pieces.join('').trimEnd().split('\n');
  expect(lines.filter((line) => !line.startsWith('#'))).toEqual([
    'outlook_provider_condition{namespace="team",name="anna",type="Ready",status="True"} 1',
    'outlook_provider_last_success_timestamp_seconds{namespace="team",name="anna"} 1795564800.5',
    'outlook_provider_next_sync_timestamp_seconds{namespace="team",name="anna"} 1795565100',
    'outlook_push_subscriptions 0',
    'outlook_push_subscriptions_failing 0',
    'outlook_push_oldest_request_seconds 0',
  ]);
  expect(lines.filter((line) => line.startsWith('# TYPE'))).toHaveLength(6);
});

test('of push the subscriptions that live or fail are counted, and the mark that has waited for longest', async () => {
  const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();
  const handled = ago(900);
  const providers = [
    providerOf('anna', { subscription: { id: 's', expiresAt: ago(-60) }, syncRequestedAt: ago(30) }),
    providerOf('berta', { subscription: { id: 's', expiresAt: ago(60) }, syncRequestedAt: ago(300) }),
    providerOf('carla', { syncRequestedAt: handled, lastHandledSyncRequest: `asked,${handled}` }),
    providerOf('dora', { subscription: null, syncRequestedAt: 7 }),
    providerOf('emma', { conditions: [{ type: 'PushSubscribed', reason: 'SubscriptionFailed' }] }),
    providerOf('fiona', { conditions: [{ type: 'PushSubscribed', reason: 'NotConfigured' }] }),
  ];
  const text = (await collected(providerMetrics(() => providers))).join('');
  expect(text).toContain('\noutlook_push_subscriptions 1\n');
  expect(text).toContain('\noutlook_push_subscriptions_failing 1\n');
  const [, waited] = /\noutlook_push_oldest_request_seconds (\S+)\n/.exec(text) ?? [];
  expect(Math.floor(Number(waited) / 60)).toBe(5);
});

test('a mark is answered when it is what was acted on last, alone or with a person’s request', () => {
  const mark = '2026-11-25T00:00:00.123Z';
  const waiting = { syncRequestedAt: mark, lastHandledSyncRequest: 'another' };
  expect(answeredMark(waiting, { ...waiting, lastHandledSyncRequest: mark })).toBe(true);
  expect(answeredMark(waiting, { ...waiting, lastHandledSyncRequest: `asked,${mark}` })).toBe(true);
  expect(answeredMark({}, waiting)).toBe(false);
  const done = { ...waiting, lastHandledSyncRequest: mark };
  expect(answeredMark(done, { ...done, lastHandledSyncRequest: `asked,${mark}` })).toBe(false);
  expect(answeredMark(waiting, { lastHandledSyncRequest: 'asked' })).toBe(false);
});

test('the metrics of controller-runtime and client-go are there under their names, from the start', async () => {
  const metrics = new Metrics({ workers: 4, leaseName: 'operator' });
  const observer = metrics.queueObserver();
  observer.added?.();
  observer.queueDuration?.(1500);
  metrics.ask({
    unfinished: () => ({ totalMs: 3000, longestMs: 2000 }),
    isLeader: () => true,
    informers: () => [jobs],
    backfills: () => ({ active: 1, waiting: 2 }),
  });
  metrics.request({ method: 'GET', code: '200', host: 'h', durationMs: 10 });
  for (const outcome of ['success', 'terminal', 'panic', 'timeout', 'requeue_after'] as const)
    metrics.outcome(outcome);
  const lines = (await metrics.registry.metrics()).split('\n');
  const ofUs = '{controller="outlookprovider"}';
  expect(lines).toEqual(
    expect.arrayContaining([
      'controller_runtime_reconcile_total{controller="outlookprovider",result="success"} 1',
      'controller_runtime_reconcile_total{controller="outlookprovider",result="error"} 3',
      'controller_runtime_reconcile_total{controller="outlookprovider",result="requeue"} 0',
      'controller_runtime_reconcile_total{controller="outlookprovider",result="requeue_after"} 1',
      `controller_runtime_reconcile_errors_total${ofUs} 3`,
      `controller_runtime_terminal_reconcile_errors_total${ofUs} 1`,
      `controller_runtime_reconcile_panics_total${ofUs} 1`,
      `controller_runtime_reconcile_timeouts_total${ofUs} 1`,
      `controller_runtime_max_concurrent_reconciles${ofUs} 4`,
      `controller_runtime_active_workers${ofUs} 0`,
      'workqueue_adds_total{name="outlookprovider",controller="outlookprovider"} 1',
      'workqueue_depth{name="outlookprovider",controller="outlookprovider"} 0',
      'workqueue_queue_duration_seconds_sum{name="outlookprovider",controller="outlookprovider"} 1.5',
      'workqueue_unfinished_work_seconds{name="outlookprovider",controller="outlookprovider"} 3',
      'workqueue_longest_running_processor_seconds{name="outlookprovider",controller="outlookprovider"} 2',
      'rest_client_requests_total{code="200",method="GET",host="h"} 1',
      'rest_client_request_duration_seconds_count{verb="GET",host="h"} 1',
      'leader_election_master_status{name="operator"} 1',
      'outlook_informer_relists_total{kind="Job"} 1',
      'outlook_informer_reconnects_total{kind="Job"} 2',
      'outlook_informer_last_activity_timestamp_seconds{kind="Job"} 5940',
      'outlook_sync_missed_intervals_total 0',
      'outlook_push_requests_total 0',
    ]),
  );
});

const earlier = { lastSyncedAt: '2026-11-25T00:00:00Z', lastTrigger: 'schedule' } as const;

test('a run has ended when the time of the last success or failure moves', () => {
  const success = { lastSyncedAt: '2026-11-25T00:05:00Z', lastSyncDuration: '1.083s' };
  expect(endedRun(earlier, { ...earlier, ...success })).toEqual({
    result: 'success',
    trigger: 'schedule',
    seconds: 1.083,
  });
  const failure = { lastSyncErrorAt: '2026-11-25T00:05:00Z', lastTrigger: 'push' } as const;
  expect(endedRun(earlier, { ...earlier, ...failure })).toMatchObject({ result: 'error', trigger: 'push' });
  expect(endedRun(earlier, { ...earlier, nextSyncAt: '2026-11-25T00:10:00Z' })).toBeUndefined();
});

const at = (minutes: number): string => new Date(Date.UTC(2026, 10, 25, 0, minutes)).toISOString();

test('an interval is missed when it went by without a success', () => {
  const moved = (lastSyncedAt: string) =>
    missedInterval({ nextSyncAt: at(10) }, { nextSyncAt: at(15), lastSyncedAt }, at(0));
  expect(moved(at(6))).toBe(false);
  expect(moved(at(4))).toBe(true);
  expect(missedInterval({ nextSyncAt: at(10) }, { nextSyncAt: at(15) }, at(8))).toBe(false);
  expect(missedInterval({ nextSyncAt: at(10) }, { nextSyncAt: at(15) }, at(1))).toBe(true);
  expect(missedInterval({ nextSyncAt: at(10) }, { nextSyncAt: at(10) }, at(0))).toBe(false);
  expect(missedInterval({}, { nextSyncAt: at(10) }, at(0))).toBe(false);
});
