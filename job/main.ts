import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { type ExitCode, exitCodes } from '../api/exitCodes.ts';
import { cleanUp } from './cleanup.ts';
import { type Command, parseCommand } from './cli.ts';
import { joinCluster } from './cluster/join.ts';
import { isInCluster } from './cluster/surroundings.ts';
import { parseCleanupSettings, parseDatabaseSettings, parseSettings, type Problem } from './config.ts';
import { Interrupted, SyncError, toSyncError } from './errors.ts';
import { helpText } from './help.ts';
import { createLog } from './log.ts';
import { leaveTerminationMessage, reportOf, terminationLine, type Told } from './report.ts';
import { shownError } from './result.ts';
import { Run } from './run.ts';
import { migrate } from './store/migrate.ts';
import { openPool } from './store/pool.ts';

/**
 * The job: one shot, then exit. It reads arguments and environment, runs one command, writes one line of JSON as the
 * last on stdout, and exits with the code that the outcome has. Nothing else decides on exit codes.
 */
const startedAt = new Date();
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

process.on('unhandledRejection', fatal);
process.on('uncaughtException', fatal);

function fatal(thrown: unknown): void {
  const frames = thrown instanceof Error ? thrown.stack?.split('\n').slice(1, 6).join('\n') : '';
  writeSync(2, `${JSON.stringify({ level: 'fatal', msg: 'A bug', type: typeof thrown, frames })}\n`);
  fail(toSyncError(thrown), exitCodes.bug);
}

/** @param last the termination message, where it is not the summary itself */
function finish(summary: object, code: ExitCode, last = JSON.stringify(summary)): void {
  const failed = leaveTerminationMessage(process.env, last);
  if (failed !== null) {
    const line = { level: 'warn', code: failed, msg: 'Could not write the termination message' };
    writeSync(2, `${JSON.stringify(line)}\n`);
  }
  writeSync(1, `${JSON.stringify(summary)}\n`);
  process.exit(code);
}

function fail(error: SyncError, code: ExitCode): void {
  const told: Told = { status: 'error', error: shownError(error) };
  const report = reportOf(told, { startedAt, finishedAt: new Date() }, null);
  finish(told, code, terminationLine(report));
}

/** All problems at once: in words where a person looks on, as log lines where a program does, and in the summary. */
function refuse(problems: readonly Problem[]): void {
  const lines = problems.map(({ name, problem, example }) =>
    process.stderr.isTTY
      ? `  ${name}: ${problem}. Example: ${example}`
      : JSON.stringify({ level: 'error', name, problem, example, msg: 'The configuration is not valid' }),
  );
  if (process.stderr.isTTY) lines.unshift('The configuration is not valid; nothing was touched.');
  writeSync(2, `${lines.join('\n')}\n`);
  const told = problems.map(({ name, problem, example }) => `${name}: ${problem} (for example ${example})`);
  const message = told.join('; ');
  fail(new SyncError('ConfigurationInvalid', message), exitCodes.usage);
}

async function runMigrate({ problems }: Command & { name: 'migrate' }): Promise<void> {
  const settings = parseDatabaseSettings(process.env);
  if (!settings.ok || problems.length > 0) {
    refuse([...problems, ...(settings.ok ? [] : settings.problems)]);
    return;
  }
  const log = createLog(settings.value.LOG_LEVEL, randomUUID());
  try {
    const pool = await openPool({ databaseUrl: settings.value.DATABASE_URL, connections: 1 });
    const applied = await migrate(pool);
    await pool.end();
    log.info({ applied }, applied.length > 0 ? 'Migrated the database' : 'The database is up to date');
    finish({ status: 'migrated', applied }, exitCodes.ok);
  } catch (thrown) {
    const error = toSyncError(thrown);
    log.error({ code: error.code, reason: error.message }, 'The migration failed');
    fail(error, error.exitCode);
  }
}

/** The last resort against a database or a kernel that never answers: the lease runs out by itself. */
function watch(deadlineSeconds: number): void {
  const hung = new SyncError('DatabaseUnreachable', 'The run did not end within a minute of its deadline');
  const end = (): void => fail(hung, hung.exitCode);
  setTimeout(end, Math.min((deadlineSeconds + 60) * 1000, 2 ** 31 - 1)).unref();
}

async function runSync(command: Command & { name: 'sync' }): Promise<void> {
  const { claim, user, standalone } = command;
  const settings = parseSettings(process.env);
  const joined = standalone ? null : joinCluster(process.env);
  const problems = [command, settings, joined].flatMap((part) =>
    part && 'problems' in part ? part.problems : [],
  );
  if (!settings.ok || joined?.ok === false || problems.length > 0) {
    refuse(problems);
    return;
  }
  const log = createLog(settings.value.LOG_LEVEL, randomUUID());
  for (const warning of settings.warnings) log.warn(warning);
  watch(settings.value.OUTLOOK_SYNC_DEADLINE_SECONDS);
  const cluster = joined?.start(settings.value, log);
  const { signal } = stop;
  const run = new Run({ settings: settings.value, claim, user, log, signal, ...(cluster && { cluster }) });
  const { summary, error, report } = await run.execute();
  finish(summary, error instanceof SyncError ? error.exitCode : exitCodes.ok, terminationLine(report));
}

async function runCleanup({ claim, retain, problems }: Command & { name: 'cleanup' }): Promise<void> {
  const settings = parseCleanupSettings(process.env);
  if (!settings.ok || problems.length > 0) {
    refuse([...problems, ...(settings.ok ? [] : settings.problems)]);
    return;
  }
  const log = createLog(settings.value.LOG_LEVEL, randomUUID());
  for (const warning of settings.warnings) log.warn(warning);
  watch(settings.value.OUTLOOK_SYNC_DEADLINE_SECONDS);
  try {
    const unsubscribing = parseSettings(process.env);
    const request = { settings: settings.value, claim, retain, unsubscribing, log, signal: stop.signal };
    finish(await cleanUp(request), exitCodes.ok);
  } catch (thrown) {
    if (thrown instanceof Interrupted) {
      log.warn('Stopped before all was removed; the next cleanup goes on from here');
      // Not a success: who waits for the end of the cleanup must not take it for one.
      finish({ status: 'interrupted', providerId: claim.providerId }, exitCodes.transient);
      return;
    }
    const error = toSyncError(thrown);
    log.error({ code: error.code, reason: error.message }, 'The cleanup failed');
    fail(error, error.exitCode);
  }
}

const command = parseCommand(process.argv.slice(2), isInCluster(process.env));
switch (command.name) {
  case 'help':
    writeSync(1, helpText());
    process.exit(exitCodes.ok);
    break;
  case 'unknown':
    refuse(command.problems);
    break;
  case 'migrate':
    await runMigrate(command);
    break;
  case 'sync':
    await runSync(command);
    break;
  case 'cleanup':
    await runCleanup(command);
    break;
}
