import { beforeEach, expect, test } from 'vitest';
import type { KubeObject } from '../../../kube/object.ts';
import { Expectations } from '../../../operator/act/expectations.ts';

const anna = 'team/anna';
const job = { provider: anna, kind: 'Job', key: 'team/job-1' };

let cached: Map<string, KubeObject>;
let now: number;
let expectations: Expectations;

function show(kind: string, key: string, resourceVersion: string, more: object = {}): void {
  const name = key.split('/')[1] ?? '';
  const metadata = { name, namespace: 'team', uid: 'uid-1', resourceVersion, ...more };
  const object: KubeObject = { apiVersion: 'v1', kind, metadata };
  const previous = cached.get(`${kind} ${key}`);
  cached.set(`${kind} ${key}`, object);
  expectations.noticed(kind, { key, object, previous });
}

function hide(kind: string, key: string): void {
  const previous = cached.get(`${kind} ${key}`);
  cached.delete(`${kind} ${key}`);
  expectations.noticed(kind, { key, object: undefined, previous });
}

beforeEach(() => {
  cached = new Map();
  now = 0;
  expectations = new Expectations(
    (kind, key) => cached.get(`${kind} ${key}`),
    () => now,
  );
});

test('a provider waits until the cache shows what was written', () => {
  expectations.written(job, '100');
  expect(expectations.pendingMs(anna)).toBeGreaterThan(0);
  show('Job', job.key, '100');
  expect(expectations.pendingMs(anna)).toBeUndefined();
});

test('what the cache shows by then is not waited for', () => {
  show('Job', job.key, '101');
  expectations.written(job, '100');
  expect(expectations.pendingMs(anna)).toBeUndefined();
});

test('an older version is not enough, whatever its number of digits', () => {
  expectations.written(job, '1000');
  show('Job', job.key, '999');
  expect(expectations.pendingMs(anna)).toBeGreaterThan(0);
  show('Job', job.key, '1001');
  expect(expectations.pendingMs(anna)).toBeUndefined();
});

test('an object that exists already is waited for in any version', () => {
  expectations.written(job, undefined);
  expect(expectations.pendingMs(anna)).toBeGreaterThan(0);
  show('Job', job.key, '5');
  expect(expectations.pendingMs(anna)).toBeUndefined();
});

test('an object that is gone by the time it is seen is not waited for', () => {
  expectations.written(job, '100');
  hide('Job', job.key);
  expect(expectations.pendingMs(anna)).toBeUndefined();
});

test('a deletion is waited for until the object is on its way out, or another has its name', () => {
  show('Job', job.key, '100');
  expectations.deleted(job, 'uid-1');
  show('Job', job.key, '101');
  expect(expectations.pendingMs(anna)).toBeGreaterThan(0);
  show('Job', job.key, '102', { deletionTimestamp: '2026-11-25T00:00:00Z' });
  expect(expectations.pendingMs(anna)).toBeUndefined();
  show('Job', job.key, '103', { uid: 'uid-1', deletionTimestamp: undefined });
  expectations.deleted(job, 'uid-1');
  show('Job', job.key, '104', { uid: 'uid-2' });
  expect(expectations.pendingMs(anna)).toBeUndefined();
});

test('one provider does not wait for what was written for another', () => {
  expectations.written(job, '100');
  expect(expectations.pendingMs('team/berta')).toBeUndefined();
});

test('several writes are all waited for', () => {
  const lease = { provider: anna, kind: 'Lease', key: 'team/lease-1' };
  expectations.written(job, '100');
  expectations.written(lease, '101');
  show('Lease', lease.key, '101');
  expect(expectations.pendingMs(anna)).toBeGreaterThan(0);
  show('Job', job.key, '100');
  expect(expectations.pendingMs(anna)).toBeUndefined();
});

test('what never shows up is given up in time', () => {
  expectations.written(job, '100');
  const wait = expectations.pendingMs(anna) ?? 0;
  now = wait - 1;
  expect(expectations.pendingMs(anna)).toBe(1);
  now = wait;
  expect(expectations.pendingMs(anna)).toBeUndefined();
});

test('nothing is expected for a provider that is gone', () => {
  expectations.written(job, '100');
  expectations.forget(anna);
  expect(expectations.pendingMs(anna)).toBeUndefined();
});
