// Events: what a person sees in `kubectl describe`. They are advice: a failure to write one is logged and never stops
// what it tells of. What repeats within ten minutes is one Event with a count.
import type { KubeClient } from './client.ts';
import { type Clock, systemClock } from './clock.ts';
import { isKubeError } from './errors.ts';
import { type Log, silent } from './log.ts';
import { microTime } from './microTime.ts';
import type { KubeObject } from './object.ts';
import { events } from './resource.ts';

export interface EventRecorderOptions {
  readonly client: KubeClient;
  /** Such as `example.dev/controller`. */
  readonly reportingController: string;
  /** The pod's name. */
  readonly reportingInstance: string;
  readonly clock?: Clock;
  readonly log?: Log;
}

export interface Happening {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, why; and CamelCase, what was done or tried. */
  readonly reason: string;
  readonly action: string;
  /** For people; cut to 1 kB. Safe to show. */
  readonly note: string;
}

interface Series {
  namespace: string;
  name: string;
  count: number;
  lastAt: number;
  /** The writes about one thing follow each other. */
  tail: Promise<void>;
}

const seriesWindow = 600_000;
const mostSeries = 1_000;
/** Bytes of UTF-8, as the API server counts. */
const longestNote = 1_024;

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  /** By what happened to whom, least recently seen first. */
  readonly #series = new Map<string, Series>();
  readonly #pending = new Set<Promise<void>>();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silent;
  }

  /** Resolves when it is written, or is not going to be; never rejects. */
  record(regarding: KubeObject, happening: Happening): Promise<void> {
    const note = cut(happening.note, longestNote);
    const { uid = '', namespace = '', name } = regarding.metadata;
    const { type, reason } = happening;
    const key = JSON.stringify([uid, regarding.kind, namespace, name, type, reason, note]);
    const series = this.#seriesOf(key);
    const written = series.tail.then(() => this.#write(series, regarding, { ...happening, note }));
    series.tail = written;
    this.#pending.add(written);
    return written.finally(() => this.#pending.delete(written));
  }

  /** Resolves when nothing is under way any more. */
  async flush(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  #seriesOf(key: string): Series {
    const found = this.#series.get(key);
    this.#series.delete(key);
    const isFresh = found !== undefined && this.#clock.monotonic() - found.lastAt < seriesWindow;
    const series = isFresh
      ? found
      : { namespace: '', name: '', count: 0, lastAt: 0, tail: Promise.resolve() };
    series.lastAt = this.#clock.monotonic();
    this.#series.set(key, series);
    const [oldest] = this.#series.keys();
    if (this.#series.size > mostSeries && oldest !== undefined) this.#series.delete(oldest);
    return series;
  }

  async #write(series: Series, regarding: KubeObject, happening: Happening): Promise<void> {
    try {
      if (series.count === 0 || !(await this.#countOneMore(series)))
        await this.#create(series, regarding, happening);
    } catch (error) {
      const kind = isKubeError(error) ? error.kind : 'bug';
      this.#log.warn({ kind, reason: happening.reason }, 'Could not write an Event');
    }
  }

  /** False when the Event is gone: they live for an hour. */
  async #countOneMore(series: Series): Promise<boolean> {
    const count = series.count + 1;
    const patch = { series: { count, lastObservedTime: microTime(this.#clock.now()) } };
    try {
      await this.#options.client.mergePatch(events, series, patch);
      series.count = count;
      return true;
    } catch (error) {
      if (isKubeError(error, 'notFound')) return false;
      throw error;
    }
  }

  async #create(series: Series, regarding: KubeObject, happening: Happening): Promise<void> {
    const { client, reportingController, reportingInstance } = this.#options;
    const { metadata, apiVersion, kind } = regarding;
    const namespace = metadata.namespace ?? 'default';
    // A part of a name that ends with a dash or a dot is none.
    const name = `${metadata.name.slice(0, 220).replace(/[-.]+$/, '')}.${this.#suffix()}`;
    await client.create(events, namespace, {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { namespace, name },
      eventTime: microTime(this.#clock.now()),
      reportingController,
      reportingInstance: reportingInstance.slice(0, 128),
      regarding: { apiVersion, kind, name: metadata.name, namespace: metadata.namespace, uid: metadata.uid },
      ...happening,
    });
    Object.assign(series, { namespace, name, count: 1 });
  }

  #suffix(): string {
    return `${this.#clock.now().toString(16)}${Math.floor(this.#clock.random() * 2 ** 32).toString(16)}`;
  }
}

/** At most so many bytes, and no half of a character. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const room = new Uint8Array(bytes - Buffer.byteLength('…'));
  const { read } = new TextEncoder().encodeInto(text, room);
  return `${text.slice(0, read)}…`;
}
