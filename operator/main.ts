import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { exitCodes } from '../api/exitCodes.ts';
import type { Connection } from '../kube/connection.ts';
import { openConnection } from '../kube/openConnection.ts';
import { type OperatorConfig, parseConfig, type Problem } from './config.ts';
import { helpText } from './help.ts';
import { CannotListen } from './httpServer.ts';
import { createLog } from './log.ts';
import { runOperator } from './run.ts';

/**
 * The operator: runs until it is told to stop, or has lost leadership. Nothing else decides on exit codes.
 */
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

process.on('unhandledRejection', fatal);
process.on('uncaughtException', fatal);

function fatal(thrown: unknown): void {
  const frames = thrown instanceof Error ? thrown.stack?.split('\n').slice(0, 8).join('\n') : typeof thrown;
  writeSync(2, `${JSON.stringify({ level: 'fatal', msg: 'A bug', frames })}\n`);
  process.exit(exitCodes.bug);
}

/** All problems at once: in words where a person looks on, as log lines where a program does. */
function refuse(problems: readonly Problem[]): void {
  const lines = problems.map(({ name, problem, example }) =>
    process.stderr.isTTY
      ? `  ${name}: ${problem}. Example: ${example}`
      : JSON.stringify({ level: 'error', name, problem, example, msg: 'The configuration is not valid' }),
  );
  if (process.stderr.isTTY) lines.unshift('The configuration is not valid; nothing was touched.');
  writeSync(2, `${lines.join('\n')}\n`);
  process.exit(exitCodes.usage);
}

async function connect(): Promise<Connection | undefined> {
  try {
    return await openConnection(process.env);
  } catch (error) {
    const problem = error instanceof Error ? error.message : 'leads to no API server';
    refuse([{ name: 'KUBECONFIG', problem, example: '/home/anna/.kube/config' }]);
    return undefined;
  }
}

function problemOf({ of, message: problem }: CannotListen): Problem {
  return of === 'port'
    ? { name: 'OUTLOOK_OPERATOR_HTTP_PORT', problem, example: '0' }
    : { name: 'OUTLOOK_OPERATOR_HTTP_HOST', problem, example: '0.0.0.0' };
}

async function run(config: OperatorConfig, warnings: readonly string[]): Promise<void> {
  const pod = config.podName ?? hostname();
  const identity = `${pod}_${randomUUID().slice(0, 8)}`;
  const log = createLog(config.logLevel, identity);
  for (const warning of warnings) log.warn(warning);
  const connection = await connect();
  if (connection === undefined) return;
  log.info({ server: connection.server.origin, namespaces: config.watchNamespaces }, 'Starting');
  const running = runOperator({ config, connection, identity, log, signal: stop.signal });
  const code = await running.catch((error: unknown) => {
    if (error instanceof CannotListen) refuse([problemOf(error)]);
    throw error;
  });
  if (code === exitCodes.ok) log.info('Stopped');
  else log.error('Lost leadership; starting anew is up to whoever started this');
  process.exit(code);
}

const [argument] = process.argv.slice(2);
if (argument === '--help' || argument === '-h' || argument === 'help') {
  writeSync(1, helpText());
} else if (argument !== undefined) {
  refuse([{ name: argument, problem: 'is no argument of the operator', example: '--help' }]);
} else {
  const parsed = parseConfig(process.env);
  if (parsed.ok) await run(parsed.config, parsed.warnings);
  else refuse(parsed.problems);
}
