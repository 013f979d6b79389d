/** How the simulator delivers by itself, and what of it goes wrong. Pure. */

export interface ThrottleOptions {
  /** How far back answers count; default ten minutes. */
  windowMs?: number;
  /** Fewer answers than this within the window say nothing; default 100. */
  leastAnswers?: number;
  /** Beyond this share of slow answers whatever is new waits `delayMs`; default 0.1. */
  slowShare?: number;
  /** Beyond this share whatever is new is dropped; default 0.15. */
  dropShare?: number;
  /** Default 10,000. */
  delayMs?: number;
}

export interface PushOptions {
  /** Default false: `deliverNotifications()` says when. */
  auto?: boolean;
  /** From the change to its notification, at least and at most; default none. */
  delayMs?: readonly [number, number];
  /** Probabilities 0..1 of a notification; default 0. One that is reordered is overtaken by those that come next. */
  duplicate?: number;
  reorder?: number;
  lose?: number;
  /** Most notifications in one request, default 20. They share a URL, be they of one subscription or of several. */
  batch?: number;
  /** Default false; true: all whose URLs differ in the query alone share requests, sent to the URL of the first. */
  mixMailboxes?: boolean;
  /** The waits before each further try; after the last of them it is given up. Default: doubling from 1 s to 4 min. */
  retryMs?: readonly number[];
  /** Default true, as documented: everything but 2xx is sent again. False: a 4xx is final. */
  retryClientErrors?: boolean;
  /** What has not been answered by then counts as unanswered; default 3,000. */
  answerWithinMs?: number;
  /** An answer that took longer is slow; default 2,900. */
  slowMs?: number;
  /** Default: none. An empty object stands for the documented numbers. */
  throttle?: ThrottleOptions;
  /** Default: never. Otherwise so long after a notification was lost, dropped or given up its owner is told `missed`. */
  missedAfterMs?: number;
  /** Default false; true: what was queued before its subscription was deleted still comes. */
  deliverAfterDeletion?: boolean;
  /** Requests at a time, default 16. */
  connections?: number;
  /** Default: the simulator's. */
  seed?: number;
}

/** Decided when the simulator starts; everything else may be adjusted while it runs. */
export type AdjustablePushOptions = Omit<PushOptions, 'seed' | 'connections'>;

export type PushSettings = Required<Omit<PushOptions, 'throttle' | 'missedAfterMs'>> & {
  throttle: Required<ThrottleOptions> | undefined;
  missedAfterMs: number | undefined;
};

const DEFAULT_THROTTLE: Required<ThrottleOptions> = {
  windowMs: 600_000,
  leastAnswers: 100,
  slowShare: 0.1,
  dropShare: 0.15,
  delayMs: 10_000,
};

export function pushSettings(options: PushOptions, seed: number): PushSettings {
  return {
    auto: false,
    delayMs: [0, 0],
    duplicate: 0,
    reorder: 0,
    lose: 0,
    batch: 20,
    mixMailboxes: false,
    retryMs: [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 120_000, 240_000],
    retryClientErrors: true,
    answerWithinMs: 3_000,
    slowMs: 2_900,
    deliverAfterDeletion: false,
    connections: 16,
    seed,
    missedAfterMs: undefined,
    ...options,
    throttle: options.throttle === undefined ? undefined : { ...DEFAULT_THROTTLE, ...options.throttle },
  };
}
