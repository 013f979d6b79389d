// Where the control plane's programs are looked for, in which order, and what is said when there are none.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { execFile } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheFolder, clusterBinaries, helmBinary } from '../../../harness/cluster/binaries.ts';
import {
  ETCD_VERSION,
  HELM_VERSION,
  KUBERNETES_VERSION,
  PROGRAMS,
  type Program,
  goPlatform,
  pinnedVersion,
} from '../../../harness/cluster/programs.ts';

const UNREACHABLE = 'http://127.0.0.1:1';
let folder: string;
let env: Record<string, string>;
let said: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'binaries-test-'));
  said = [];
  env = {
    // Without Go.
    PATH: join(folder, 'bin'),
    OUTLOOK_SYNC_CACHE_DIR: join(folder, 'cache'),
    OUTLOOK_SYNC_KUBERNETES_DOWNLOAD_URL: UNREACHABLE,
    OUTLOOK_SYNC_ETCD_DOWNLOAD_URL: UNREACHABLE,
    OUTLOOK_SYNC_HELM_DOWNLOAD_URL: UNREACHABLE,
  };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function find(): ReturnType<typeof clusterBinaries> {
  return clusterBinaries({ env, say: (line) => said.push(line) });
}

/** A program that does nothing but say its version. */
function fake(program: Program, version: string = pinnedVersion(program)): string {
  const words: Partial<Record<Program, string>> = {
    etcd: 'etcd Version: ',
    kubectl: 'Client Version: v',
    helm: 'v',
  };
  return `#!/bin/sh\necho '${words[program] ?? 'Kubernetes v'}${version}'\n`;
}

async function place(file: string, content: string): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, content);
  await chmod(file, 0o755);
}

async function fillCache(): Promise<void> {
  for (const program of PROGRAMS) await place(join(cacheFolder(env), program), fake(program));
}

/** A `go` that builds fakes of this version, and notes what it built. */
async function installGo(version: string, built = KUBERNETES_VERSION): Promise<void> {
  const fakeGo = `#!/bin/sh
[ "$1" = version ] && { echo 'go version go${version} linux/amd64'; exit 0; }
while [ $# -gt 1 ]; do [ "$1" = -o ] && file=$2; shift; done
echo "$1" >> '${join(folder, 'built')}'
case "$1" in
  *etcd*) words='etcd Version: ${ETCD_VERSION}' ;;
  *helm) words='v${HELM_VERSION}' ;;
  *kubectl) words='Client Version: v${built}' ;;
  *) words='Kubernetes v${built}' ;;
esac
printf '#!/bin/sh\\necho "%s"\\n' "$words" > "$file"
`;
  await place(join(folder, 'bin', 'go'), fakeGo);
}

describe('programs', () => {
  it('are taken from KUBEBUILDER_ASSETS first, in whatever version', async () => {
    env['KUBEBUILDER_ASSETS'] = join(folder, 'assets');
    await fillCache();
    for (const program of PROGRAMS) await place(join(folder, 'assets', program), fake(program, '1.2.3'));
    const found = await find();
    for (const program of PROGRAMS) expect(found[program]).toBe(join(folder, 'assets', program));
  });

  it('that KUBEBUILDER_ASSETS lacks are looked for elsewhere, and that is said', async () => {
    env['KUBEBUILDER_ASSETS'] = join(folder, 'assets');
    await fillCache();
    for (const program of ['etcd', 'kube-apiserver', 'kubectl'] as const) {
      await place(join(folder, 'assets', program), fake(program));
    }
    const found = await find();
    expect(found['kube-apiserver']).toBe(join(folder, 'assets', 'kube-apiserver'));
    expect(found['kube-controller-manager']).toBe(join(cacheFolder(env), 'kube-controller-manager'));
    expect(said).toEqual(['KUBEBUILDER_ASSETS has no kube-controller-manager; looking elsewhere.']);
  });

  it('are taken from the cache before anything is built', async () => {
    await fillCache();
    await installGo('1.26.0');
    await find();
    await expect(stat(join(folder, 'built'))).rejects.toThrow('ENOENT');
    expect(said).toEqual([]);
  });

  it('are built with Go when the cache has them not, or in another version', async () => {
    await fillCache();
    await place(join(cacheFolder(env), 'kube-apiserver'), fake('kube-apiserver', '1.0.0'));
    await rm(join(cacheFolder(env), 'etcd'));
    await installGo('1.26.0');
    env['PATH'] = `${join(folder, 'bin')}:/bin:/usr/bin`;
    const found = await find();
    const built = await readFile(join(folder, 'built'), 'utf8');
    expect(built).toBe('go.etcd.io/etcd/server/v3\nk8s.io/kubernetes/cmd/kube-apiserver\n');
    expect(said).toHaveLength(2);
    expect(said[1]).toMatch(/^Building kube-apiserver .* 6 minutes/);
    expect(found['kube-apiserver']).toBe(join(cacheFolder(env), 'kube-apiserver'));
    expect((await readdir(cacheFolder(env))).sort()).toEqual([...PROGRAMS].sort());
  });

  it('are built once, however many ask', async () => {
    await installGo('1.26.0');
    env['PATH'] = `${join(folder, 'bin')}:/bin:/usr/bin`;
    await Promise.all([find(), find(), find()]);
    expect((await readFile(join(folder, 'built'), 'utf8')).trim().split('\n')).toHaveLength(PROGRAMS.length);
  });
});

