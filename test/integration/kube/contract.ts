// What the toolkit relies on in an API server. It runs against the scripted one, so that it does not drift, and against
// a real one, so that it is true.
import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { KubeClient } from '../../../kube/client.ts';
import { EventRecorder } from '../../../kube/events.ts';
import { acquireExclusive } from '../../../kube/exclusiveLease.ts';
import { LeaderElector } from '../../../kube/leaderElection.ts';
import { leases } from '../../../kube/leaseRecord.ts';
import { type Change, Reflector } from '../../../kube/reflector.ts';
import { events, namespaces } from '../../../kube/resource.ts';
import { type ConfigMap, configMap, configMaps, Turnstile } from './stage.ts';

export interface Ground {
  readonly client: KubeClient;
  /** An existing namespace in which nobody else is. */
  readonly namespace: string;
}

/** Declares the tests. `open` gives each its ground, and clears it away by itself. */
export function kubernetesContract(name: string, open: () => Promise<Ground>): void {
  describe(`the contract of the API, kept by ${name}: objects`, () => {
    objectTests(open);
    listTests(open);
    placeTests(open);
  });
  describe(`the contract of the API, kept by ${name}: server-side apply`, () => applyTests(open));
  describe(`the contract of the API, kept by ${name}: watches`, () => {
    watchTests(open);
    streamTests(open);
  });
  describe(`the contract of the API, kept by ${name}: Leases and Events`, () => leaseTests(open));
}

type Open = () => Promise<Ground>;

function objectTests(open: Open): void {
  it('are created once, read, replaced under their version, and deleted under their uid', async () => {
    const { client, namespace } = await open();
    const ref = { namespace, name: 'a' };
    const created = await client.create(configMaps, namespace, configMap('a', { x: '1' }, namespace));
    expect(created).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { x: '1' }, metadata: ref });
    const again = client.create(configMaps, namespace, configMap('a', {}, namespace));
    await expect(again).rejects.toMatchObject({ kind: 'alreadyExists', status: 409, uncertain: false });
    const replaced = await client.replace(configMaps, { ...created, data: { x: '2' } });
    expect(replaced.metadata.resourceVersion).not.toBe(created.metadata.resourceVersion);
    await expect(client.replace(configMaps, created)).rejects.toMatchObject({
      kind: 'conflict',
      status: 409,
    });
    const other = client.delete(configMaps, ref, { preconditions: { uid: randomUUID() } });
    await expect(other).rejects.toMatchObject({ kind: 'conflict' });
    await client.delete(configMaps, ref, { preconditions: { uid: created.metadata.uid ?? '' } });
    await expect(client.get(configMaps, ref)).rejects.toMatchObject({ kind: 'notFound', reason: 'NotFound' });
    await expect(client.delete(configMaps, ref)).rejects.toMatchObject({ kind: 'notFound' });
  });

  it('are patched: what is named changes, null removes, the rest stays', async () => {
    const { client, namespace } = await open();
    await client.create(configMaps, namespace, configMap('a', { x: '1', y: '1', z: '1' }, namespace));
    const patched = await client.mergePatch(
      configMaps,
      { namespace, name: 'a' },
      { data: { x: '2', y: null } },
    );
    expect(patched.data).toEqual({ x: '2', z: '1' });
  });
}

function listTests(open: Open): void {
  it('are listed in pages, by label and by name, whole or with metadata only', async () => {
    const { client, namespace } = await open();
    for (const name of ['a', 'b', 'c']) {
      const object = configMap(name, { x: '1' }, namespace);
      const metadata = { ...object.metadata, labels: { mine: 'yes', letter: name } };
      await client.create(configMaps, namespace, { ...object, metadata });
    }
    const query = { namespace, labelSelector: 'mine=yes', limit: 2 };
    const first = await client.list(configMaps, query);
    const second = await client.list(configMaps, { ...query, continue: first.continue });
    const found = [...first.items, ...second.items];
    expect([found.map(({ metadata }) => metadata.name), second.continue]).toEqual([
      ['a', 'b', 'c'],
      undefined,
    ]);
    expect(found.map(({ kind, data }) => [kind, data])).toEqual(found.map(() => ['ConfigMap', { x: '1' }]));
    const select = async (labelSelector: string): Promise<string[]> =>
      (await client.list(configMaps, { namespace, labelSelector })).items.map(
        ({ metadata }) => metadata.name,
      );
    expect(await select('letter in (a, c)')).toEqual(['a', 'c']);
    expect(await select('mine=yes,letter!=a')).toEqual(['b', 'c']);
    const bare = await client.list(configMaps, {
      namespace,
      fieldSelector: 'metadata.name=b',
      metadataOnly: true,
    });
    expect(bare.items.map(({ kind, metadata, data }) => [kind, metadata.name, data])).toEqual([
      ['ConfigMap', 'b', undefined],
    ]);
    const one = await client.get(configMaps, { namespace, name: 'a' }, { metadataOnly: true });
    expect([one.kind, one.metadata.labels?.['letter'], one.data]).toEqual(['ConfigMap', 'a', undefined]);
  });
}

