// Time and chance as everything here that waits takes them, so that a test can hold them in its hand.

export interface Clock {
  /** Milliseconds since the epoch: what is shown to others. Never used to measure. */
  readonly now: () => number;
  /** Milliseconds since some start; neither set back nor forward: what is measured with. */
  readonly monotonic: () => number;
  /** 0 (included) to 1 (excluded). */
  readonly random: () => number;
  /** Calls back once after so many milliseconds; the result cancels that. */
  readonly after: (ms: number, callback: () => void) => () => void;
}

/** The longest time that a timer of Node can be set to; a longer one would fire at once. */
const longestTimer = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  random: Math.random,
  after: (ms, callback) => {
    const timer = setTimeout(callback, Math.min(Math.max(0, Math.ceil(ms)), longestTimer));
    return () => clearTimeout(timer);
  },
};

/** Resolves after so many milliseconds, or as soon as the signal is aborted; never rejects. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const wake = (): void => {
      cancel();
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const cancel = clock.after(ms, wake);
    signal?.addEventListener('abort', wake, { once: true });
  });
}

/** A question that the compiler does not answer from what it was a moment ago. */
export function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
