// The tests' control plane is a real one, and may be disturbed as one.
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../harness/cluster/controlPlane.ts';
import { TRIAL_IMAGE, script, startTrials } from '../../harness/cluster/podTrials.ts';
import { startProcessNode } from '../../harness/cluster/processNode.ts';
import {
  SHARED_START_TIMEOUT_MS,
  type SharedControlPlane,
  sharedControlPlane,
} from '../../harness/cluster/shared.ts';

describe('a control plane of its own', () => {
  let plane: ControlPlane;

  beforeAll(async () => {
    plane = await startControlPlane({ auditLog: true, watchCache: false });
  }, SHARED_START_TIMEOUT_MS);
  afterAll(() => plane.stop());

  async function kubectl(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await plane.kubectl(args);
    if (code !== 0) throw new Error(stderr);
    return stdout.trim();
  }

  it('refuses what RBAC does not allow, and lets a service account do what it does', async () => {
    const as = '--as=system:serviceaccount:default:default';
    await expect(kubectl('get', 'secrets', as)).rejects.toThrow('is forbidden');
    await kubectl('create', 'role', 'reader', '--verb=list', '--resource=secrets');
    await kubectl('create', 'rolebinding', 'reader', '--role=reader', '--serviceaccount=default:default');
    const token = await kubectl('create', 'token', 'default');
    await expect(kubectl('get', 'secrets', `--token=${token}`)).resolves.toBe('');
  });

  it('lets a client trust it by its CA file alone', async () => {
    const ca = await readFile(plane.caFile, 'utf8');
    expect(ca.match(/BEGIN CERTIFICATE/g)).toHaveLength(1);
    const config = await kubectl('get', 'configmap', 'kube-root-ca.crt', '-o', 'jsonpath={.data.ca\\.crt}');
    expect(config).toBe(ca.trim());
  });

  it('makes a Pod of a Job, and removes both with their owner', async () => {
    await kubectl('create', 'job', 'one', '--image=none');
    await kubectl('wait', '--for=create', 'pod', '-l', 'job-name=one', '--timeout=30s');
    await kubectl('delete', 'job', 'one', '--cascade=foreground', '--timeout=30s');
    await expect(kubectl('get', 'pods', '-l', 'job-name=one', '-o', 'name')).resolves.toBe('');
  });

  it('keeps its data when the API server is killed and started again', async () => {
    await kubectl('create', 'configmap', 'kept', '--from-literal=a=b');
    await plane.apiServer.kill();
    await expect(kubectl('get', 'configmap', 'kept')).rejects.toThrow('refused');
    await plane.apiServer.start();
    await expect(kubectl('get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}')).resolves.toBe('b');
  });

  it('is silent while paused, and goes on when resumed', async () => {
    plane.apiServer.pause();
    await expect(kubectl('get', 'ns', '--request-timeout=1s')).rejects.toThrow(/timeout|deadline/i);
    plane.apiServer.resume();
    await expect(kubectl('get', 'ns', '-o', 'name')).resolves.toContain('namespace/default');
  });

  it('forgets former versions when compacted', async () => {
    const read = (version: string): Promise<string> =>
      kubectl('get', '--raw', `/api/v1/configmaps?resourceVersion=${version}&resourceVersionMatch=Exact`);
    const list = JSON.parse(await kubectl('get', '--raw', '/api/v1/configmaps')) as {
      metadata: { resourceVersion: string };
    };
    const before = list.metadata.resourceVersion;
    await expect(read(before)).resolves.toContain('ConfigMapList');
    await kubectl('create', 'configmap', 'later');
    await plane.compactEtcd();
    await expect(read(before)).rejects.toThrow(/too old|compacted|expired/i);
  });

  it('tells who wrote what', async () => {
    await kubectl('create', 'configmap', 'audited');
    const lines = await plane.auditLines();
    expect(lines.filter(({ name }) => name === 'audited')).toMatchObject([
      { verb: 'create', resource: 'configmaps', namespace: 'default', code: 201, user: 'admin' },
    ]);
    expect(lines.some(({ userAgent }) => userAgent.startsWith('kube-controller-manager'))).toBe(true);
  });

  it('learns of a Pod that has ended on the process node while it was away', async () => {
    const node = await startProcessNode({
      kubeconfig: plane.kubeconfig,
      images: { [TRIAL_IMAGE]: {} },
      retryMs: 200,
    });
    const trials = await startTrials(plane, 'outage');
    const pod = await trials.createPod(
      script('echo "$TMPDIR"; while [ ! -e "$TMPDIR/end" ]; do sleep 0.1; done'),
    );
    await trials.phase(pod, 'Running');
    await plane.apiServer.kill();
    const folder = (await node.logs('outage', pod)).trim();
    await writeFile(join(folder, 'end'), '');
    await plane.apiServer.start();
    await trials.phase(pod, 'Succeeded');
    await node.stop();
  });

  it('leaves nothing when it is stopped', async () => {
    const other = await startControlPlane();
    const pids = [other.apiServer.pid(), other.controllerManager.pid()];
    await other.stop();
    await expect(stat(other.folder)).rejects.toThrow('ENOENT');
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});

describe('the shared control plane', () => {
  let shared: SharedControlPlane;

  beforeAll(async () => {
    shared = await sharedControlPlane();
  }, SHARED_START_TIMEOUT_MS);

  it('is one for all who ask', async () => {
    expect(await sharedControlPlane()).toMatchObject({ server: shared.server, folder: shared.folder });
    const { code, stdout } = await shared.kubectl(['get', 'ns', 'default', '-o', 'name']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'namespace/default\n' });
  });

  it('reads what kubectl is to apply from stdin', async () => {
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'from-stdin' } };
    const { stdout } = await shared.kubectl(['apply', '-f', '-'], { input: JSON.stringify(object) });
    expect(stdout).toBe('namespace/from-stdin created\n');
  });
});
