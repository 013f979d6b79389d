// What the benchmark of the webhook tells of what it measured.
import type { Figure } from '../figure.ts';
import { median, range } from '../rounds.ts';
import { connections, type Found, type Latencies, perSecond, putOff, type Sides } from './measures.ts';

interface Size {
  readonly providers: number;
  readonly mailboxes: number;
}

const shown = (count: number): string => count.toLocaleString('en-US');

/** The medians of the rounds, and their range. */
function ofRounds(rounds: readonly Found[], value: (one: Found) => number) {
  const values = rounds.map(value);
  return { value: median(values), range: range(values) };
}

export function latencyFigures({ answeredMs, jobMs }: Latencies, { providers }: Size): Figure[] {
  const detail = `${jobMs.length} notifications, one after the other; an operator with ${shown(providers)} providers`;
  return [
    {
      key: 'webhook.notificationToJobMs',
      title: 'from a notification to its Job, median',
      value: median(jobMs),
      unit: 'ms',
      goal: { atMost: 1000 },
      range: range(jobMs),
      detail,
    },
    {
      key: null,
      title: '  from a notification to its 202, median',
      value: median(answeredMs),
      unit: 'ms',
      range: range(answeredMs),
      detail: 'of these; the API server has kept the mark by then',
    },
  ];
}

export function rateFigures(sides: Sides, size: Size): Figure[] {
  const { webhook, bare } = sides;
  const ratios = webhook.map((one, round) => perSecond(one) / perSecond(bare[round] ?? one));
  const measuredOn = `${connections} connections, ${shown(size.mailboxes)} mailboxes of ${shown(size.providers)}`;
  const rate = { unit: '/s', key: null, detail: 'requests answered with 202' };
  return [
    {
      key: 'webhook.rpsVsBareNode',
      title: 'notifications / those of a bare node:http server, per second',
      value: ofRounds(webhook, perSecond).value / ofRounds(bare, perSecond).value,
      goal: { atLeast: 0.6 },
      range: range(ratios),
      detail: `${measuredOn}; both in turn`,
    },
    { ...rate, title: '  webhook', ...ofRounds(webhook, perSecond) },
    { ...rate, title: '  bare server', ...ofRounds(bare, perSecond) },
    {
      key: null,
      title: '  requests of a round that were answered with 503',
      ...ofRounds(webhook, putOff),
      detail: 'the API server did not keep a mark in time; Graph comes again',
    },
    {
      key: 'webhook.p99Ms',
      title: 'time to the 202, 99th percentile',
      ...ofRounds(webhook, ({ p99Ms }) => p99Ms),
      unit: 'ms',
      goal: { atMost: 50 },
      detail: measuredOn,
    },
    {
      key: null,
      title: '  the same of the bare server',
      ...ofRounds(bare, ({ p99Ms }) => p99Ms),
      unit: 'ms',
      detail: measuredOn,
    },
    {
      key: null,
      title: '  processor time of the load / its time',
      ...ofRounds([...webhook, ...bare], ({ busyMs, tookMs }) => busyMs / tookMs),
      detail: 'at 1 it would itself be the limit',
    },
  ];
}

export function firstFigures(first: Found): Figure[] {
  return [
    {
      key: null,
      title: 'first notifications of mailboxes, each kept',
      value: perSecond(first),
      unit: '/s',
      detail: `${shown(first.answered)}, ${connections} at a time; each waits for a write of the API server`,
    },
    {
      key: null,
      title: '  time to their 202, 99th percentile',
      value: first.p99Ms,
      unit: 'ms',
      range: [first.p50Ms, first.maxMs],
      detail: 'of these; min .. max: median and maximum',
    },
  ];
}
