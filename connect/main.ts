import { writeSync } from 'node:fs';
import { type ExitCode, exitCodes } from '../api/exitCodes.ts';
import type { Connection } from '../kube/connection.ts';
import { openConnection } from '../kube/openConnection.ts';
import { Failure } from './failure.ts';
import { helpText } from './help.ts';
import { parseRequest, type Problem, type Request } from './request.ts';
import { connect } from './run.ts';

/**
 * connect: a person signs in, and a mailbox is connected. For people, so it speaks in lines; stdout has the result alone.
 * Nothing else decides on exit codes.
 */
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

process.on('unhandledRejection', fatal);
process.on('uncaughtException', fatal);

const say = (line: string): number => writeSync(2, `${line}\n`);

/** Where it happened and never what was said: an error may hold an answer with tokens. */
function fatal(thrown: unknown): void {
  const frames = thrown instanceof Error ? thrown.stack?.split('\n    at ').slice(1, 6).join('\n  ') : '';
  const name = thrown instanceof Error ? thrown.name : typeof thrown;
  end(exitCodes.bug, `A bug (${name}). Please report it with these lines:\n  ${frames}`);
}

function end(code: ExitCode, line: string): void {
  say(line);
  process.exit(code);
}

function refuse(problems: readonly Problem[]): void {
  const lines = problems.map(({ name, problem, example }) => `  ${name}: ${problem}. Example: ${example}`);
  end(exitCodes.usage, ['Nothing was touched:', ...lines].join('\n'));
}

async function open({ kubeconfig }: Request): Promise<Connection> {
  try {
    if (kubeconfig.path === undefined && kubeconfig.context === undefined)
      return await openConnection(process.env);
    const { kubeconfigConnection } = await import('../kube/kubeconfig.ts');
    return await kubeconfigConnection(kubeconfig);
  } catch (error) {
    const words = error instanceof Error ? error.message : 'There is no way to an API server';
    throw new Failure(
      exitCodes.usage,
      `${words}. See --kubeconfig and --context; --output yaml needs neither`,
    );
  }
}

async function run(request: Request): Promise<void> {
  try {
    const lines = await connect(request, { connect: () => open(request), signal: stop.signal, say });
    if (lines.length > 0) writeSync(1, `${lines.join('\n')}\n`);
    process.exit(exitCodes.ok);
  } catch (error) {
    if (error instanceof Failure) end(error.exitCode, error.message);
    else fatal(error);
  }
}

const parsed = parseRequest(process.argv.slice(2), process.env);
if (parsed.name === 'help') writeSync(1, helpText());
else if (parsed.name === 'refused') refuse(parsed.problems);
else await run(parsed.request);
