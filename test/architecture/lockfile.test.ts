import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lockfile, lockfileProblems } from './lockfile.ts';

const ROOT = join(import.meta.dirname, '..', '..');

it('package-lock.json can be installed on every platform and from every registry', async () => {
  const found = lockfile.parse(JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')));
  expect(Object.keys(found.packages).length).toBeGreaterThan(10);
  expect(lockfileProblems(found)).toEqual([]);
});

describe('a lock file', () => {
  it('finds packages in the folder of the one that needs them, and in those above', () => {
    const packages = {
      '': { dependencies: { a: '1.0.0' } },
      'node_modules/a': { dependencies: { b: '^2.0.0', c: '*' } },
      'node_modules/a/node_modules/b': { dependencies: { c: '*', d: '*' } },
      'node_modules/a/node_modules/d': {},
      'node_modules/c': {},
    };
    expect(lockfileProblems({ packages })).toEqual([]);
    const { 'node_modules/c': _gone, ...rest } = packages;
    expect(lockfileProblems({ packages: rest })).toEqual([
      'node_modules/a needs c, which is missing',
      'node_modules/a/node_modules/b needs c, which is missing',
    ]);
  });

  it('must hold the builds for other platforms', () => {
    const packages = { 'node_modules/a': { optionalDependencies: { '@a/other-platform': '1.0.0' } } };
    expect(lockfileProblems({ packages })).toEqual([
      'node_modules/a needs @a/other-platform, which is missing',
    ]);
  });

  it('must pin what package.json asks for, and name no registry', () => {
    const packages = {
      '': { devDependencies: { a: '^1.0.0' } },
      'node_modules/a': { resolved: 'https://registry.example/a.tgz' },
    };
    expect(lockfileProblems({ packages })).toEqual([
      'a is not pinned: ^1.0.0',
      'node_modules/a names a registry: https://registry.example/a.tgz',
    ]);
  });
});