describe('Helm', () => {
  it('is taken from the cache, and built with Go when that has it not', async () => {
    await installGo('1.26.0');
    env['PATH'] = `${join(folder, 'bin')}:/bin:/usr/bin`;
    const file = await helmBinary({ env, say: (line) => said.push(line) });
    expect(file).toBe(join(cacheFolder(env), 'helm'));
    expect(await helmBinary({ env, say: (line) => said.push(line) })).toBe(file);
    expect(await readFile(join(folder, 'built'), 'utf8')).toBe('helm.sh/helm/v4/cmd/helm\n');
    expect(said).toHaveLength(1);
  });
});

describe('a download', () => {
  let server: Server;
  let files: Map<string, string | Buffer>;

  beforeEach(async () => {
    files = new Map();
    server = createServer((request, response) => {
      const content = files.get(request.url ?? '');
      response.writeHead(content === undefined ? 404 : 200).end(content);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    env['OUTLOOK_SYNC_KUBERNETES_DOWNLOAD_URL'] = `${url}/kubernetes`;
    env['OUTLOOK_SYNC_ETCD_DOWNLOAD_URL'] = `${url}/etcd`;
    env['OUTLOOK_SYNC_HELM_DOWNLOAD_URL'] = `${url}/helm`;
    await publish();
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  async function publish(): Promise<void> {
    const { os, arch } = goPlatform();
    for (const program of ['kube-apiserver', 'kube-controller-manager', 'kubectl'] as const) {
      const path = `/kubernetes/v${KUBERNETES_VERSION}/bin/${os}/${arch}/${program}`;
      files.set(path, fake(program)).set(`${path}.sha256`, sha256(fake(program)));
    }
    const name = `etcd-v${ETCD_VERSION}-${os}-${arch}`;
    const archive = `${name}.${os === 'linux' ? 'tar.gz' : 'zip'}`;
    await place(join(folder, 'archive', name, 'etcd'), fake('etcd'));
    await promisify(execFile)('tar', ['-czf', join(folder, archive), '-C', join(folder, 'archive'), name]);
    const content = await readFile(join(folder, archive));
    files.set(`/etcd/v${ETCD_VERSION}/${archive}`, content);
    files.set(
      `/etcd/v${ETCD_VERSION}/SHA256SUMS`,
      `${'0'.repeat(64)}  other\n${sha256(content)}  ${archive}\n`,
    );
  }

  it('fills the cache where there is no Go', async () => {
    const found = await find();
    for (const program of PROGRAMS) expect(found[program]).toBe(join(cacheFolder(env), program));
    expect((await readdir(cacheFolder(env))).sort()).toEqual([...PROGRAMS].sort());
  });

  it('fills it with Helm, too', async () => {
    const { os, arch } = goPlatform();
    const archive = `helm-v${HELM_VERSION}-${os}-${arch}.tar.gz`;
    await place(join(folder, 'helm', `${os}-${arch}`, 'helm'), fake('helm'));
    await promisify(execFile)('tar', [
      '-czf',
      join(folder, archive),
      '-C',
      join(folder, 'helm'),
      `${os}-${arch}`,
    ]);
    const content = await readFile(join(folder, archive));
    files.set(`/helm/${archive}`, content);
    files.set(`/helm/${archive}.sha256sum`, `${sha256(content)}  ${archive}\n`);
    const file = await helmBinary({ env, say: (line) => said.push(line) });
    expect(file).toBe(join(cacheFolder(env), 'helm'));
    expect(await readdir(cacheFolder(env))).toEqual(['helm']);
  });

  it('is what comes after a Go that is too old', async () => {
    await installGo('1.22.1');
    await find();
    await expect(stat(join(folder, 'built'))).rejects.toThrow('ENOENT');
    expect(said.every((line) => line.startsWith('Downloading'))).toBe(true);
  });

  it('that is not what its checksum says is not used', async () => {
    for (const path of files.keys()) if (path.endsWith('/kubectl')) files.set(path, '#!/bin/sh\necho evil\n');
    await expect(find()).rejects.toThrow(/kubectl has the SHA-256 \w+, not/);
    expect(await readdir(cacheFolder(env))).not.toContain('kubectl');
  });
});

it('programs that cannot be had are an error that says what was tried and what to do', async () => {
  await installGo('1.22.1');
  const error = await find().then(String, String);
  expect(error).toContain(`need etcd ${ETCD_VERSION}`);
  expect(error).toContain('- KUBEBUILDER_ASSETS: not set');
  expect(error).toContain(`- cache: ${join(cacheFolder(env), 'etcd')} is not there`);
  expect(error).toContain('- build with Go: Go is too old: go version go1.22.1');
  expect(error).toMatch(/- download: .*SHA256SUMS cannot be fetched/);
  expect(error).toContain('Install Go (1.24 or newer)');
});

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
