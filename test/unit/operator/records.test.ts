import { expect, test } from 'vitest';
import type { KubeObject } from '../../../kube/object.ts';
import { TextPacker } from '../../../operator/observe/packedText.ts';
import {
  cronJobOf,
  reduceCronJob,
  reduceJob,
  reducePod,
  reduceProvider,
  reduceSecret,
} from '../../../operator/observe/records.ts';

const meta = {
  name: 'anna',
  namespace: 'team',
  uid: 'uid-1',
  resourceVersion: '7',
  creationTimestamp: '2026-11-25T00:00:00Z',
};
const owner = { apiVersion: 'v1', kind: 'X', name: 'x', uid: 'uid-x', controller: true };

function raw(more: object, metadata: object = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'X', metadata: { ...meta, ...metadata }, ...more };
}

test('of a provider only what decides is kept', () => {
  const spec = { emailAddress: 'anna@contoso.com', owner: { userId: 'u1' } };
  const annotations = {
    'kubectl.kubernetes.io/last-applied-configuration': 'long',
    'outlooksync.dev/sync-requested-at': 'now',
  };
  const kept = reduceProvider(
    raw({ spec, status: { phase: 'Pending' } }, { annotations, labels: { a: 'b' } }),
  );
  expect(kept.metadata.annotations).toEqual({ 'outlooksync.dev/sync-requested-at': 'now' });
  expect(kept.metadata).not.toHaveProperty('labels');
  expect(JSON.parse(kept.specJson)).toEqual(spec);
  expect(JSON.parse(kept.statusJson)).toEqual({ phase: 'Pending' });
});

test('of a Secret no value is kept, even if one were sent', () => {
  const secret = reduceSecret(raw({ data: { refreshToken: 'c2VjcmV0' } }));
  expect(JSON.stringify(secret)).not.toContain('c2VjcmV0');
});

test('a CronJob keeps its whole spec, and whose it is', () => {
  const spec = { schedule: '* * * * *', fromANewerServer: true };
  const record = reduceCronJob(
    raw({ spec }, { ownerReferences: [owner], annotations: { 'outlooksync.dev/provider': 'anna' } }),
  );
  const observed = cronJobOf(record);
  expect(JSON.parse(observed.specJson)).toEqual(spec);
  expect(observed.controllerUid).toBe('uid-x');
  expect(record.provider).toBe('anna');
});

test('a CronJob without an owner tells by our marks for whom it was made', () => {
  const annotations = { 'outlooksync.dev/provider': 'anna' };
  const labels = { 'app.kubernetes.io/managed-by': 'outlook-sync' };
  const orphanOf = (metadata: object) => cronJobOf(reduceCronJob(raw({}, metadata))).orphanOf;
  expect(orphanOf({ annotations, labels })).toBe('anna');
  expect(orphanOf({ annotations, labels, ownerReferences: [owner] })).toBeUndefined();
  expect(orphanOf({ annotations })).toBeUndefined();
  expect(orphanOf({ labels })).toBeUndefined();
});

test('texts that are much alike are packed small and unpacked as they were', () => {
  const packer = new TextPacker();
  const textOf = (number: number) => JSON.stringify({ number, words: 'Größe … '.repeat(50), spec: longSpec });
  const longSpec = Array.from({ length: 100 }, (_, index) => ({ name: `VARIABLE_${index * 7919}` }));
  const packed = [1, 2, 3].map((number) => packer.pack(textOf(number)));
  expect(packed.map((one) => packer.unpack(one))).toEqual([1, 2, 3].map(textOf));
  for (const one of packed.slice(1)) expect(one.length).toBeLessThan(textOf(1).length / 20);
});

const environment = [
  { name: 'OUTLOOK_PROVIDER_GENERATION', value: '3' },
  { name: 'DATABASE_URL', valueFrom: { secretKeyRef: { name: 'outlook-sync', key: 'DATABASE_URL' } } },
];
const jobSpec = { template: { spec: { containers: [{ name: 'job', env: environment }] } } };

test.each([
  [{}, { phase: 'active', finishedAt: null, failureReason: null }],
  [
    { completionTime: '2026-11-25T00:01:00Z', conditions: [{ type: 'Complete', status: 'True' }] },
    { phase: 'complete', finishedAt: '2026-11-25T00:01:00Z', failureReason: null },
  ],
  [
    {
      conditions: [
        {
          type: 'Failed',
          status: 'True',
          reason: 'DeadlineExceeded',
          lastTransitionTime: '2026-11-25T00:02:00Z',
        },
      ],
    },
    { phase: 'failed', finishedAt: '2026-11-25T00:02:00Z', failureReason: 'DeadlineExceeded' },
  ],
  [{ conditions: [{ type: 'Failed', status: 'False' }] }, { phase: 'active', finishedAt: null }],
  [
    { conditions: [{ type: 'FailureTarget', status: 'True', reason: 'DeadlineExceeded' }] },
    { phase: 'active', finishedAt: null, failureReason: 'DeadlineExceeded' },
  ],
])('a Job with the status %j', (status, expected) => {
  const { observed } = reduceJob(
    raw(
      { spec: jobSpec, status },
      {
        labels: { 'outlooksync.dev/trigger': 'backfill' },
        annotations: { 'outlooksync.dev/credentials-version': 'a/1' },
      },
    ),
  );
  expect(observed).toMatchObject(expected);
  expect(observed).toMatchObject({ trigger: 'backfill', generation: 3, credentialsVersion: 'a/1' });
});

test.each([
  [
    {
      phase: 'Pending',
      containerStatuses: [{ name: 'job', state: { waiting: { reason: 'ImagePullBackOff' } } }],
    },
    { phase: 'Pending', waitingReason: 'ImagePullBackOff', exitCode: null },
  ],
  [
    {
      phase: 'Failed',
      containerStatuses: [
        { name: 'sidecar', state: { terminated: { exitCode: 1 } } },
        {
          name: 'job',
          state: { terminated: { exitCode: 137, reason: 'OOMKilled', message: 'm', finishedAt: 't' } },
        },
      ],
    },
    { exitCode: 137, terminatedReason: 'OOMKilled', terminationMessage: 'm', finishedAt: 't' },
  ],
  [
    {
      phase: 'Failed',
      reason: 'Evicted',
      conditions: [{ type: 'DisruptionTarget', status: 'True' }],
    },
    { phase: 'Failed', reason: 'Evicted', disrupted: true, exitCode: null },
  ],
])('a Pod with the status %j', (status, expected) => {
  const { observed } = reducePod(raw({ status }, { labels: { 'batch.kubernetes.io/job-name': 'job-1' } }));
  expect(observed).toMatchObject({ ...expected, jobName: 'job-1' });
});

test.each([undefined, null, 'text', 7, [], { conditions: 'x', containerStatuses: 7, phase: {} }])(
  'a spec and a status that cannot be read count as absent: %j',
  (bad) => {
    const broken = raw({ spec: bad, status: bad });
    expect(reduceJob(broken).observed).toMatchObject({ phase: 'active', generation: 0, trigger: null });
    expect(reducePod(broken).observed).toMatchObject({ phase: 'Unknown', exitCode: null });
    expect(() => reduceProvider(broken)).not.toThrow();
    expect(() => reduceCronJob(broken)).not.toThrow();
  },
);
