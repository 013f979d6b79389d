// Decides whether a check passed, and with what words it ends.

export interface StepResult {
  readonly name: string;
  readonly ok: boolean;
  readonly seconds: number;
}

/** A run of all tests; the counts are undefined when it did not live to report them. */
export interface TestRun {
  readonly step: StepResult;
  readonly counts: { readonly passed: number; readonly failed: number } | undefined;
}

/**
 * The closing lines of a check, the last one being `N passed, N failed`, and whether all is well.
 *
 * A failed step counts as one failure. So does a test run in which no test failed and which failed all the same
 * (an error outside a test, no report), or in which no test ran at all.
 */
export function summarize(steps: readonly StepResult[], tests: TestRun): { lines: string[]; ok: boolean } {
  const counts = tests.counts ?? { passed: 0, failed: 0 };
  const nothingRan = counts.passed + counts.failed === 0;
  const runFailed = counts.failed === 0 && (nothingRan || !tests.step.ok);
  const failed = steps.filter((step) => !step.ok).length + counts.failed + (runFailed ? 1 : 0);
  const lines = [...steps, tests.step].map(
    ({ name, ok, seconds }) => `${ok ? 'ok    ' : 'FAILED'} ${name} (${seconds.toFixed(1)} s)`,
  );
  if (nothingRan) lines.push('FAILED no test ran');
  return { lines: [...lines, `${counts.passed} passed, ${failed} failed`], ok: failed === 0 };
}
