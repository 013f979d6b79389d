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

/** Tests that promise how soon something is answered: other tests at the same time would be what they measure. */
const ALONE = ['test/e2e/pushBurst.test.ts', 'test/e2e/pushOutage.test.ts'];

// The part of vitest's JSON report that counts.
const testReport = z.object({ numPassedTests: z.int(), numFailedTests: z.int() });

const results: StepResult[] = [];
for (const [name, ...command] of STEPS) results.push(await runStep(name, command));
const [most, alone] = [
  await runTests(...ALONE.map((file) => `--exclude=${file}`)),
  await runTests('--no-file-parallelism', ...ALONE),
];
const summary = summarize(results, together(most, alone));
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

/** Without a report of both there are no counts. */
function together(one: TestRun, other: TestRun): TestRun {
  const seconds = one.step.seconds + other.step.seconds;
  const step = { name: one.step.name, ok: one.step.ok && other.step.ok, seconds };
  if (one.counts === undefined || other.counts === undefined) return { step, counts: undefined };
  const passed = one.counts.passed + other.counts.passed;
  return { step, counts: { passed, failed: one.counts.failed + other.counts.failed } };
}

async function runTests(...args: readonly string[]): Promise<TestRun> {
  const folder = await mkdtemp(join(tmpdir(), 'outlook-sync-check-'));
  const file = join(folder, 'tests.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const step = await runStep('tests', ['vitest', 'run', ...args, ...reporters]);
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
