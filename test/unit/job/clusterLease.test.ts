import { expect, it } from 'vitest';
import { promisedSeconds } from '../../../job/cluster/join.ts';

it.each([
  [60, 720, 60],
  [60, 24, 12],
  [3600, 720, 360],
  [3600, 10, 5],
])(
  'a Lease of %i s in a run of %i s is promised for %i s: the next run can outlast it',
  (lease, run, promised) => {
    const times = { OUTLOOK_SYNC_LEASE_SECONDS: lease, OUTLOOK_SYNC_DEADLINE_SECONDS: run };
    expect(promisedSeconds(times)).toBe(promised);
  },
);
