// Which requests a client sent although it had been told to wait: the simulator's log says what was told, the job's
// own log when it heard of it and when it sent what. All clocks are one, so nothing here depends on how fast it went.
import { expect } from 'vitest';
import type { RequestRecord } from '../../harness/graph/requestLog.ts';
import type { JobOutcome } from '../../harness/job.ts';

/** The requests themselves and, of batches, the inner ones. */
export function withInner(records: readonly RequestRecord[]): RequestRecord[] {
  return records.flatMap((record) => [record, ...(record.batch ?? [])]);
}

interface Hold {
  /** When the client had the answer in hand, in ms. */
  readonly heard: number;
  readonly until: number;
}

/** When the client sent a request and when it had the answer, in ms, by the id that it gave the request. */
function clientTimes(log: JobOutcome['log']): Map<unknown, { sent: number; heard: number }> {
  const lines = log.filter(({ msg }) => msg === 'Sent a request to Graph');
  return new Map(
    lines.map(({ requestId, time, durationMs }) => {
      const heard = Date.parse(String(time));
      return [requestId, { sent: heard - Number(durationMs), heard }];
    }),
  );
}

/**
 * Requests that were sent after a 429, an inner one of a batch included, had been heard, and before its Retry-After
 * had passed: as `path: so many ms too early`. What was on its way already is none of them. The log is to be that of
 * the run that sent `records`, at the level `debug`.
 */
export function sentTooEarly(records: readonly RequestRecord[], log: JobOutcome['log']): string[] {
  const times = clientTimes(log);
  const holds = records.flatMap((record): Hold[] => {
    const refused = withInner([record]).filter(({ status }) => status === 429);
    const until = Math.max(0, ...refused.map(({ retryAfterUntil = 0 }) => retryAfterUntil));
    const heard = times.get(record.clientRequestId)?.heard;
    expect(heard, 'the log has every request').toBeDefined();
    return until === 0 || heard === undefined ? [] : [{ heard, until }];
  });
  return records.flatMap(({ at, path, clientRequestId }) => {
    const { sent = 0 } = times.get(clientRequestId) ?? {};
    const hold = holds.find(({ heard, until }) => sent > heard && at < until);
    return hold === undefined ? [] : [`${path}: ${hold.until - at} ms too early`];
  });
}

/** The page sizes that were asked for, in order, each run of equal ones once. */
export function pageSizes(records: readonly RequestRecord[]): number[] {
  const sizes = records.flatMap(({ prefer }) => {
    const size = prefer.map((one) => /^odata\.maxpagesize=(\d+)$/.exec(one)?.[1]).find(Boolean);
    return size === undefined ? [] : [Number(size)];
  });
  return sizes.filter((size, index) => size !== sizes[index - 1]);
}
