// What is counted, under the names that controller-runtime and client-go gave it, so that dashboards and alerts made
// for those work here too. What there is one of for each provider is not held here: see providerMetrics.ts.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { RequestReport } from '../kube/exchange.ts';
import type { WorkQueueObserver } from '../kube/workQueue.ts';
import type { CacheFigures } from './observe/cache.ts';
import type { Outcome } from './reconcile.ts';
import type { Run } from './runs.ts';

const controller = 'outlookprovider';
/** As labels; what went wrong otherwise is an error with a counter of its own. */
const results = ['success', 'error', 'requeue', 'requeue_after'] as const;
/** Labels of the queue: controller-runtime names both. */
const queueLabels = ['name', 'controller'] as const;
const queue = { name: controller, controller };
const seconds = (ms: number): number => ms / 1000;

/** Of client-go and of controller-runtime. */
const queueBuckets = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000];
const reconcileBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const requestBuckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
const syncBuckets = [0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200];

/** What is asked for when somebody scrapes. */
export interface Gauges {
  readonly unfinished: () => { readonly totalMs: number; readonly longestMs: number };
  readonly isLeader: () => boolean;
  readonly informers: () => readonly CacheFigures[];
  readonly backfills: () => { readonly active: number; readonly waiting: number };
}

export interface MetricsOptions {
  readonly workers: number;
  readonly leaseName: string;
}