function placeTests(open: Open): void {
  it('stay while a finalizer holds them', async () => {
    const { client, namespace } = await open();
    const object = configMap('a', {}, namespace);
    const finalizers = ['example.dev/hold'];
    await client.create(configMaps, namespace, { ...object, metadata: { ...object.metadata, finalizers } });
    const ref = { namespace, name: 'a' };
    await client.delete(configMaps, ref);
    const marked = await client.get(configMaps, ref);
    expect(marked.metadata.deletionTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    await client.mergePatch(configMaps, ref, { metadata: { finalizers: null } });
    await expect(client.get(configMaps, ref)).rejects.toMatchObject({ kind: 'notFound' });
  });

  it('of no namespace are found without one', async () => {
    const { client, namespace } = await open();
    const { metadata } = await client.get(namespaces, { name: namespace });
    expect(metadata.name).toBe(namespace);
  });
}

function applyTests(open: Open): void {
  it('creates, changes what it owns, removes what it no longer names, and leaves the rest', async () => {
    const { client, namespace } = await open();
    const apply = (data: Record<string, string>, fieldManager = 'one', force = false): Promise<ConfigMap> =>
      client.apply(configMaps, configMap('a', data, namespace), { fieldManager, force });
    expect((await apply({ x: '1', y: '1' })).data).toEqual({ x: '1', y: '1' });
    expect((await apply({ z: '1' }, 'two')).data).toEqual({ x: '1', y: '1', z: '1' });
    const changed = await apply({ x: '2' });
    expect(changed.data).toEqual({ x: '2', z: '1' });
    const same = await apply({ x: '2' });
    expect(same.metadata.resourceVersion).toBe(changed.metadata.resourceVersion);
    const refused = apply({ x: '3' }, 'two');
    await expect(refused).rejects.toMatchObject({ kind: 'conflict', causes: [{ field: '.data.x' }] });
    expect((await apply({ x: '3' }, 'two', true)).data).toEqual({ x: '3' });
  });

  it('judges a dry run as if it counted, and stores nothing of it', async () => {
    const { client, namespace } = await open();
    const dry = { fieldManager: 'two', dryRun: 'All' } as const;
    await client.apply(configMaps, configMap('new', { x: '1' }, namespace), dry);
    await expect(client.get(configMaps, { namespace, name: 'new' })).rejects.toMatchObject({
      kind: 'notFound',
    });
    const first = await client.apply(configMaps, configMap('a', { x: '1' }, namespace), {
      fieldManager: 'one',
    });
    const changed = configMap('a', { x: '2' }, namespace);
    await expect(client.apply(configMaps, changed, dry)).rejects.toMatchObject({ kind: 'conflict' });
    expect((await client.apply(configMaps, changed, { ...dry, force: true })).data).toEqual({ x: '2' });
    await expect(client.apply(configMaps, changed, dry)).rejects.toMatchObject({ kind: 'conflict' });
    expect(await client.get(configMaps, { namespace, name: 'a' })).toEqual(first);
  });
}

function watchTests(open: Open): void {
  it('a reflector sees what is there, what comes, changes and goes, and only what it selects', async () => {
    const { client, namespace } = await open();
    const turnstile = new Turnstile();
    const changes: Change<ConfigMap>[] = [];
    const labelSelector = 'mine=yes';
    const reflector = new Reflector<ConfigMap>({
      client,
      resource: configMaps,
      namespace,
      labelSelector,
      onChange: (change) => {
        changes.push(change);
        turnstile.turn();
      },
    });
    const put = (name: string, mine: string, data: Record<string, string> = {}): Promise<ConfigMap> => {
      const object = configMap(name, data, namespace);
      const metadata = { ...object.metadata, labels: { mine } };
      return client.apply(configMaps, { ...object, metadata }, { fieldManager: 'test' });
    };
    await put('a', 'yes');
    await put('hidden', 'no');
    const controller = new AbortController();
    const running = reflector.run(controller.signal);
    onTestFinished(() => {
      controller.abort();
      return running;
    });
    await reflector.synced();
    await put('b', 'yes');
    await put('b', 'yes', { x: '1' });
    await put('b', 'no');
    await client.delete(configMaps, { namespace, name: 'a' });
    await turnstile.until(() => changes.length === 5);
    expect(changes.map(({ key, object, previous }) => [key, object?.data, previous === undefined])).toEqual([
      [`${namespace}/a`, undefined, true],
      [`${namespace}/b`, undefined, true],
      [`${namespace}/b`, { x: '1' }, false],
      [`${namespace}/b`, undefined, false],
      [`${namespace}/a`, undefined, false],
    ]);
    expect(reflector.store.size).toBe(0);
  });
}

function streamTests(open: Open): void {
  it('a watch from a version shows what happened since', async () => {
    const { client, namespace } = await open();
    const { resourceVersion } = await client.list(configMaps, { namespace });
    await client.create(configMaps, namespace, configMap('a', { x: '1' }, namespace));
    await client.delete(configMaps, { namespace, name: 'a' });
    const controller = new AbortController();
    const query = { namespace, resourceVersion, fieldSelector: 'metadata.name=a', timeoutSeconds: 30 };
    const seen: string[] = [];
    for await (const { type, object } of client.watch(configMaps, query, controller.signal)) {
      seen.push(`${type} ${object.metadata.name} ${object.data?.['x'] ?? ''}`);
      if (seen.length === 2) controller.abort();
    }
    expect(seen).toEqual(['ADDED a 1', 'DELETED a 1']);
  });

  it('a watch ends when it was asked to', async () => {
    const { client, namespace } = await open();
    const { resourceVersion } = await client.list(configMaps, { namespace });
    const query = { namespace, resourceVersion, fieldSelector: 'metadata.name=nobody', timeoutSeconds: 1 };
    for await (const { type } of client.watch(configMaps, query, new AbortController().signal))
      expect(type).toBe('BOOKMARK');
  });
}

function leaseTests(open: Open): void {
  it('times with three digits are refused', async () => {
    const { client, namespace } = await open();
    const refused = client.create(leases, namespace, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { namespace, name: 'a' },
      spec: { holderIdentity: 'us', leaseDurationSeconds: 15, renewTime: new Date().toISOString() },
    });
    await expect(refused).rejects.toMatchObject({ kind: 'invalid' });
  });

  it('a leader is elected, and followed at once when it stops', async () => {
    const { client, namespace } = await open();
    const lead = async (identity: string): Promise<void> => {
      const elector = new LeaderElector({ client, namespace, name: 'leader', identity, retryPeriodMs: 50 });
      await elector.run(new AbortController().signal, () => Promise.resolve());
    };
    await lead('one');
    await lead('two');
    const { spec } = await client.get(leases, { namespace, name: 'leader' });
    expect(spec).toMatchObject({ holderIdentity: '', leaseTransitions: 2 });
  });

  it('an exclusive Lease goes from one to the next, and its epoch grows', async () => {
    const { client, namespace } = await open();
    const epochs: number[] = [];
    for (const identity of ['one', 'two']) {
      const { signal } = new AbortController();
      const options = { client, namespace, name: 'guard', identity, durationSeconds: 30, signal };
      const outcome = await acquireExclusive(options);
      if (!outcome.acquired) throw new Error(`Held by ${outcome.holder}`);
      epochs.push(outcome.lease.epoch);
      await outcome.lease.release();
    }
    expect(epochs).toEqual([1, 2]);
  });

  it('an Event is taken, and counted when it repeats', async () => {
    const { client, namespace } = await open();
    const about = await client.create(configMaps, namespace, configMap('a', {}, namespace));
    const recorder = new EventRecorder({
      client,
      reportingController: 'example.dev/test',
      reportingInstance: 'test-1',
    });
    const happening = { type: 'Warning', reason: 'Failed', action: 'Test', note: 'It failed' } as const;
    await recorder.record(about, happening);
    await recorder.record(about, happening);
    const { items } = await client.list(events, { namespace });
    const ours = items.filter((event) => 'reason' in event && event.reason === 'Failed');
    expect(ours).toMatchObject([{ ...happening, regarding: { name: 'a' }, series: { count: 2 } }]);
  });
}
