import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const CI = join(import.meta.dirname, '..', '..', '..', '.ci', 'run');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outlook-sync-test-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs .ci/run with an npm that prints what a check would, and ends as it would. */
async function runCi(
  output: string,
  code: number,
): Promise<{ lastLine: string | undefined; code: number | null }> {
  await writeFile(join(folder, 'npm'), `#!/bin/sh\ncat <<'END'\n${output}\nEND\nexit ${code}\n`);
  await chmod(join(folder, 'npm'), 0o755);
  const child = spawn('bash', [CI], {
    env: { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await once(child, 'close');
  return { lastLine: text.trimEnd().split('\n').at(-1), code: child.exitCode };
}

describe('.ci/run', () => {
  it.each([
    {
      what: 'a check that passed',
      output: '12 passed, 0 failed',
      code: 0,
      line: '12 passed, 0 failed',
      exit: 0,
    },
    {
      what: 'failed tests',
      output: '12 passed, 3 failed\nnpm error',
      code: 1,
      line: '12 passed, 3 failed',
      exit: 1,
    },
    {
      what: 'failures with code 0',
      output: '12 passed, 3 failed',
      code: 0,
      line: '12 passed, 3 failed',
      exit: 1,
    },
    { what: 'no test at all', output: '0 passed, 0 failed', code: 0, line: '0 passed, 1 failed', exit: 1 },
    { what: 'a check without a last word', output: 'nothing', code: 0, line: '0 passed, 1 failed', exit: 1 },
    {
      what: 'a check that was killed',
      output: '12 passed, 0 failed',
      code: 137,
      line: '12 passed, 1 failed',
      exit: 137,
    },
  ])('ends with the counts and the right code after $what', async ({ output, code, line, exit }) => {
    expect(await runCi(output, code)).toEqual({ lastLine: line, code: exit });
  });
});
