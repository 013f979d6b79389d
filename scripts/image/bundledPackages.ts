// Which packages of npm are in the built programs: what the bill of materials and the notices are made of.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';

export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** An SPDX identifier or expression, as the package states it. */
  readonly licence: string;
  /** Of the archive that npm installed, `sha512-` and base64, as the lock file has it. */
  readonly integrity: string;
  /** Texts of its licence and notice files; empty where the package brings none. */
  readonly texts: readonly string[];
  /** The programs that it is in. */
  readonly programs: readonly string[];
}

const lockFile = z.object({
  packages: z.record(z.string(), z.object({ integrity: z.string().optional() })),
});
const manifest = z.object({ name: z.string(), version: z.string(), license: z.string() });
const folders = z.array(z.string());

const LICENCE_FILE = /^(licen[cs]e|copying|notice)/i;

/**
 * @param root the checkout, whose dist/ has been built by the installed packages
 * Sorted by name and version, each once. Rejects when a package states no licence or is not in the lock file.
 */
export async function bundledPackages(root: string, programs: readonly string[]): Promise<BundledPackage[]> {
  const lock = lockFile.parse(await readJson(join(root, 'package-lock.json')));
  const found = new Map<string, BundledPackage>();
  for (const program of programs) {
    for (const folder of folders.parse(await readJson(join(root, 'dist', `${program}.packages.json`)))) {
      const one = await readPackage(join(root, folder), lock.packages[folder]?.integrity);
      const key = `${one.name}@${one.version}`;
      const users = [...(found.get(key)?.programs ?? []), program];
      found.set(key, { ...one, programs: [...new Set(users)] });
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

async function readPackage(
  folder: string,
  integrity: string | undefined,
): Promise<Omit<BundledPackage, 'programs'>> {
  const read = manifest.safeParse(await readJson(join(folder, 'package.json')));
  if (!read.success) throw new Error(`${folder}/package.json states no name, version or licence`);
  if (integrity === undefined) throw new Error(`${folder} is not in package-lock.json`);
  const names = (await readdir(folder)).filter((name) => LICENCE_FILE.test(name)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  const { name, version, license: licence } = read.data;
  return { name, version, licence, integrity, texts };
}

async function readJson(file: string): Promise<unknown> {
  return JSON.parse(await readFile(file, 'utf8'));
}
