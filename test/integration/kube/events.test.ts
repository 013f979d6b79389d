import { describe, expect, it } from 'vitest';
import { EventRecorder, type Happening } from '../../../kube/events.ts';
import type { KubeObject } from '../../../kube/object.ts';
import { ManualClock } from '../../harness/apiServer/manualClock.ts';
import type { StoredObject } from '../../harness/apiServer/objectStore.ts';
import { openStage, type Stage } from './stage.ts';

interface Scene extends Stage {
  readonly clock: ManualClock;
  readonly recorder: EventRecorder;
  readonly all: () => StoredObject[];
  readonly said: object[];
}

async function openScene(): Promise<Scene> {
  const stage = await openStage();
  const clock = new ManualClock(Date.UTC(2026, 1, 2, 3, 4, 5, 678));
  const said: object[] = [];
  const nothing = (): void => undefined;
  const log = { debug: nothing, info: nothing, error: nothing, warn: (fields: object) => said.push(fields) };
  const who = { reportingController: 'example.dev/controller', reportingInstance: 'pod-1' };
  const recorder = new EventRecorder({ client: stage.client, clock, log, ...who });
  return { ...stage, clock, recorder, said, all: () => stage.server.store.all('events.k8s.io/v1/events') };
}

const regarding: KubeObject = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { namespace: 'default', name: 'a', uid: 'u-1' },
};
const failed: Happening = { type: 'Warning', reason: 'Failed', action: 'Run', note: 'It failed' };

describe('an event recorder', () => {
  it('writes an Event that the API server takes, with six digits in its time', async () => {
    const { recorder, all } = await openScene();
    await recorder.record(regarding, failed);
    expect(all()).toMatchObject([
      {
        ...failed,
        eventTime: '2026-02-02T03:04:05.678000Z',
        reportingController: 'example.dev/controller',
        reportingInstance: 'pod-1',
        regarding: { apiVersion: 'batch/v1', kind: 'Job', name: 'a', namespace: 'default', uid: 'u-1' },
        metadata: { namespace: 'default' },
      },
    ]);
  });

  it('counts what repeats within ten minutes, instead of saying it again', async () => {
    const { recorder, all, clock } = await openScene();
    for (let i = 0; i < 3; i += 1) {
      await recorder.record(regarding, failed);
      clock.advance(599_000);
    }
    expect(all()).toHaveLength(1);
    expect(all()[0]?.['series']).toEqual({ count: 3, lastObservedTime: '2026-02-02T03:24:03.678000Z' });
    clock.advance(1_000);
    await recorder.record(regarding, failed);
    expect(all()).toHaveLength(2);
  });

  it('counts also what repeats before the first is written', async () => {
    const { recorder, all } = await openScene();
    void recorder.record(regarding, failed);
    void recorder.record(regarding, failed);
    await recorder.flush();
    expect(all()).toMatchObject([{ series: { count: 2 } }]);
  });

  it.each([
    ['another object', { ...regarding, metadata: { ...regarding.metadata, uid: 'u-2' } }, failed],
    ['another reason', regarding, { ...failed, reason: 'Throttled' }],
    ['another note', regarding, { ...failed, note: 'It failed again' }],
    ['another type', regarding, { ...failed, type: 'Normal' as const }],
  ])('takes %s for another Event', async (_name, object, happening) => {
    const { recorder, all, clock } = await openScene();
    await recorder.record(regarding, failed);
    clock.chance = 0.5;
    await recorder.record(object, happening);
    expect(all()).toHaveLength(2);
  });

  it('begins anew when its Event has expired', async () => {
    const { recorder, all, server, clock } = await openScene();
    await recorder.record(regarding, failed);
    for (const event of all()) server.store.delete('events.k8s.io/v1/events', event);
    clock.chance = 0.5;
    await recorder.record(regarding, failed);
    expect(all()).toHaveLength(1);
    expect(all()[0]).not.toHaveProperty('series');
  });

  it('cuts a note to 1 kB, at a whole character', async () => {
    const { recorder, all } = await openScene();
    await recorder.record(regarding, { ...failed, note: `x${'€'.repeat(1_000)}` });
    const note = String(all()[0]?.['note']);
    expect(note).toMatch(/^x€+…$/);
    expect(Buffer.byteLength(note)).toBeGreaterThan(1_020);
  });

  it('gives an Event about a long name a name that is one', async () => {
    const { recorder, all } = await openScene();
    const name = `${'a'.repeat(218)}-.b${'c'.repeat(30)}`;
    await recorder.record({ ...regarding, metadata: { ...regarding.metadata, name } }, failed);
    expect(all()[0]?.metadata.name).toMatch(/^a{218}\.[0-9a-f]+$/);
  });

  it('puts an Event about what is in no namespace into default', async () => {
    const { recorder, all } = await openScene();
    await recorder.record({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n', uid: 'u-3' } }, failed);
    expect(all()).toMatchObject([
      { metadata: { namespace: 'default' }, regarding: { kind: 'Node', name: 'n' } },
    ]);
  });

  it('swallows what fails, with a word in the log that holds no note, and goes on', async () => {
    const { recorder, all, server, said } = await openScene();
    server.fault({ method: 'POST', status: 403 });
    server.fault({ method: 'POST', reset: true });
    await recorder.record(regarding, failed);
    await recorder.record(regarding, failed);
    await recorder.record(regarding, failed);
    expect(said).toEqual([
      { kind: 'forbidden', reason: 'Failed' },
      { kind: 'network', reason: 'Failed' },
    ]);
    expect(all()).toHaveLength(1);
  });
});
