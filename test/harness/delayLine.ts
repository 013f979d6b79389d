// Runs actions in order, each a given time after it was pushed: latency that does not limit throughput.

export interface DelayClock {
  /** Milliseconds since some moment. */
  readonly now: () => number;
  /** Calls back after about that many milliseconds, a little early rather than late. Returns what takes it back. */
  readonly wait: (ms: number, callback: () => void) => () => void;
}

export interface DelayLine {
  readonly push: (action: () => void) => void;
  /** Forgets the actions that have not run. */
  readonly clear: () => void;
}

// Timers fire up to this much late, so the rest of a wait is spent turning the event loop.
const TIMER_SLACK_MS = 2;

const processClock: DelayClock = {
  now: () => performance.now(),
  wait: (ms, callback) => {
    if (ms > TIMER_SLACK_MS) {
      const timer = setTimeout(callback, ms - TIMER_SLACK_MS);
      return () => {
        clearTimeout(timer);
      };
    }
    const immediate = setImmediate(callback);
    return () => {
      clearImmediate(immediate);
    };
  },
};

/**
 * A line of `delayMs` milliseconds, fractions allowed; with 0, actions run at once. One that changes holds for what is
 * pushed from then on, which does not overtake what was pushed before.
 */
export function delayLine(delayMs: number | (() => number), clock: DelayClock = processClock): DelayLine {
  const queue: { readonly due: number; readonly action: () => void }[] = [];
  let stopWaiting = (): void => undefined;

  const drain = (): void => {
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      const remaining = next.due - clock.now();
      if (remaining > 0) {
        stopWaiting = clock.wait(remaining, drain);
        return;
      }
      queue.shift();
      next.action();
    }
  };

  return {
    push: (action) => {
      const ms = typeof delayMs === 'number' ? delayMs : delayMs();
      if (ms <= 0 && queue.length === 0) {
        action();
        return;
      }
      queue.push({ due: clock.now() + ms, action });
      if (queue.length === 1) stopWaiting = clock.wait(ms, drain);
    },
    clear: () => {
      queue.length = 0;
      stopWaiting();
    },
  };
}
