// Graph's part while a mailbox lives: each change is told to its subscribers at once, and again when it is not taken.
import { setTimeout as sleep } from 'node:timers/promises';
import type { GraphSimulator } from '../harness/graph/simulator.ts';
import type { Delivery } from '../harness/graph/subscriptions.ts';

export interface Told {
  readonly url: string;
  readonly status: number;
  /** As Date.now(), when it was answered. */
  readonly at: number;
  readonly tookMs: number;
}

export interface Teller {
  /** All answers so far, in their order; 0 stands for none. */
  readonly answers: () => readonly Told[];
  /** The next answer to a request to this address. */
  readonly next: (url: string) => Promise<Told>;
  /** Resolves when everything that has changed so far was taken. */
  readonly drained: () => Promise<void>;
  /** While true, nothing is told; what changes meanwhile is told afterwards. */
  readonly pause: (paused: boolean) => void;
  readonly close: () => Promise<void>;
}

const LOOK_MS = 20;
/** Graph waits longer; a test does not. */
const AGAIN_MS = { first: 250, most: 2_000 };

export function startTeller(graph: GraphSimulator): Teller {
  const answers: Told[] = [];
  const waiting = new Set<(told: Told) => void>();
  const underWay = new Set<Promise<void>>();
  const over = new AbortController();
  let paused = false;

  const note = ({ url, status }: Delivery, startedAt: number): void => {
    const told = { url, status, at: Date.now(), tookMs: performance.now() - startedAt };
    answers.push(told);
    for (const hear of waiting) hear(told);
  };
  const tell = async (): Promise<void> => {
    const startedAt = performance.now();
    const deliveries = await graph.deliverNotifications();
    await Promise.all(
      deliveries.map(async (delivery) => {
        note(delivery, startedAt);
        if (!isTaken(delivery)) await again(delivery);
      }),
    );
  };
  const again = async ({ url, value }: Delivery): Promise<void> => {
    for (let waitMs = AGAIN_MS.first; !over.signal.aborted; waitMs = Math.min(waitMs * 2, AGAIN_MS.most)) {
      await sleep(waitMs, undefined, { signal: over.signal }).catch(() => undefined);
      const startedAt = performance.now();
      const delivery = { url, value, status: await post(url, value) };
      note(delivery, startedAt);
      if (isTaken(delivery)) return;
    }
  };
  const begin = (): Promise<void> => {
    const telling = tell().finally(() => underWay.delete(telling));
    underWay.add(telling);
    return telling;
  };
  const timer = setInterval(() => {
    if (!paused) void begin();
  }, LOOK_MS);

  return {
    answers: () => answers,
    next: (url) =>
      new Promise((resolve) => {
        const hear = (told: Told): void => {
          if (told.url !== url) return;
          waiting.delete(hear);
          resolve(told);
        };
        waiting.add(hear);
      }),
    drained: async () => {
      await begin();
      await Promise.all(underWay);
    },
    pause: (value) => {
      paused = value;
    },
    close: async () => {
      clearInterval(timer);
      over.abort();
      await Promise.allSettled(underWay);
    },
  };
}

/** What is refused for good is not sent again, either. */
const isTaken = ({ status }: Pick<Delivery, 'status'>): boolean =>
  status !== 0 && status !== 429 && status < 500;

async function post(url: string, value: readonly object[]): Promise<number> {
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  const body = JSON.stringify({ value });
  try {
    const answer = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(10_000) });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return 0;
  }
}
