// Pods on the process node look to the API server, and find themselves, as on a real node.
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ProcessNode, startProcessNode } from '../../harness/cluster/processNode.ts';
import { type PodTrials, TRIAL_IMAGE, endOf, script, startTrials } from '../../harness/cluster/podTrials.ts';
import { SHARED_START_TIMEOUT_MS, sharedControlPlane } from '../../harness/cluster/shared.ts';

const NAMESPACE = 'process-node';
let trials: PodTrials;
let node: ProcessNode;

beforeAll(async () => {
  const cluster = await sharedControlPlane();
  trials = await startTrials(cluster, NAMESPACE);
  node = await startProcessNode({
    kubeconfig: cluster.kubeconfig,
    images: { [TRIAL_IMAGE]: {}, 'app:1': { root: { '/app': import.meta.dirname }, entrypoint: ['ls'] } },
    serves: (namespace) => namespace === NAMESPACE,
    retryMs: 200,
    restartMs: 100,
  });
}, SHARED_START_TIMEOUT_MS);
afterAll(async () => {
  await trials.kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']);
  await node.stop();
});

describe('a container', () => {
  it('gets its variables from all sources', async () => {
    await trials.create('Secret', 'all', { stringData: { password: 's3cret', user: 'ada' } });
    await trials.create('ConfigMap', 'all', { data: { level: 'debug', FLAG: 'on' } });
    const field = (fieldPath: string): object => ({ valueFrom: { fieldRef: { fieldPath } } });
    const pod = await trials.createPod(
      {
        ...script('env; echo "args $0 $1"'),
        args: ['$(GREETING)!', '$$(GREETING)'],
        envFrom: [{ configMapRef: { name: 'all' } }, { prefix: 'S_', secretRef: { name: 'all' } }],
        env: [
          { name: 'WHO', value: 'world' },
          { name: 'GREETING', value: 'Hello $(WHO) $(NOBODY)' },
          { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'all', key: 'password' } } },
          { name: 'LEVEL', valueFrom: { configMapKeyRef: { name: 'all', key: 'level' } } },
          { name: 'NONE', valueFrom: { secretKeyRef: { name: 'absent', key: 'a', optional: true } } },
          { name: 'POD', ...field('metadata.name') },
          { name: 'SPACE', ...field('metadata.namespace') },
          { name: 'UID_', ...field('metadata.uid') },
          { name: 'LABEL', ...field("metadata.labels['a.b/c']") },
          { name: 'ANNOTATION', ...field("metadata.annotations['note']") },
          { name: 'NODE', ...field('spec.nodeName') },
          { name: 'ACCOUNT', ...field('spec.serviceAccountName') },
          { name: 'IP', ...field('status.podIP') },
        ],
      },
      {},
      { labels: { 'a.b/c': 'x' }, annotations: { note: 'two words' } },
    );
    await trials.phase(pod, 'Succeeded');
    const lines = (await node.logs(NAMESPACE, pod)).split('\n');
    const uid = await trials.kubectl(['get', 'pod', pod, '-o', 'jsonpath={.metadata.uid}']);
    const expected = [
      'FLAG=on',
      'level=debug',
      'S_password=s3cret',
      'S_user=ada',
      'GREETING=Hello world $(NOBODY)',
      'PASSWORD=s3cret',
      'LEVEL=debug',
      `POD=${pod}`,
      `HOSTNAME=${pod}`,
      `SPACE=${NAMESPACE}`,
      `UID_=${uid}`,
      'LABEL=x',
      'ANNOTATION=two words',
      `NODE=${node.name}`,
      'ACCOUNT=default',
      'IP=127.0.0.1',
      'args Hello world $(NOBODY)! $(GREETING)',
    ];
    expect(lines).toEqual(expect.arrayContaining(expected));
    expect(lines.filter((line) => line.startsWith('NONE='))).toEqual([]);
  });

  it('is known to the API server by the token that it finds', async () => {
    const program = `
      const { request } = require('node:https'), { readFileSync } = require('node:fs');
      const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port, KUBERNETES_SERVICE_ACCOUNT_DIR: dir } = process.env;
      const read = (name) => readFileSync(dir + '/' + name, 'utf8');
      request({ host, port, method: 'POST', path: '/apis/authentication.k8s.io/v1/selfsubjectreviews', ca: read('ca.crt'),
        headers: { authorization: 'Bearer ' + read('token'), 'content-type': 'application/json' } },
        (response) => response.pipe(process.stdout))
        .end(JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }));
      console.log(read('namespace'));`;
    await trials.create('ConfigMap', 'program', { data: { 'main.cjs': program } });
    await trials.create('ServiceAccount', 'worker', {});
    const pod = await trials.createPod(
      {
        command: ['node', '/program/main.cjs'],
        volumeMounts: [{ name: 'program', mountPath: '/program/' }],
      },
      { serviceAccountName: 'worker', volumes: [{ name: 'program', configMap: { name: 'program' } }] },
    );
    await trials.phase(pod, 'Succeeded');
    const output = await node.logs(NAMESPACE, pod);
    expect(output.startsWith(`${NAMESPACE}\n`)).toBe(true);
    const { status } = JSON.parse(output.slice(output.indexOf('{'))) as {
      status: { userInfo: { username: string; extra: Record<string, string[]> } };
    };
    expect(status.userInfo.username).toBe(`system:serviceaccount:${NAMESPACE}:worker`);
    expect(status.userInfo.extra['authentication.kubernetes.io/pod-name']).toEqual([pod]);
  });

  it('gets no token where none is to be mounted', async () => {
    const pod = await trials.createPod(script('echo "[$KUBERNETES_SERVICE_ACCOUNT_DIR]"'), {
      automountServiceAccountToken: false,
    });
    await trials.phase(pod, 'Succeeded');
    await expect(node.logs(NAMESPACE, pod)).resolves.toBe('[]\n');
  });

  it('finds the folders of its volumes and of its image', async () => {
    await trials.create('Secret', 'files', { stringData: { a: 'AAA', b: 'BBB' } });
    const pod = await trials.createPod(
      {
        image: 'app:1',
        command: ['sh', '-c', 'cat "$1/dir/a"; ls "$1"; echo shared > "$2/x"; cat "$3"; ls "$4"', 'sh'],
        args: ['/secret', '/tmp/scratch', '/tmp/scratch/x', '/app'],
        volumeMounts: [
          { name: 'secret', mountPath: '/secret' },
          { name: 'work', mountPath: '/tmp/scratch' },
        ],
      },
      {
        volumes: [
          { name: 'work', emptyDir: {} },
          { name: 'secret', secret: { secretName: 'files', items: [{ key: 'a', path: 'dir/a' }] } },
        ],
      },
    );
    await trials.phase(pod, 'Succeeded');
    const output = await node.logs(NAMESPACE, pod);
    expect(output).toMatch(/^AAAdir\nshared\n/);
    expect(output).toContain('clusterProcessNode.test.ts');
  });

  it('runs the entry point of its image where it names no command', async () => {
    const pod = await trials.createPod({ image: 'app:1', args: ['/app'] });
    await trials.phase(pod, 'Succeeded');
    await expect(node.logs(NAMESPACE, pod)).resolves.toContain('clusterProcessNode.test.ts');
  });

  it('leaves its exit code and its message', async () => {
    const pod = await trials.createPod({
      ...script('printf "bad luck" > "$MESSAGE"; exit 77'),
      env: [{ name: 'MESSAGE', value: '/dev/termination-log' }],
    });
    const status = await trials.phase(pod, 'Failed');
    expect(endOf(status)).toMatchObject({ exitCode: 77, reason: 'Error', message: 'bad luck' });
  });

  it('leaves the end of its log for a message, where it may and has failed', async () => {
    const policy = { terminationMessagePolicy: 'FallbackToLogsOnError' };
    const failed = await trials.createPod({
      ...script('echo on stdout; echo on stderr >&2; exit 1'),
      ...policy,
    });
    const succeeded = await trials.createPod({ ...script('echo words'), ...policy });
    expect(endOf(await trials.phase(failed, 'Failed'))?.message).toBe('on stdout\non stderr\n');
    const end = endOf(await trials.phase(succeeded, 'Succeeded'));
    expect(end).toMatchObject({ exitCode: 0, reason: 'Completed' });
    expect(end?.message).toBeUndefined();
  });

  it('that cannot be started has failed with code 128', async () => {
    const pod = await trials.createPod({ command: ['/no/such/program'] });
    const status = await trials.phase(pod, 'Failed');
    expect(endOf(status)).toMatchObject({ exitCode: 128, reason: 'StartError' });
  });

  it('waits for a Secret, and for a key of it, until they are there', async () => {
    const pod = await trials.createPod({
      ...script('echo $KEY'),
      env: [{ name: 'KEY', valueFrom: { secretKeyRef: { name: 'late', key: 'key' } } }],
    });
    const waiting = '{.status.containerStatuses[0].state.waiting';
    const first = await trials.until(pod, `${waiting}.message}=secret "late" not found`);
    expect(first.containerStatuses?.[0]?.state.waiting?.reason).toBe('CreateContainerConfigError');
    expect(first.phase).toBe('Pending');
    await trials.create('Secret', 'late', { stringData: { other: 'value' } });
    await trials.until(pod, `${waiting}.message}=couldn't find key key in Secret ${NAMESPACE}/late`);
    await trials.kubectl(['patch', 'secret', 'late', '-p', '{"stringData":{"key":"found"}}']);
    await trials.phase(pod, 'Succeeded');
    await expect(node.logs(NAMESPACE, pod)).resolves.toBe('found\n');
  });

  it('of an unknown image waits, and can be deleted', async () => {
    const pod = await trials.createPod({ image: 'nowhere:1' });
    const status = await trials.until(
      pod,
      '{.status.containerStatuses[0].state.waiting.reason}=ImagePullBackOff',
    );
    expect(status.phase).toBe('Pending');
    await trials.kubectl(['delete', 'pod', pod, '--timeout=20s']);
  });

  it('is killed when it takes more memory than it may', async () => {
    const hog = 'const all = []; setInterval(() => all.push(Buffer.alloc(2 ** 24, 1)), 20);';
    const pod = await trials.createPod({
      command: ['node', '-e', hog],
      resources: { limits: { memory: '150Mi' } },
    });
    expect(endOf(await trials.phase(pod, 'Failed'))).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
  });

  it('is started again where its Pod says so', async () => {
    const volumes = [{ name: 'count', emptyDir: {} }];
    const pod = await trials.createPod(
      {
        ...script('echo x >> "$FILE"; [ $(wc -l < "$FILE") = 3 ] || exit 5'),
        env: [{ name: 'FILE', value: '/count/runs' }],
        volumeMounts: [{ name: 'count', mountPath: '/count' }],
      },
      { restartPolicy: 'OnFailure', volumes },
    );
    const status = await trials.phase(pod, 'Succeeded');
    expect(status.containerStatuses?.[0]).toMatchObject({
      restartCount: 2,
      lastState: { terminated: { exitCode: 5 } },
    });
  });

  it('is ready as long as its probe finds it so', async () => {
    const server = `
      let isOpen = false;
      require('node:http').createServer((request, response) => {
        if (request.method === 'POST') isOpen = request.url === '/open';
        response.writeHead(isOpen ? 200 : 503).end();
      }).listen(process.env.PORT, '127.0.0.1');`;
    const port = await freePort();
    const pod = await trials.createPod({
      command: ['node', '-e', server],
      env: [{ name: 'PORT', value: String(port) }],
      ports: [{ name: 'http', containerPort: port }],
      readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 1, failureThreshold: 1 },
    });
    const readiness = '{.status.conditions[?(@.type=="Ready")].status}';
    expect((await trials.phase(pod, 'Running')).containerStatuses?.[0]?.ready).toBe(false);
    // The server may not listen yet.
    await expect.poll(() => turn(port, 'open'), { timeout: 20_000 }).toBe(true);
    await trials.until(pod, `${readiness}=True`);
    await turn(port, 'close');
    await trials.until(pod, `${readiness}=False`);
    await trials.kubectl(['delete', 'pod', pod, '--timeout=20s']);
  });
});

async function turn(port: number, how: 'open' | 'close'): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/${how}`, { method: 'POST' }).then(
    () => true,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  server.close();
  return address.port;
}
