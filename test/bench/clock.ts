// One clock for all processes of a benchmark.

/** Milliseconds since some moment that is the same for every process of this machine; never set back. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
