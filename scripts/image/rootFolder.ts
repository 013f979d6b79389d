// Writes the image's two layers as folders: Node with its libraries, which seldom changes, and the programs.
// Everything is owned by root and read-only, and bears one date, so that the same sources make the same layers.
import { createHash } from 'node:crypto';
import { chmod, copyFile, lchown, lutimes, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { billOfMaterials } from './billOfMaterials.ts';
import { bundledPackages } from './bundledPackages.ts';
import { thirdPartyNotices } from './notices.ts';
import type { Runtime } from './runtime.ts';

/** As in the pods of jobs (operator/plan/podTemplate.ts) and in distroless images. */
const NOBODY = 65_532;

const ACCOUNTS: Readonly<Record<string, string>> = {
  'etc/passwd': `root:x:0:0:root:/:/sbin/nologin\nnonroot:x:${NOBODY}:${NOBODY}:nonroot:/tmp:/sbin/nologin\n`,
  'etc/group': `root:x:0:\nnonroot:x:${NOBODY}:\n`,
  // Names of /etc/hosts, which the kubelet writes, count before DNS.
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
};

/** Node at /usr/local/bin, its libraries where it looks for them, and what scanners recognise them by. */
export async function writeRuntime(runtime: Runtime, out: string): Promise<void> {
  await copyTo(runtime.node, join(out, 'usr/local/bin/node'));
  for (const path of runtime.libraries) await copyTo(path, join(out, path));
  for (const { name, stanza } of runtime.packages) {
    await write(join(out, 'var/lib/dpkg/status.d', name), `${stanza}\n`);
    const copyright = `/usr/share/doc/${name}/copyright`;
    await copyTo(copyright, join(out, copyright));
  }
  await copyTo('/etc/os-release', join(out, 'etc/os-release'));
  for (const [path, text] of Object.entries(ACCOUNTS)) await write(join(out, path), text);
  await mkdir(join(out, 'tmp'));
}

export interface Application {
  /** The checkout, whose dist/ is built. */
  readonly root: string;
  readonly programs: readonly string[];
  readonly runtime: Runtime;
  readonly version: string;
  readonly builtAt: Date;
}

/** The programs and the papers that go with them: not their source maps, which are twice as large again. */
export async function writeApplication(application: Application, out: string): Promise<void> {
  const { root, programs, runtime, version, builtAt } = application;
  for (const program of programs) {
    for (const ending of ['.js', '.main.js', '.main.js.LEGAL.txt']) {
      await copyTo(join(root, 'dist', `${program}${ending}`), join(out, `${program}${ending}`));
    }
  }
  const [name, licence] = ['outlook-sync', 'Apache-2.0'];
  // Without it Node reads every file twice to find out that it is a module.
  await write(join(out, 'package.json'), json({ name, version, type: 'module', license: licence }));
  const packages = await bundledPackages(root, programs);
  const hashes = await Promise.all(
    programs.map(async (program) => ({
      name: program,
      sha256: await hashOf(join(out, `${program}.main.js`)),
    })),
  );
  const bill = { name, version, licence, programs: hashes, packages, runtime, builtAt };
  await write(join(out, 'sbom.json'), json(billOfMaterials(bill)));
  await write(join(out, 'THIRD-PARTY-NOTICES.txt'), thirdPartyNotices(packages));
  await copyTo(join(root, 'LICENSE'), join(out, 'LICENSE'));
}

/** Gives everything below `folder` its owner, its mode and the date. Takes root. */
export async function seal(folder: string, date: Date): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const paths = entries.map((entry) => [join(entry.parentPath, entry.name), entry.isDirectory()] as const);
  for (const [path, isFolder] of paths) {
    await lchown(path, 0, 0);
    if (path === join(folder, 'tmp')) await chmod(path, 0o1777);
    else await chmod(path, isFolder || isExecutable(path) ? 0o755 : 0o644);
  }
  for (const [path] of paths) await lutimes(path, date, date);
  await lutimes(folder, date, date);
}

const isExecutable = (path: string): boolean => /\/bin\/node$|\/ld-[^/]+$/.test(path);

const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

async function hashOf(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

async function copyTo(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}
