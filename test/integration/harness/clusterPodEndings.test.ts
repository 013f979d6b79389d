// How Pods on the process node end: deleted, out of time, refused, or with the node itself.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PodTrials, TRIAL_IMAGE, endOf, script, startTrials } from '../../harness/cluster/podTrials.ts';
import { type ProcessNode, startProcessNode } from '../../harness/cluster/processNode.ts';
import {
  SHARED_START_TIMEOUT_MS,
  type SharedControlPlane,
  sharedControlPlane,
} from '../../harness/cluster/shared.ts';

const NAMESPACE = 'pod-endings';
// A finalizer keeps the object, so that its last status can be read.
const KEPT = { finalizers: ['example.com/kept'] };
const FOREVER = 'while :; do sleep 0.1; done';
let cluster: SharedControlPlane;
let trials: PodTrials;
let node: ProcessNode;

beforeAll(async () => {
  cluster = await sharedControlPlane();
  trials = await startTrials(cluster, NAMESPACE);
  node = await startNode(NAMESPACE);
}, SHARED_START_TIMEOUT_MS);
afterAll(async () => {
  await trials.kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']);
  await node.stop();
});

async function startNode(namespace: string, maxPods = 20): Promise<ProcessNode> {
  return startProcessNode({
    kubeconfig: cluster.kubeconfig,
    images: { [TRIAL_IMAGE]: {} },
    serves: (one) => one === namespace,
    maxPods,
    retryMs: 200,
  });
}

/** Resolves when the Pod has written the words. */
async function saying(pod: string, words: string): Promise<void> {
  await expect.poll(() => node.logs(NAMESPACE, pod), { timeout: 20_000 }).toContain(words);
}

