// What Node needs to run and nothing else: its binary, the shared libraries that it loads, and who made them.
import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import * as z from 'zod';

/** A package of the distribution, whose files are in the image. */
export interface SystemPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Its entry in dpkg's database, which scanners look for. */
  readonly stanza: string;
}

export interface Runtime {
  /** Path of the binary. */
  readonly node: string;
  /** Paths of the libraries, the dynamic loader among them. */
  readonly libraries: readonly string[];
  /** `process.versions`: Node and what is compiled into it. */
  readonly versions: Readonly<Record<string, string>>;
  /** The packages that the libraries come from; empty on a distribution without dpkg. */
  readonly packages: readonly SystemPackage[];
  /** ID and VERSION_ID of /etc/os-release. */
  readonly distribution: { readonly id: string; readonly version: string };
}

const told = z.object({ objects: z.array(z.string()), versions: z.record(z.string(), z.string()) });
const TELL = `process.stdout.write(JSON.stringify({
  objects: process.report.getReport().sharedObjects, versions: process.versions }))`;

const DPKG = '/var/lib/dpkg';

/** Asks the Node at `node` what it has loaded; rejects when it does not run. */
export async function inspectRuntime(node: string): Promise<Runtime> {
  const { stdout } = await promisify(execFile)(node, ['-e', TELL]);
  const { objects, versions } = told.parse(JSON.parse(stdout));
  // Without a path: what the kernel itself maps into every process. Node names its own binary, too.
  const libraries = objects.filter((path) => path.startsWith('/') && path !== node).sort();
  const release = fieldsOf(await readFile('/etc/os-release', 'utf8'), '=');
  return {
    node,
    libraries,
    versions,
    packages: await ownersOf(libraries),
    distribution: { id: release.get('ID') ?? 'unknown', version: release.get('VERSION_ID') ?? '' },
  };
}

async function ownersOf(libraries: readonly string[]): Promise<SystemPackage[]> {
  const lists = await readdir(`${DPKG}/info`).catch(() => []);
  const owners = new Set<string>();
  for (const list of lists.filter((name) => name.endsWith('.list'))) {
    const files = new Set((await readFile(`${DPKG}/info/${list}`, 'utf8')).split('\n'));
    // On Debian /lib is a link to /usr/lib, and packages name either.
    const owns = libraries.some((path) => files.has(path) || files.has(`/usr${path}`));
    if (owns) owners.add(list.replace(/(:[a-z0-9]+)?\.list$/, ''));
  }
  if (owners.size === 0) return [];
  const stanzas = (await readFile(`${DPKG}/status`, 'utf8')).split('\n\n').map((text) => text.trim());
  return stanzas.flatMap((stanza) => {
    const fields = fieldsOf(stanza, ':');
    const name = fields.get('Package') ?? '';
    if (!owners.has(name)) return [];
    const version = fields.get('Version') ?? '';
    return [{ name, version, architecture: fields.get('Architecture') ?? '', stanza }];
  });
}

function fieldsOf(text: string, sign: string): Map<string, string> {
  const lines = text.split('\n').filter((line) => /^\w/.test(line) && line.includes(sign));
  return new Map(
    lines.map((line) => {
      const at = line.indexOf(sign);
      return [
        line.slice(0, at),
        line
          .slice(at + 1)
          .trim()
          .replaceAll('"', ''),
      ];
    }),
  );
}
