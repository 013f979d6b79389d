// Downloads a program from where its project publishes it, and checks it against the published SHA-256.
//
// Environment: OUTLOOK_SYNC_KUBERNETES_DOWNLOAD_URL, OUTLOOK_SYNC_ETCD_DOWNLOAD_URL and OUTLOOK_SYNC_HELM_DOWNLOAD_URL
// name mirrors.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Environment, Maker } from './binaries.ts';
import { ETCD_VERSION, HELM_VERSION, KUBERNETES_VERSION, type Program, goPlatform } from './programs.ts';

const KUBERNETES_URL = 'https://dl.k8s.io/release';
const ETCD_URL = 'https://github.com/etcd-io/etcd/releases/download';
const HELM_URL = 'https://get.helm.sh';
const CHECKSUM_TIMEOUT_MS = 30_000;
const PROGRAM_TIMEOUT_MS = 600_000;

/** Throws when it is not published for this platform, cannot be reached, or is not what its checksum says. */
export const downloadBinary: Maker = async (program, file, { env, say }) => {
  if (program === 'etcd') await downloadEtcd(file, env, say);
  else if (program === 'helm') await downloadHelm(file, env, say);
  else await downloadKubernetes(program, file, { env, say });
};

async function downloadKubernetes(
  program: Program,
  file: string,
  { env, say }: { readonly env: Environment; readonly say: (line: string) => void },
): Promise<void> {
  const { os, arch } = goPlatform();
  const base = env['OUTLOOK_SYNC_KUBERNETES_DOWNLOAD_URL'] ?? KUBERNETES_URL;
  const url = `${base}/v${KUBERNETES_VERSION}/bin/${os}/${arch}/${program}`;
  const checksum = (await get(`${url}.sha256`, CHECKSUM_TIMEOUT_MS)).toString('utf8').trim();
  say(`Downloading ${url} ...`);
  await writeFile(file, verified(await get(url, PROGRAM_TIMEOUT_MS), checksum, url));
}

async function downloadEtcd(file: string, env: Environment, say: (line: string) => void): Promise<void> {
  const { os, arch } = goPlatform();
  const base = env['OUTLOOK_SYNC_ETCD_DOWNLOAD_URL'] ?? ETCD_URL;
  const release = `${base}/v${ETCD_VERSION}`;
  const name = `etcd-v${ETCD_VERSION}-${os}-${arch}`;
  const archive = `${name}.${os === 'linux' ? 'tar.gz' : 'zip'}`;
  const sums = (await get(`${release}/SHA256SUMS`, CHECKSUM_TIMEOUT_MS)).toString('utf8');
  const line = sums.split('\n').find((one) => one.trim().endsWith(` ${archive}`));
  if (line === undefined) throw new Error(`${release}/SHA256SUMS does not name ${archive}`);
  const url = `${release}/${archive}`;
  say(`Downloading ${url} ...`);
  const content = verified(await get(url, PROGRAM_TIMEOUT_MS), line.trim().split(/\s+/)[0] ?? '', url);
  await unpack(content, { archive, member: `${name}/etcd`, file });
}

async function downloadHelm(file: string, env: Environment, say: (line: string) => void): Promise<void> {
  const { os, arch } = goPlatform();
  const archive = `helm-v${HELM_VERSION}-${os}-${arch}.tar.gz`;
  const url = `${env['OUTLOOK_SYNC_HELM_DOWNLOAD_URL'] ?? HELM_URL}/${archive}`;
  const sum = (await get(`${url}.sha256sum`, CHECKSUM_TIMEOUT_MS)).toString('utf8');
  say(`Downloading ${url} ...`);
  const content = verified(await get(url, PROGRAM_TIMEOUT_MS), sum.trim().split(/\s+/)[0] ?? '', url);
  await unpack(content, { archive, member: `${os}-${arch}/helm`, file });
}

/** Takes the file `member` out of an archive. */
async function unpack(
  content: Buffer,
  { archive, member, file }: { readonly archive: string; readonly member: string; readonly file: string },
): Promise<void> {
  const folder = await mkdtemp(join(dirname(file), '.unpacked-'));
  try {
    await writeFile(join(folder, archive), content);
    // The tar of macOS reads zip files too.
    await promisify(execFile)('tar', ['-xf', archive, member], { cwd: folder });
    await rename(join(folder, member), file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function get(url: string, timeoutMs: number): Promise<Buffer> {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    if (response.ok) return Buffer.from(await response.arrayBuffer());
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    throw new Error(`${url} cannot be fetched (${String(error)}${cause})`, { cause: error });
  }
  await response.body?.cancel();
  throw new Error(`${url} answered ${response.status}`);
}

function verified(content: Buffer, sha256: string, url: string): Buffer {
  const found = createHash('sha256').update(content).digest('hex');
  if (found !== sha256.toLowerCase()) throw new Error(`${url} has the SHA-256 ${found}, not ${sha256}`);
  return content;
}
