// `npm run bench`: runs one benchmark and tells what it found.
import { writeSync } from 'node:fs';
import { type BenchCommand, helpText, readCommand } from './commandLine.ts';
import { json, table } from './figure.ts';

const usage = 64;
const failed = 1;

async function run(command: BenchCommand & { kind: 'run' }): Promise<number> {
  const started = performance.now();
  const progress = (text: string): void => {
    const seconds = Math.round((performance.now() - started) / 1000);
    writeSync(2, `${String(seconds).padStart(4)} s  ${text}\n`);
  };
  try {
    const { heading, figures } = await command.benchmark.run({ ...command, progress });
    writeSync(1, `${table(heading, figures)}\n`);
    if (command.json) writeSync(1, `${json(figures)}\n`);
    return 0;
  } catch (error) {
    writeSync(2, `The benchmark failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    return failed;
  }
}

const command = readCommand(process.argv.slice(2));
switch (command.kind) {
  case 'help':
    writeSync(1, helpText());
    break;
  case 'refused':
    writeSync(2, `${command.problem}\nnpm run bench -- --help tells more.\n`);
    process.exitCode = usage;
    break;
  case 'run':
    process.exitCode = await run(command);
    break;
}
