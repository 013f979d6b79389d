// `npm run demo`: the whole way from nothing to an inbox that follows Outlook, with nothing but this project: a real
// control plane and Postgres, a simulated Microsoft Graph, and the real operator and job in processes of their own.
//
// It checks what it shows and fails when something did not happen. It leaves no process and no file behind, however
// it ends; the servers and the job listen and talk on 127.0.0.1 only.
import { parseArgs } from 'node:util';
import { exitCodes } from '../api/exitCodes.ts';
import { clusterBinaries } from '../test/harness/cluster/binaries.ts';
import { showCluster } from './cluster/showCluster.ts';
import { showJobAlone } from './jobAlone.ts';
import { Screen } from './screen.ts';
import { keepUntilStopped } from './show.ts';

const HELP = `Shows the whole system at work: a real Kubernetes control plane with the operator, a real Postgres, and
simulated mailboxes.

  npm run demo -- [options]

  --keep        leave all of it up until Ctrl-C, and say how to play with it
  --job-only    without Kubernetes: the sync job alone, as you would run it yourself
  --messages N  how many messages the first mailbox has (400 to 50000, default 4000)
  --help

Nothing leaves this machine, and nothing of yours is read or changed. It takes about two minutes (half a minute with
--job-only). The first time on a machine the control plane has to be had first: it is built with Go, in about ten
minutes, or downloaded; where neither is possible, the job is shown alone.
`;

interface Options {
  readonly keep: boolean;
  readonly jobOnly: boolean;
  readonly help: boolean;
  readonly messages: number;
}

/** Throws when an argument is unknown or makes no sense. */
function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      keep: { type: 'boolean', default: false },
      'job-only': { type: 'boolean', default: false },
      messages: { type: 'string', default: '4000' },
      help: { type: 'boolean', short: 'h', default: false },
    },
    strict: true,
  });
  const messages = /^\d{1,6}$/.test(values.messages) ? Number(values.messages) : Number.NaN;
  if (!(messages >= 400 && messages <= 50_000))
    throw new Error(`--messages takes a number from 400 to 50000, not "${values.messages}".`);
  return { keep: values.keep, jobOnly: values['job-only'], help: values.help, messages };
}

/** Why there can be no control plane on this machine, or undefined. It is built first where that is possible. */
async function whyNoCluster(screen: Screen): Promise<string | undefined> {
  try {
    await clusterBinaries({ say: (line) => screen.line(line) });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function show(screen: Screen, options: Options, signal: AbortSignal): Promise<void> {
  const keepUp = (lines: readonly string[]): Promise<void> =>
    options.keep ? keepUntilStopped(screen, signal, lines) : Promise.resolve();
  const parts = { screen, messages: options.messages, signal, keepUp };
  const obstacle = options.jobOnly ? undefined : await whyNoCluster(screen);
  if (obstacle !== undefined) {
    screen.line('There can be no Kubernetes control plane on this machine:');
    screen.lines(obstacle.split('\n').map((line) => `  ${line}`));
    screen.line('What follows shows the sync job alone.');
    screen.line();
  }
  await (options.jobOnly || obstacle !== undefined ? showJobAlone(parts) : showCluster(parts));
  screen.line('All of it is gone again.');
  if (!options.keep) screen.line('"npm run demo -- --keep" leaves it up for you to play with.');
}

/** Aborts at the first Ctrl-C, for a tidy end; a second one ends the process at once, and its servers with it. */
function stopOnSignal(): { signal: AbortSignal; exitCode: () => number } {
  const stop = new AbortController();
  let code = 0;
  for (const [name, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
    ['SIGHUP', 1],
  ] as const) {
    process.once(name, () => {
      code = 128 + number;
      stop.abort();
    });
  }
  // Whoever read the output is gone: nobody is left to show anything to.
  process.stdout.on('error', () => stop.abort());
  return { signal: stop.signal, exitCode: () => code };
}

async function main(): Promise<number> {
  let options: Options;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(
      `${error instanceof Error ? error.message : String(error)}\nTry npm run demo -- --help\n`,
    );
    return exitCodes.usage;
  }
  if (options.help) {
    process.stdout.write(HELP);
    return exitCodes.ok;
  }
  const { signal, exitCode } = stopOnSignal();
  const screen = new Screen(process.stdout);
  try {
    await show(screen, options, signal);
    return exitCodes.ok;
  } catch (error) {
    if (signal.aborted) {
      screen.line('Stopped. All of it is gone again.');
      return exitCode() || 1;
    }
    process.stderr.write(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

process.exitCode = await main();
