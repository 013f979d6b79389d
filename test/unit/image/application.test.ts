// What the image's second layer holds, of the programs as this test run has built them.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundleConnect, programs } from '../../../scripts/bundle.ts';
import { bundledPackages } from '../../../scripts/image/bundledPackages.ts';
import { writeApplication } from '../../../scripts/image/rootFolder.ts';
import { jobBundle } from '../../harness/jobBundle.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const builtAt = new Date(0);
const distribution = { id: 'debian', version: '12' };
const runtime = {
  node: '',
  libraries: [],
  versions: { node: process.versions.node },
  packages: [],
  distribution,
};

let folder: string;
beforeAll(async () => {
  jobBundle();
  // The others have been built for all tests.
  await bundleConnect();
  folder = await mkdtemp(join(tmpdir(), 'outlook-sync-test-'));
  await writeApplication({ root: ROOT, programs, runtime, version: '1.2.3', builtAt }, folder);
});
afterAll(() => rm(folder, { recursive: true }));

it('it has the programs and their papers, and no source map', async () => {
  const ofPrograms = programs.flatMap((one) => [`${one}.js`, `${one}.main.js`, `${one}.main.js.LEGAL.txt`]);
  const papers = ['LICENSE', 'THIRD-PARTY-NOTICES.txt', 'package.json', 'sbom.json'];
  expect((await readdir(folder)).sort()).toEqual([...ofPrograms, ...papers].sort());
});

it.each(programs)('%s starts from it alone', async (program) => {
  const run = promisify(execFile);
  const { stdout, stderr } = await run(process.execPath, [join(folder, `${program}.js`), '--help'], {
    cwd: folder,
    env: {},
  });
  expect(stdout).toContain('\nUsage\n');
  expect(stderr).toBe('');
});

it('the packages are those that are really in the bundles', async () => {
  const packages = new Map((await bundledPackages(ROOT, programs)).map((one) => [one.name, one]));
  expect(packages.get('zod')?.programs).toEqual(programs);
  expect(packages.get('pg')?.programs).toEqual(['job']);
  expect(packages.get('fastify')?.programs).toEqual(['webhook']);
  for (const tool of ['esbuild', 'typescript', 'vitest']) expect(packages.has(tool)).toBe(false);
  for (const { integrity } of packages.values()) expect(integrity).toMatch(/^sha512-/);
});

it('the notices name every package, and the bill of materials has each once', async () => {
  const packages = await bundledPackages(ROOT, programs);
  const notices = await readFile(join(folder, 'THIRD-PARTY-NOTICES.txt'), 'utf8');
  const bill = await readFile(join(folder, 'sbom.json'), 'utf8');
  expect(packages.length).toBeGreaterThan(50);
  for (const { name, version } of packages) {
    expect(notices).toContain(`${name} ${version} (`);
    expect(bill.split(`"bom-ref": "pkg:npm/${name.replace('@', '%40')}@${version}"`)).toHaveLength(2);
  }
});
