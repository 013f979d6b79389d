// The termination message: one line that the other side can read, and that a node keeps whole.
import { expect, it } from 'vitest';
import { runReport } from '../../../api/runReport.ts';
import { reportOf, terminationLine } from '../../../job/report.ts';

const times = { startedAt: new Date(0), finishedAt: new Date(1_500) };

it('has everything that is asked for, even of a run that failed at once', () => {
  const line = terminationLine(
    reportOf({ status: 'error', error: { code: 'A', message: 'b' } }, times, null),
  );
  expect(runReport.parse(JSON.parse(line))).toEqual({
    status: 'error',
    reported: false,
    providerId: null,
    upserted: 0,
    removed: 0,
    stored: null,
    cursor: 'None',
    attempts: 1,
    durationMs: 1_500,
    startedAt: '1970-01-01T00:00:00.000Z',
    finishedAt: '1970-01-01T00:00:01.500Z',
    error: { code: 'A', message: 'b' },
  });
});

it.each(['plain ', 'über ', '漢', '"', '\u0001'])('stays below 4 kB with a message of many %j', (part) => {
  const error = { code: 'ConfigurationInvalid', message: part.repeat(10_000) };
  const line = terminationLine(reportOf({ status: 'error', error }, times, null));
  expect(Buffer.byteLength(line)).toBeLessThan(4_096);
  expect(line).not.toContain('\n');
  const { message } = runReport.parse(JSON.parse(line)).error ?? {};
  expect(message?.length).toBeGreaterThan(300);
  expect(error.message.startsWith(message ?? 'none')).toBe(true);
});
