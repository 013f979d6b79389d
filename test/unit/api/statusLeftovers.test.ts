import { expect, test } from 'vitest';
import { leftoversPatch } from '../../../api/statusLeftovers.ts';

const operator = 'outlook-sync-operator';
const job = 'outlook-sync-job';
const ready = { type: 'Ready', status: 'True' };
const synced = { type: 'Synced', status: 'True' };
const stalled = { type: 'Stalled', status: 'True' };

test('a status in which a writer finds what it wants is left as it is', () => {
  const status = {
    phase: 'Connected',
    nextSyncAt: 'later',
    lastSyncError: 'of the job',
    conditions: [ready, synced],
  };
  const wanted = { phase: 'Connected', nextSyncAt: 'later', conditions: [ready] };
  expect(leftoversPatch(status, wanted, operator)).toBeNull();
});

test('a condition of ours that somebody else has set is taken away, and no other', () => {
  const weird = { type: 'Weird', status: 'True' };
  const status = { conditions: [ready, stalled, synced, weird] };
  const wanted = { conditions: [ready] };
  expect(leftoversPatch(status, wanted, operator)).toEqual({ conditions: [ready, synced, weird] });
  expect(leftoversPatch(status, { conditions: [synced] }, job)).toBeNull();
});

test('a field of ours that somebody else has set is taken away by its writer', () => {
  const status = { lastSyncError: 'junk', nextSyncAt: 'never', conditions: [] };
  expect(leftoversPatch(status, { conditions: [] }, job)).toEqual({ lastSyncError: null });
  expect(leftoversPatch(status, { conditions: [] }, operator)).toEqual({ nextSyncAt: null });
});
