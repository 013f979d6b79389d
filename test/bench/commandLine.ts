// The arguments of `npm run bench`.
import { parseArgs } from 'node:util';
import { type Benchmark, benchmarks } from './benchmarks.ts';

export type BenchCommand =
  | { readonly kind: 'help' }
  | { readonly kind: 'refused'; readonly problem: string }
  | {
      readonly kind: 'run';
      readonly benchmark: Benchmark;
      readonly json: boolean;
      readonly quick: boolean;
      readonly messages: number | undefined;
      readonly only: readonly string[];
    };

const flags = {
  json: { type: 'boolean' },
  quick: { type: 'boolean' },
  messages: { type: 'string' },
  only: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

const fewestMessages = 1_000;

const names = Object.keys(benchmarks).join(', ');
const refused = (problem: string): BenchCommand => ({ kind: 'refused', problem });

/** Reads the arguments; what is wrong with them is the answer, not an exception. */
export function readCommand(args: readonly string[]): BenchCommand {
  let given;
  try {
    given = parseArgs({ args: [...args], options: flags, allowPositionals: true });
  } catch (error) {
    return refused(error instanceof Error ? error.message : String(error));
  }
  const { values, positionals } = given;
  if (values.help === true) return { kind: 'help' };
  const [name, ...more] = positionals;
  if (name === undefined) return refused(`Which benchmark? There is: ${names}`);
  if (more.length > 0) return refused(`One benchmark at a time; what is "${more[0]}"?`);
  const benchmark = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined;
  if (!benchmark) return refused(`There is no benchmark "${name}", but: ${names}`);
  return readRun(benchmark, values);
}

function readRun(
  benchmark: Benchmark,
  values: { json?: boolean; quick?: boolean; messages?: string; only?: string },
): BenchCommand {
  const { json = false, quick = false } = values;
  const messages = values.messages === undefined ? undefined : Number(values.messages);
  if (messages !== undefined && !(Number.isSafeInteger(messages) && messages >= fewestMessages)) {
    return refused(`--messages takes a whole number from ${fewestMessages} on, not "${values.messages}"`);
  }
  const only = values.only?.split(',') ?? [];
  const stranger = only.find((part) => !Object.hasOwn(benchmark.parts, part));
  if (stranger !== undefined) {
    return refused(`There is no part "${stranger}", but: ${Object.keys(benchmark.parts).join(', ')}`);
  }
  return { kind: 'run', benchmark, json, quick, messages, only };
}

export function helpText(): string {
  const listed = Object.entries(benchmarks).flatMap(([name, { summary, parts }]) => [
    `  ${name.padEnd(12)} ${summary}; its parts:`,
    ...Object.entries(parts).map(([part, what]) => `    ${part.padEnd(12)} ${what}`),
  ]);
  return `Usage: npm run bench -- BENCHMARK [options]

Measures this project on this machine and prints a table of goals and figures: on stdout the table, on stderr what is
going on. A goal that is not met is said loudly and is no failure: the exit code is 0 unless a measurement itself
failed. docs/benchmarks.md tells what each figure means and how it is measured.

Benchmarks:
${listed.join('\n')}

Options:
  --json             last on stdout, one line of JSON: the figures by their keys
  --quick            a smoke test with a tenth of the messages; its figures say little
  --messages NUMBER  messages of the mailbox, in place of 50,000 (or of 5,000 with --quick)
  --only PART,PART   some parts only; the JSON then has their keys only
  -h, --help         this text

Examples:
  npm run bench -- sync
  npm run bench -- sync --quick --json
  npm run bench -- sync --only floor,startup
`;
}
