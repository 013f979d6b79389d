// `npm run check`: everything CI checks, in CI's order, every step even after one has failed.
// Its last line is `N passed, N failed`: tests, with each failed step before them counted as one failure.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { type StepResult, type TestRun, summarize } from './checkSummary.ts';

const ROOT = join(import.meta.dirname, '..');

const STEPS: readonly (readonly [name: string, ...command: string[]])[] = [
  ['format', 'prettier', '--check', '--log-level=warn', '.'],
  ['lint', 'eslint', '.'],
  ['types', 'tsc', '-p', '.'],
  ['dead code', 'knip'],
  ['generated files', 'scripts/generate.ts', '--check'],
];

// The part of vitest's JSON report that counts.
const testReport = z.object({ numPassedTests: z.int(), numFailedTests: z.int() });

const results: StepResult[] = [];
for (const [name, ...command] of STEPS) results.push(await runStep(name, command));
const summary = summarize(results, await runTests());
console.log();
for (const line of summary.lines) console.log(line);
process.exitCode = summary.ok ? 0 : 1;

async function runStep(name: string, command: readonly string[]): Promise<StepResult> {
  console.log(`\n== ${name}: ${command.join(' ')}`);
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['scripts/run.mjs', ...command], { cwd: ROOT, stdio: 'inherit' });
  await once(child, 'exit');
  return { name, ok: child.exitCode === 0, seconds: (performance.now() - startedAt) / 1000 };
}

async function runTests(): Promise<TestRun> {
  const folder = await mkdtemp(join(tmpdir(), 'outlook-sync-check-'));
  const file = join(folder, 'tests.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const step = await runStep('tests', ['vitest', 'run', ...reporters]);
    return { step, counts: await readCounts(file) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readCounts(file: string): Promise<TestRun['counts']> {
  try {
    const report = testReport.parse(JSON.parse(await readFile(file, 'utf8')));
    return { passed: report.numPassedTests, failed: report.numFailedTests };
  } catch (error) {
    console.error('No test report:', error instanceof Error ? error.message : error);
    return undefined;
  }
}
