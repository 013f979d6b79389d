import { join, relative } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { fileViolations } from './fileRules.ts';
import { readSources } from './sources.ts';

const ROOT = join(import.meta.dirname, '..', '..');

it('this project keeps to its rules for files', async () => {
  const files = await readSources(ROOT);
  expect(files.length).toBeGreaterThan(0);
  expect(fileViolations(files)).toEqual([]);
});

it('tsconfig.json covers every file, so that none goes unchecked', async () => {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile.bind(ts.sys)) as {
    config: unknown;
  };
  const { fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const files = await readSources(ROOT);
  expect(files.map(({ path }) => path)).toEqual(fileNames.map((path) => relative(ROOT, path)).sort());
});

describe('the rules for files', () => {
  it.each([
    'job/utils.ts',
    'job/graph/helpers.ts',
    'api/common.ts',
    'kube/types.ts',
    'index.ts',
    'test/harness/util.ts',
  ])('refuse the name %s', (path) => {
    expect(fileViolations([{ path, text: '' }])).toEqual([expect.stringContaining(`${path}: named`)]);
  });

  it('allow names that only contain such a word', () => {
    const files = ['job/contentTypes.ts', 'job/store/folderIndex.ts'].map((path) => ({ path, text: '' }));
    expect(fileViolations(files)).toEqual([]);
  });

  it('refuse a file of more than 350 lines that is not a test', () => {
    const text = 'const a = 1;\n';
    expect(fileViolations([{ path: 'job/a.ts', text: text.repeat(350) }])).toEqual([]);
    expect(fileViolations([{ path: 'job/a.ts', text: text.repeat(351) }])).toHaveLength(1);
    expect(fileViolations([{ path: 'test/unit/a.test.ts', text: text.repeat(351) }])).toEqual([]);
  });

  it.each(['// An OutlookProvider', 'const graphUrl = 1;', 'const isMailbox = true;'])(
    'refuse in kube/ the line %s',
    (text) => {
      expect(fileViolations([{ path: 'kube/a.ts', text }])).toHaveLength(1);
      expect(fileViolations([{ path: 'job/a.ts', text }])).toEqual([]);
    },
  );

  it('refuse a file of kube/ whose name has such a word', () => {
    expect(fileViolations([{ path: 'kube/mailboxLease.ts', text: '' }])).toHaveLength(1);
  });
});
