import { writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { exitCodes } from '../api/exitCodes.ts';
import { webhookEnvironment, type WebhookVariableName } from '../api/webhookEnvironment.ts';
import type { Connection } from '../kube/connection.ts';
import { openConnection } from '../kube/openConnection.ts';
import { parseConfig, type Problem, type WebhookConfig } from './config.ts';
import { helpText } from './help.ts';
import { createLog } from './log.ts';
import { CannotListen, runWebhook } from './run.ts';

/**
 * The webhook: runs until it is told to stop; a second time, and it stops at once. Nothing else decides on exit codes.
 */
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

process.on('unhandledRejection', fatal);
process.on('uncaughtException', fatal);

function fatal(thrown: unknown): void {
  const frames = thrown instanceof Error ? thrown.stack?.split('\n').slice(1, 8).join('\n') : '';
  writeSync(2, `${JSON.stringify({ level: 'fatal', msg: 'A bug', type: typeof thrown, frames })}\n`);
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

async function run(config: WebhookConfig, warnings: readonly string[]): Promise<void> {
  const pod = config.podName ?? hostname();
  const log = createLog(config.logLevel, pod);
  for (const warning of warnings) log.warn(warning);
  const connection = await connect();
  if (connection === undefined) return;
  log.info({ server: connection.server.origin, namespaces: config.watchNamespaces }, 'Starting');
  await runWebhook({ config, connection, pod, log, signal: stop.signal }).catch((error: unknown) => {
    if (!(error instanceof CannotListen)) throw error;
    const { example } = webhookEnvironment[error.variable as WebhookVariableName];
    refuse([{ name: error.variable, problem: error.message, example }]);
  });
  log.info('Stopped');
  process.exit(exitCodes.ok);
}

const [argument] = process.argv.slice(2);
if (argument === '--help' || argument === '-h' || argument === 'help') {
  writeSync(1, helpText());
} else if (argument !== undefined) {
  refuse([{ name: argument, problem: 'is no argument of the webhook', example: '--help' }]);
} else {
  const parsed = parseConfig(process.env);
  if (parsed.ok) await run(parsed.config, parsed.warnings);
  else refuse(parsed.problems);
}
