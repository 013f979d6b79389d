import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importViolations } from './importRules.ts';
import { importsOf, readSources } from './sources.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** Checks made-up files, given as path and text. */
function check(files: Record<string, string>): string[] {
  return importViolations(Object.entries(files).map(([path, text]) => ({ path, text })));
}

it('this project keeps to its import rules', async () => {
  const files = await readSources(ROOT);
  expect(files.map(({ path }) => path)).toContain('test/architecture/imports.test.ts');
  expect(importViolations(files)).toEqual([]);
});

describe('the import rules', () => {
  it.each([
    ['api/a.ts', "import { z } from 'zod'; import { b } from './b.ts';"],
    ['kube/a.ts', "import { Watch } from '@kubernetes/client-node'; import './lease/b.ts';"],
    ['job/main.ts', "import { a } from '../api/a.ts'; import './graph/token.ts'; import './store/pool.ts';"],
    ['operator/main.ts', "import { a } from '../kube/a.ts';"],
    ['scripts/generate.ts', "import { a } from '../job/config.ts';"],
    ['demo/main.ts', "import { a } from '../test/harness/postgres.ts';"],
    ['test/unit/a.test.ts', "import { a } from '../../demo/a.ts';"],
    ['job/plan/a.ts', "import { createHash } from 'node:crypto'; import type { Pool } from 'slonik';"],
    ['job/plan/a.ts', "import { isIP, BlockList } from 'node:net';"],
    ['vitest.config.ts', "import { defineConfig } from 'vitest/config';"],
  ])('allow %s: %s', (path, text) => {
    expect(check({ [path]: text })).toEqual([]);
  });

  it.each([
    ['api/a.ts', "import { b } from '../kube/b.ts';"],
    ['api/a.ts', "import { readFileSync } from 'node:fs';"],
    ['api/a.ts', "import type { Pool } from 'slonik';"],
    ['kube/a.ts', "import { b } from '../api/b.ts';"],
    ['kube/a.ts', "import { b } from '../job/b.ts';"],
    ['kube/a.ts', "export * from '../operator/b.ts';"],
    ['operator/a.ts', "import { b } from '../job/b.ts';"],
    ['webhook/a.ts', "import type { B } from '../operator/b.ts';"],
    ['job/a.ts', "type B = import('../webhook/b.ts').B;"],
    ['job/a.ts', "const b = await import('../webhook/b.ts');"],
    ['job/a.ts', "import { b } from '../test/harness/b.ts';"],
    ['connect/a.ts', "import { b } from '../job/b.ts';"],
    ['connect/plan/a.ts', "import { discovery } from 'openid-client';"],
    ['job/a.ts', "import { b } from '../demo/b.ts';"],
    ['job/a.ts', "import { b } from '../scripts/b.ts';"],
    ['scripts/a.ts', "import { b } from '../test/harness/b.ts';"],
    ['scripts/a.ts', "import { b } from '../demo/b.ts';"],
    ['job/graph/a.ts', "import type { B } from '../store/b.ts';"],
    ['job/store/a.ts', "import { b } from '../graph/b.ts';"],
    ['job/plan/a.ts', "import { readFile } from 'node:fs/promises';"],
    ['job/plan/a.ts', "import { connect } from 'node:net';"],
    ['job/plan/a.ts', "import { isIP, connect } from 'node:net';"],
    ['job/plan/a.ts', "import { connect as isIP } from 'node:net';"],
    ['job/plan/a.ts', "import * as net from 'node:net';"],
    ['job/plan/a.ts', "import { fetch } from 'undici';"],
    ['job/plan/a.ts', "import { sql } from 'slonik';"],
    ['job/plan/a.ts', "import { type Pool } from 'pg';"],
    ['lib/a.ts', "import { z } from 'zod';"],
    ['job/a.ts', "import { b } from '../vitest.config.ts';"],
  ])('refuse %s: %s', (path, text) => {
    expect(check({ [path]: text })).toEqual([expect.stringContaining(path)]);
  });

  it('follow a pure file through others to what is not pure, but not through types', () => {
    const files = {
      'job/errors.ts': "import { Agent } from 'undici';",
      'job/classify.ts': "import './errors.ts'; import './plan/decide.ts';",
    };
    expect(check({ ...files, 'job/plan/decide.ts': "import { a } from '../classify.ts';" })).toEqual([
      'job/plan/decide.ts -> undici: pure, but reaches outside by job/errors.ts',
    ]);
    expect(check({ ...files, 'job/plan/decide.ts': "import type { A } from '../classify.ts';" })).toEqual([]);
  });
});

it('an import inside a comment or a text is none', () => {
  const text = `// import { a } from '../job/a.ts';\nconst b = "import '../job/b.ts'";`;
  expect(importsOf({ path: 'api/a.ts', text })).toEqual([]);
});