export class Metrics {
  readonly registry = new Registry();
  readonly #options: MetricsOptions;
  readonly #reconciles: Counter<'controller' | 'result'>;
  readonly #errors: Counter<'controller'>;
  readonly #terminal: Counter<'controller'>;
  readonly #panics: Counter<'controller'>;
  readonly #timeouts: Counter<'controller'>;
  readonly #reconcileTime: Histogram<'controller'>;
  readonly #active: Gauge<'controller'>;
  readonly #requests: Counter<'code' | 'method' | 'host'>;
  readonly #requestTime: Histogram<'verb' | 'host'>;
  readonly #runs: Counter<'result' | 'trigger'>;
  readonly #runTime: Histogram;
  readonly #missed = this.#counter(
    'outlook_sync_missed_intervals_total',
    'Intervals of a schedule in which no sync succeeded',
    [],
  );
  readonly #answered = this.#counter(
    'outlook_push_requests_total',
    'Marks of the webhook that were acted on, each for all notifications until then',
    [],
  );

  constructor(options: MetricsOptions) {
    this.#options = options;
    collectDefaultMetrics({ register: this.registry });
    this.#reconciles = this.#counter('controller_runtime_reconcile_total', 'Reconciles by their result', [
      'controller',
      'result',
    ]);
    for (const result of results) this.#reconciles.inc({ controller, result }, 0);
    this.#errors = this.#ofController('controller_runtime_reconcile_errors_total', 'Reconciles that failed');
    this.#terminal = this.#ofController(
      'controller_runtime_terminal_reconcile_errors_total',
      'Reconciles that the API server refused for good',
    );
    this.#panics = this.#ofController(
      'controller_runtime_reconcile_panics_total',
      'Reconciles that threw what is no error of the API server: bugs',
    );
    this.#timeouts = this.#ofController(
      'controller_runtime_reconcile_timeouts_total',
      'Reconciles that failed because the API server did not answer in time',
    );
    this.#reconcileTime = this.#histogram(
      'controller_runtime_reconcile_time_seconds',
      'Length of a reconcile',
      reconcileBuckets,
      ['controller'],
    );
    this.#active = this.#gauge('controller_runtime_active_workers', 'Workers at work', ['controller']);
    this.#active.set({ controller }, 0);
    this.#gauge('controller_runtime_max_concurrent_reconciles', 'Workers', ['controller']).set(
      { controller },
      options.workers,
    );
    this.#requests = this.#counter('rest_client_requests_total', 'Requests to the API server', [
      'code',
      'method',
      'host',
    ]);
    this.#requestTime = this.#histogram(
      'rest_client_request_duration_seconds',
      'Time until the API server answers',
      requestBuckets,
      ['verb', 'host'],
    );
    this.#runs = this.#counter('outlook_sync_runs_total', 'Syncs that ended, by result and trigger', [
      'result',
      'trigger',
    ]);
    this.#runTime = this.#histogram(
      'outlook_sync_duration_seconds',
      'Length of a sync that succeeded',
      syncBuckets,
      [],
    );
  }

  /** Adds what is asked for at each scrape. */
  ask(gauges: Gauges): void {
    const { registry } = this;
    const asked = (name: string, help: string, labelNames: readonly string[], collect: Collect): void => {
      new Gauge({
        name,
        help,
        labelNames,
        registers: [registry],
        collect() {
          this.reset();
          collect((labels, value) => this.set(labels, value));
        },
      });
    };
    asked('workqueue_unfinished_work_seconds', 'Time spent on what is not finished', queueLabels, (set) =>
      set(queue, seconds(gauges.unfinished().totalMs)),
    );
    asked(
      'workqueue_longest_running_processor_seconds',
      'The longest of the reconciles under way',
      queueLabels,
      (set) => set(queue, seconds(gauges.unfinished().longestMs)),
    );
    asked('leader_election_master_status', 'Whether this replica leads', ['name'], (set) =>
      set({ name: this.#options.leaseName }, gauges.isLeader() ? 1 : 0),
    );
    asked('outlook_backfills_active', 'Backfill Jobs at work', [], (set) =>
      set({}, gauges.backfills().active),
    );
    asked('outlook_backfills_waiting', 'Providers that wait for room for a backfill', [], (set) =>
      set({}, gauges.backfills().waiting),
    );
    const ofInformers = (name: string, help: string, value: (figures: CacheFigures) => number): void =>
      asked(name, help, ['kind'], (set) => {
        for (const figures of gauges.informers()) set({ kind: figures.kind }, value(figures));
      });
    ofInformers('outlook_informer_relists_total', 'Lists after the first', ({ relists }) => relists);
    ofInformers(
      'outlook_informer_reconnects_total',
      'Watches after the first',
      ({ reconnects }) => reconnects,
    );
    ofInformers('outlook_informer_objects', 'Objects in the cache', ({ size }) => size);
    ofInformers(
      'outlook_informer_last_activity_timestamp_seconds',
      'When the API server last gave a sign',
      ({ lastActivityAt }) => seconds(lastActivityAt),
    );
  }

  /** For the work queue. */
  queueObserver(): WorkQueueObserver {
    const depth = this.#gauge('workqueue_depth', 'Providers that wait', queueLabels);
    const adds = this.#counter('workqueue_adds_total', 'Providers added', queueLabels);
    const retries = this.#counter('workqueue_retries_total', 'Retries after a failure', queueLabels);
    const waited = this.#histogram(
      'workqueue_queue_duration_seconds',
      'Time waited',
      queueBuckets,
      queueLabels,
    );
    const worked = this.#histogram(
      'workqueue_work_duration_seconds',
      'Time worked',
      queueBuckets,
      queueLabels,
    );
    depth.set(queue, 0);
    adds.inc(queue, 0);
    retries.inc(queue, 0);
    return {
      depth: (keys) => depth.set(queue, keys),
      added: () => adds.inc(queue),
      retried: () => retries.inc(queue),
      queueDuration: (ms) => waited.observe(queue, seconds(ms)),
      workDuration: (ms) => worked.observe(queue, seconds(ms)),
    };
  }

  request({ method, code, host, durationMs }: RequestReport): void {
    this.#requests.inc({ code, method, host });
    this.#requestTime.observe({ verb: method, host }, seconds(durationMs));
  }

  outcome(outcome: Outcome): void {
    const isError = !(results as readonly string[]).includes(outcome) || outcome === 'error';
    this.#reconciles.inc({ controller, result: isError ? 'error' : outcome });
    if (isError) this.#errors.inc({ controller });
    if (outcome === 'terminal') this.#terminal.inc({ controller });
    if (outcome === 'timeout') this.#timeouts.inc({ controller });
    if (outcome === 'panic') this.#panics.inc({ controller });
  }

  /** Measures one reconcile. */
  async timed<T>(work: () => Promise<T>): Promise<T> {
    this.#active.inc({ controller });
    const stop = this.#reconcileTime.startTimer({ controller });
    try {
      return await work();
    } finally {
      stop();
      this.#active.dec({ controller });
    }
  }

  run({ result, trigger, seconds: length }: Run): void {
    this.#runs.inc({ result, trigger });
    if (length !== undefined) this.#runTime.observe(length);
  }

  missedInterval(): void {
    this.#missed.inc();
  }

  answeredMark(): void {
    this.#answered.inc();
  }

  #ofController(name: string, help: string): Counter<'controller'> {
    const counter = this.#counter(name, help, ['controller']);
    counter.inc({ controller }, 0);
    return counter;
  }

  #counter<T extends string>(name: string, help: string, labelNames: readonly T[]): Counter<T> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  #gauge<T extends string>(name: string, help: string, labelNames: readonly T[]): Gauge<T> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  #histogram<T extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly T[],
  ): Histogram<T> {
    return new Histogram({ name, help, buckets, labelNames, registers: [this.registry] });
  }
}

type Collect = (set: (labels: Record<string, string>, value: number) => void) => void;
