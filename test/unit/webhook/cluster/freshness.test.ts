// What a write that was kept proves of a watch.
import { beforeEach, expect, it } from 'vitest';
import { type Begun, Freshness } from '../../../../webhook/cluster/freshness.ts';
import { ManualClock } from '../../../harness/apiServer/manualClock.ts';

let clock: ManualClock;
let watch: { isWatching: boolean; resourceVersion: string | undefined };
let freshness: Freshness;

beforeEach(() => {
  clock = new ManualClock();
  watch = { isWatching: true, resourceVersion: '9' };
  freshness = new Freshness(watch, clock, 500);
});

const begin = (): Begun => ({ at: clock.monotonic(), shown: watch.resourceVersion });

/** A write that takes so long. */
function write(version: string | undefined, ms = 0): void {
  const begun = begin();
  clock.advance(ms);
  freshness.kept(begun, version);
}

it('nothing, before the watch has come to it', () => {
  write('12');
  watch.resourceVersion = '11';
  expect(freshness.at).toBe(-Infinity);
});

it.each(['12', '13', '100'])('all that was kept before it began, once the watch is at %s', (version) => {
  clock.advance(1_000);
  write('12', 300);
  watch.resourceVersion = version;
  expect(freshness.at).toBe(1_000);
});

it.each([
  ['one that changed nothing', '9', '9'],
  ['one of a cluster that was restored from a backup', '9', '5'],
  ['one whose version is missing', '9', undefined],
  ['one whose version is no number', '9', 'x'],
  ['one that was begun when nothing was known', undefined, '12'],
])('nothing, by %s', (_what, shown, version) => {
  watch.resourceVersion = shown;
  write(version);
  watch.resourceVersion = version ?? '12';
  expect(freshness.at).toBe(-Infinity);
});

it('ever more, while writes never cease and the watch is always a little behind', () => {
  for (let version = 10; version < 2_000; version += 1) {
    clock.advance(10);
    write(String(version));
    watch.resourceVersion = String(version - 5);
    expect(clock.monotonic() - freshness.at <= 200 || version < 20).toBe(true);
  }
});

it('never less than before', () => {
  const slow = begin();
  clock.advance(100);
  write('12');
  freshness.kept(slow, '13');
  watch.resourceVersion = '13';
  expect(freshness.at).toBe(100);
});

it('nothing new for as long as one before it has to be shown, unless that is of no use any more', () => {
  write('1000');
  clock.advance(5_000);
  write('12');
  watch.resourceVersion = '12';
  expect(freshness.at).toBe(5_000);
});

it('is waited for until it is there, and for a moment only', async () => {
  expect(freshness.hope).toBeNull();
  freshness.expect();
  const first = freshness.hope;
  freshness.expect();
  expect(freshness.hope).toBe(first);
  write('12');
  watch.resourceVersion = '12';
  freshness.noticed();
  await first;
  expect(freshness.hope).toBeNull();
  expect(clock.pending()).toEqual([]);
  freshness.expect();
  const second = freshness.hope;
  clock.advance(500);
  await second;
  expect(freshness.hope).toBeNull();
});

it('is not taken for there because of a write that began before it', () => {
  write('12');
  clock.advance(1_000);
  freshness.expect();
  watch.resourceVersion = '12';
  const begun = begin();
  freshness.kept(begun, '14');
  expect(freshness.at).toBe(0);
  expect(freshness.hope).not.toBeNull();
});
