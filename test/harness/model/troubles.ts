/**
 * What can hit a sync while it runs, as plain data, and the hand that deals it: the process is killed, the database
 * cut off, Graph fails. A trouble strikes at a request, for between two requests nothing can be seen of a job; a
 * random delay after it reaches the writes in between.
 */
import fc from 'fast-check';
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultReply, RequestInfo } from '../graph/faults.ts';
import type { SimulatedMailbox, TokenExpiryForm } from '../graph/mailbox.ts';
import type { GraphSimulator } from '../graph/simulator.ts';
import type { TcpProxy } from '../tcpProxy.ts';

export type Trouble = { readonly request: number } & (
  | { readonly what: 'kill' | 'cut'; readonly delayMs: number }
  | { readonly what: 'fault'; readonly fault: FaultName; readonly times: number }
  | { readonly what: 'expire'; readonly form: TokenExpiryForm }
  | { readonly what: 'reject token' }
);

type FaultName = keyof typeof faults;

const html = '<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>';

const faults = {
  reset: { reset: true },
  'cut off in the body': { truncate: true },
  'broken JSON': { truncate: 'json' },
  'internal error': { status: 500, body: { error: { code: 'InternalServerError', message: 'x' } } },
  'bad gateway': { status: 502, body: html },
  unavailable: { status: 503, headers: { 'retry-after': '0' }, body: '' },
  'gateway timeout': { status: 504, body: html },
  throttled: { status: 429, body: { error: { code: 'ApplicationThrottled', message: 'x' } } },
} as const satisfies Record<string, FaultReply>;

/** A round of changes takes a handful of requests, a first walk dozens. */
const request = fc.oneof(...[8, 8, 20, 40].map((max) => fc.integer({ min: 1, max })));
const delayMs = fc.nat({ max: 30 });
const name = <const Name extends string>(what: Name): fc.Arbitrary<Name> => fc.constant(what);

/** What ends a run, mostly; what it may survive, sometimes. */
export const anyTrouble: fc.Arbitrary<Trouble> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ request, what: name('kill'), delayMs }) },
  // Before the first request too: while it starts, connects, takes the lease.
  {
    weight: 1,
    arbitrary: fc.record({ request: fc.constant(0), what: name('kill'), delayMs: fc.nat({ max: 500 }) }),
  },
  { weight: 3, arbitrary: fc.record({ request, what: name('cut'), delayMs }) },
  {
    weight: 5,
    arbitrary: fc.record({
      request,
      what: name('fault'),
      fault: fc.constantFrom(...(Object.keys(faults) as FaultName[])),
      times: fc.constantFrom(1, 2, 7),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      request,
      what: name('expire'),
      form: fc.constantFrom('410' as const, '410-location' as const, '400' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ request, what: name('reject token') }) },
);

/** What troubles strike. */
export interface Victim {
  readonly simulator: GraphSimulator;
  readonly mailbox: SimulatedMailbox;
  readonly proxy: TcpProxy;
  readonly kill: () => void;
}

function strike(trouble: Trouble, victim: Victim): void {
  switch (trouble.what) {
    case 'kill':
    case 'cut': {
      const blow = trouble.what === 'kill' ? victim.kill : victim.proxy.cut;
      void delay(trouble.delayMs).then(blow);
      return;
    }
    case 'expire':
      victim.mailbox.setTokenExpiryForm(trouble.form);
      victim.mailbox.expireDeltaTokens();
      return;
    case 'reject token':
      victim.simulator.expireAccessTokens();
      return;
    case 'fault':
      return;
  }
}

/**
 * Lies in wait: each trouble strikes at its request, counted from now on without those to the login. `onRequest` is
 * called with the number of each request before it is answered. Returns what calls everything off.
 */
export function lieInWait(
  troubles: readonly Trouble[],
  victim: Victim,
  onRequest: (number: number) => void,
): () => void {
  const { faults: scripts } = victim.simulator;
  let requests = 0;
  for (const trouble of troubles) if (trouble.request === 0) strike(trouble, victim);
  const watching = scripts.add({
    when: ({ kind }: RequestInfo) => {
      if (kind === 'token') return false;
      requests += 1;
      onRequest(requests);
      for (const trouble of troubles) if (trouble.request === requests) strike(trouble, victim);
      return false;
    },
    reply: {},
  });
  const failing = troubles.flatMap((trouble) => {
    if (trouble.what !== 'fault') return [];
    const when = ({ kind }: RequestInfo): boolean => kind !== 'token' && requests >= trouble.request;
    return scripts.add({ when, times: trouble.times, reply: faults[trouble.fault] });
  });
  return () => {
    for (const cancel of [watching, ...failing]) cancel();
  };
}
