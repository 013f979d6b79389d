import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Generator, staleGenerators, writeGenerated } from '../../../scripts/generators.ts';

const generators: readonly Generator[] = [
  { file: 'docs/a.md', render: () => 'A\n' },
  { file: 'b.yaml', render: () => Promise.resolve('b: 1\n') },
];

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'outlook-sync-test-'));
});
afterEach(() => rm(root, { recursive: true }));

it('finds missing and changed files stale, and none after writing them', async () => {
  const staleFiles = async (): Promise<string[]> =>
    (await staleGenerators(root, generators)).map(({ file }) => file);
  expect(await staleFiles()).toEqual(['docs/a.md', 'b.yaml']);
  await writeGenerated(root, generators);
  expect(await staleFiles()).toEqual([]);
  expect(await readFile(join(root, 'docs', 'a.md'), 'utf8')).toBe('A\n');
  await writeFile(join(root, 'b.yaml'), 'b: 2\n');
  expect(await staleFiles()).toEqual(['b.yaml']);
});