async function letGo(pod: string): Promise<void> {
  await trials.kubectl(['patch', 'pod', pod, '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
  await trials.kubectl(['wait', `pod/${pod}`, '--for=delete', '--timeout=20s']);
}

describe('a Pod that is deleted', () => {
  it('may end in its own way within its grace period', async () => {
    const text = `trap 'echo asked; exit 3' TERM; echo ready; ${FOREVER}`;
    const pod = await trials.createPod(script(text), {}, KEPT);
    await saying(pod, 'ready');
    await trials.kubectl(['delete', 'pod', pod, '--wait=false']);
    const status = await trials.phase(pod, 'Failed');
    expect(endOf(status)).toMatchObject({ exitCode: 3, reason: 'Error' });
    await expect(node.logs(NAMESPACE, pod)).resolves.toBe('ready\nasked\n');
    await letGo(pod);
  });

  it('is killed after that, its children too', async () => {
    const text = `trap '' TERM; sleep 1000 & echo child $!; ${FOREVER}`;
    const pod = await trials.createPod(script(text), {}, KEPT);
    await saying(pod, 'child');
    await trials.kubectl(['delete', 'pod', pod, '--wait=false', '--grace-period=1']);
    const status = await trials.phase(pod, 'Failed');
    expect(endOf(status)).toMatchObject({ exitCode: 137, reason: 'Error' });
    const child = Number(/child (\d+)/.exec(await node.logs(NAMESPACE, pod))?.[1]);
    await expect.poll(() => isRunning(child)).toBe(false);
    await letGo(pod);
  });

  it('is gone at once where it is forced, and so is its process', async () => {
    const pod = await trials.createPod(script(`trap '' TERM; echo self $$; ${FOREVER}`));
    await saying(pod, 'self');
    const pid = Number(/self (\d+)/.exec(await node.logs(NAMESPACE, pod))?.[1]);
    await trials.kubectl(['delete', 'pod', pod, '--force']);
    await expect.poll(() => isRunning(pid)).toBe(false);
  });

  it('before it could start goes without having run', async () => {
    const env = [{ name: 'A', valueFrom: { secretKeyRef: { name: 'never', key: 'a' } } }];
    const pod = await trials.createPod({ ...script('echo ran'), env });
    await trials.until(pod, '{.status.containerStatuses[0].state.waiting.reason}=CreateContainerConfigError');
    await trials.kubectl(['delete', 'pod', pod, '--timeout=20s']);
    await expect(node.logs(NAMESPACE, pod)).resolves.toBe('');
  });
});

describe('a Pod that ends otherwise', () => {
  it('fails with its deadline, whatever its process says', async () => {
    const text = `trap 'exit 0' TERM; ${FOREVER}`;
    const pod = await trials.createPod(script(text), { activeDeadlineSeconds: 1 });
    const status = await trials.phase(pod, 'Failed');
    expect(status.reason).toBe('DeadlineExceeded');
    expect(endOf(status)?.exitCode).toBe(0);
  });

  it.each([
    ['a host path', { volumes: [{ name: 'v', hostPath: { path: '/' } }] }, 'volume v (hostPath)'],
    ['an init container', { initContainers: [{ name: 'i', image: TRIAL_IMAGE }] }, 'init containers'],
  ])('is refused with %s', async (_, spec, message) => {
    const pod = await trials.createPod(script('echo ran'), spec);
    const status = await trials.phase(pod, 'Failed');
    expect(status.reason).toBe('UnsupportedByProcessNode');
    expect(status.message).toContain(message);
    await expect(node.logs(NAMESPACE, pod)).resolves.toBe('');
  });
});

describe('a node', () => {
  it('takes no more Pods than it may, and the next when one has ended', async () => {
    const few = await startTrials(cluster, 'pod-endings-few');
    const small = await startNode('pod-endings-few', 1);
    const now = 'node -p "Date.now()"';
    const first = await few.createPod(script(`trap 'sleep 0.5; ${now}; exit 0' TERM; ${FOREVER}`));
    await few.phase(first, 'Running');
    const second = await few.createPod(script(now));
    await few.kubectl(['delete', 'pod', first, '--timeout=20s']);
    await few.phase(second, 'Succeeded');
    const [end, start] = await Promise.all([first, second].map((pod) => small.logs('pod-endings-few', pod)));
    expect(Number(end)).toBeGreaterThan(0);
    expect(Number(start)).toBeGreaterThan(Number(end));
    await small.stop();
    await few.kubectl(['delete', 'namespace', 'pod-endings-few', '--wait=false']);
  });

  it('that is stopped asks its Pods to end, says so, and is gone', async () => {
    const some = await startTrials(cluster, 'pod-endings-stop');
    const stopped = await startNode('pod-endings-stop');
    const pod = await some.createPod(script(`trap 'echo asked; exit 0' TERM; echo ready; ${FOREVER}`));
    await expect.poll(() => stopped.logs('pod-endings-stop', pod), { timeout: 20_000 }).toContain('ready');
    await stopped.stop();
    const status = await some.phase(pod, 'Failed');
    expect(status.reason).toBe('Terminated');
    await expect(some.kubectl(['get', 'node', stopped.name])).rejects.toThrow('not found');
    await some.kubectl(['delete', 'namespace', 'pod-endings-stop', '--wait=false']);
  });

  it('that is lost takes its processes along and leaves the Pods as they were', async () => {
    const some = await startTrials(cluster, 'pod-endings-lost');
    const lost = await startNode('pod-endings-lost');
    const pod = await some.createPod(script(`trap '' TERM; echo self $$; ${FOREVER}`));
    await expect.poll(() => lost.logs('pod-endings-lost', pod), { timeout: 20_000 }).toContain('self');
    await some.phase(pod, 'Running');
    const pid = Number(/self (\d+)/.exec(await lost.logs('pod-endings-lost', pod))?.[1]);
    await lost.kill();
    await expect.poll(() => isRunning(pid)).toBe(false);
    expect((await some.phase(pod, 'Running')).phase).toBe('Running');
    await some.kubectl(['delete', 'node', lost.name]);
    await some.kubectl(['delete', 'pod', pod, '--force']);
    await some.kubectl(['delete', 'namespace', 'pod-endings-lost', '--wait=false']);
  });
});

/** A zombie has ended; whoever adopted it may not have noticed. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
