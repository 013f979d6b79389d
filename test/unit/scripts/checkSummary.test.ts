import { describe, expect, it } from 'vitest';
import { type StepResult, summarize } from '../../../scripts/checkSummary.ts';

const step = (name: string, ok: boolean): StepResult => ({ name, ok, seconds: 1.25 });

interface Case {
  readonly what: string;
  readonly steps?: readonly StepResult[];
  readonly testsOk: boolean;
  readonly counts?: { readonly passed: number; readonly failed: number };
  readonly line: string;
}

const lint = step('lint', false);
const types = step('types', false);

const cases: readonly Case[] = [
  { what: 'all well', testsOk: true, counts: { passed: 7, failed: 0 }, line: '7 passed, 0 failed' },
  { what: 'failed tests', testsOk: false, counts: { passed: 7, failed: 2 }, line: '7 passed, 2 failed' },
  {
    what: 'a failed step',
    steps: [lint],
    testsOk: true,
    counts: { passed: 7, failed: 0 },
    line: '7 passed, 1 failed',
  },
  {
    what: 'both',
    steps: [lint, types],
    testsOk: false,
    counts: { passed: 7, failed: 2 },
    line: '7 passed, 4 failed',
  },
  {
    what: 'an error outside a test',
    testsOk: false,
    counts: { passed: 7, failed: 0 },
    line: '7 passed, 1 failed',
  },
  { what: 'no report', testsOk: false, line: '0 passed, 1 failed' },
  { what: 'no test at all', testsOk: true, counts: { passed: 0, failed: 0 }, line: '0 passed, 1 failed' },
];

describe('summarize', () => {
  it.each(cases)('counts $what', ({ steps = [step('format', true)], testsOk, counts, line }) => {
    const { lines, ok } = summarize(steps, { step: step('tests', testsOk), counts });
    expect(lines.at(-1)).toBe(line);
    expect(ok).toBe(line.endsWith(', 0 failed'));
  });

  it('names each step and what became of it', () => {
    const { lines } = summarize([step('lint', false)], {
      step: step('tests', true),
      counts: { passed: 1, failed: 0 },
    });
    expect(lines).toEqual(['FAILED lint (1.3 s)', 'ok     tests (1.3 s)', '1 passed, 1 failed']);
  });
});
