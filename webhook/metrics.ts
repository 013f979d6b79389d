// What is counted. Labels have few values, none of which anybody outside can make up. What is counted with each request
// is counted as a plain number, and put into its metric when somebody scrapes: that is a tenth of the time.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { RequestReport } from '../kube/exchange.ts';
import type { WatchFigures } from './cluster/clusterDirectory.ts';
import type { MarkResult } from './cluster/marks.ts';
import { type Observer, outcomes, type Outcome, type Route, routes } from './http/options.ts';

const answerBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10];
const requestBuckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
const markResults: readonly MarkResult[] = ['written', 'covered', 'failed', 'gone'];

type Add = (labels: Record<string, string>, count: number) => void;

/** What is asked for when somebody scrapes. */
export interface Gauges {
  readonly watch: () => WatchFigures;
  readonly waiting: () => number;
}

export class Metrics implements Observer {
  readonly registry = new Registry();
  readonly #answers = new Map<Route, number[]>(routes.map((route) => [route, []]));
  readonly #notifications = new Map<Outcome, number>(outcomes.map((outcome) => [outcome, 0]));
  readonly #marks = new Map<MarkResult, number>(markResults.map((result) => [result, 0]));
  readonly #answerTime: Histogram<'route'>;
  readonly #requests: Counter<'code' | 'method' | 'host'>;
  readonly #requestTime: Histogram<'verb' | 'host'>;

  constructor() {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.#tally('outlook_webhook_requests_total', 'Requests answered', ['route', 'code'], (add) => {
      for (const [route, codes] of this.#answers)
        codes.forEach((count, code) => add({ route, code: String(code) }, count));
    });
    this.#tally(
      'outlook_webhook_notifications_total',
      'Entries of requests by what became of them',
      ['outcome'],
      (add) => this.#notifications.forEach((count, outcome) => add({ outcome }, count)),
    );
    this.#tally('outlook_webhook_marks_total', 'Wake-ups by how they were kept', ['result'], (add) =>
      this.#marks.forEach((count, result) => add({ result }, count)),
    );
    this.#answerTime = new Histogram({
      name: 'outlook_webhook_request_duration_seconds',
      help: 'Time until the answer; Graph wants it within 3 s',
      buckets: answerBuckets,
      labelNames: ['route'],
      registers,
    });
    this.#requests = new Counter({
      name: 'rest_client_requests_total',
      help: 'Requests to the API server',
      labelNames: ['code', 'method', 'host'],
      registers,
    });
    this.#requestTime = new Histogram({
      name: 'rest_client_request_duration_seconds',
      help: 'Time until the API server answers',
      buckets: requestBuckets,
      labelNames: ['verb', 'host'],
      registers,
    });
  }

  /** Adds what is asked for at each scrape. */
  ask({ watch, waiting }: Gauges): void {
    const asked = (name: string, help: string, value: () => number): void => {
      const labelNames = name.startsWith('outlook_informer') ? ['kind'] : [];
      new Gauge({
        name,
        help,
        labelNames,
        registers: [this.registry],
        collect() {
          this.set(labelNames.length === 0 ? {} : { kind: watch().kind }, value());
        },
      });
    };
    asked('outlook_webhook_marks_waiting', 'Wake-ups that wait to be kept', waiting);
    asked('outlook_informer_relists_total', 'Lists after the first', () => watch().relists);
    asked('outlook_informer_reconnects_total', 'Watches after the first', () => watch().reconnects);
    asked('outlook_informer_objects', 'Objects in the cache', () => watch().size);
    asked(
      'outlook_informer_last_activity_timestamp_seconds',
      'When the API server last gave a sign',
      () => watch().lastActivityAt / 1000,
    );
  }

  readonly request = (route: Route, status: number, seconds: number): void => {
    const codes = this.#answers.get(route) ?? [];
    codes[status] = (codes[status] ?? 0) + 1;
    this.#answerTime.observe({ route }, seconds);
  };

  readonly notifications = (outcome: Outcome, count: number): void => {
    this.#notifications.set(outcome, (this.#notifications.get(outcome) ?? 0) + count);
  };

  mark(result: MarkResult): void {
    this.#marks.set(result, (this.#marks.get(result) ?? 0) + 1);
  }

  #tally(name: string, help: string, labelNames: readonly string[], tell: (add: Add) => void): void {
    new Counter({
      name,
      help,
      labelNames,
      registers: [this.registry],
      collect() {
        this.reset();
        tell((labels, count) => this.inc(labels, count));
      },
    });
  }

  apiRequest({ method, code, host, durationMs }: RequestReport): void {
    this.#requests.inc({ code, method, host });
    this.#requestTime.observe({ verb: method, host }, durationMs / 1000);
  }
}
