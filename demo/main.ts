// `npm run demo`: the whole way from an empty database to an inbox that follows Outlook, with nothing but this project:
// a real Postgres, a simulated Microsoft Graph, and the real job in processes of its own.
//
// It checks what it shows and fails when something did not happen. It leaves no process and no file behind, however
// it ends; the servers and the job listen and talk on 127.0.0.1 only.
import { parseArgs } from 'node:util';
import { exitCodes } from '../api/exitCodes.ts';
import { firstSync, migrate, type Stage } from './firstSync.ts';
import { showInbox, showLabels } from './inbox.ts';
import { assertMirrored, laterSyncs } from './laterSyncs.ts';
import { exportLines, playgroundLines, psqlCommand } from './playground.ts';
import { Screen } from './screen.ts';
import { buildWorld } from './world.ts';

const HELP = `Shows the sync at work: a simulated mailbox, a real Postgres, and the job as you would run it.

  npm run demo -- [options]

  --keep        leave Postgres and the mailbox up until Ctrl-C, and say how to play with them
  --messages N  how many messages the mailbox has (400 to 50000, default 4000)
  --help

Nothing leaves this machine, and nothing of yours is read or changed. It takes about 20 seconds.
`;

interface Options {
  readonly keep: boolean;
  readonly help: boolean;
  readonly messages: number;
}

/** Throws when an argument is unknown or makes no sense. */
function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      keep: { type: 'boolean', default: false },
      messages: { type: 'string', default: '4000' },
      help: { type: 'boolean', short: 'h', default: false },
    },
    strict: true,
  });
  const messages = /^\d{1,6}$/.test(values.messages) ? Number(values.messages) : Number.NaN;
  if (!(messages >= 400 && messages <= 50_000))
    throw new Error(`--messages takes a number from 400 to 50000, not "${values.messages}".`);
  return { keep: values.keep, help: values.help, messages };
}

/** All acts, in order; throws when one of them did not happen as it should. */
async function perform(stage: Stage): Promise<void> {
  const { screen, world, signal } = stage;
  const acts: readonly (readonly [title: string, act: (stage: Stage) => Promise<void>])[] = [
    ['1. An empty database', migrate],
    ['2. The first sync, in several runs', firstSync],
    ['3. Things change in Outlook', laterSyncs],
    ['4. The inbox', showInbox],
    ['5. The labels', showLabels],
  ];
  for (const [title, act] of acts) {
    signal.throwIfAborted();
    screen.heading(title);
    await act(stage);
  }
  const count = await assertMirrored(world);
  screen.line();
  screen.line(
    screen.style('green', `✔ The tables hold the mailbox, message by message: ${count} rows compared.`),
  );
}

function introduce({ screen, world }: Stage): void {
  const { mailbox, simulator } = world;
  screen.line(`Postgres:  ${psqlCommand(world)}`);
  screen.line(`Graph:     ${simulator.graphBaseUrl} (simulated)`);
  const size = `${mailbox.messages().length} messages in ${mailbox.folders().length} folders`;
  screen.line(`Mailbox:   ${mailbox.email}, ${size}`);
  screen.line('The commands below run with this environment:');
  screen.line();
  for (const line of exportLines(world)) screen.note(`  ${line}`);
}

async function show(screen: Screen, options: Options, signal: AbortSignal): Promise<void> {
  screen.line('Starting Postgres and a simulated Microsoft Graph ...');
  const world = await buildWorld(options.messages);
  try {
    const stage = { screen, world, signal };
    introduce(stage);
    await perform(stage);
    screen.line();
    if (options.keep) await keepUp(stage);
  } finally {
    screen.clear();
    await world.close();
  }
  screen.line('Postgres and the mailbox are gone again.');
  if (!options.keep) screen.line('"npm run demo -- --keep" leaves them up for you to play with.');
}

/** Resolves when the user has had enough. */
async function keepUp({ screen, world, signal }: Stage): Promise<void> {
  screen.lines(playgroundLines(world));
  screen.line('Ctrl-C ends it.');
  const heartbeat = setInterval(() => undefined, 60_000);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  clearInterval(heartbeat);
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
      screen.line('Stopped. Postgres and the mailbox are gone again.');
      return exitCode() || 1;
    }
    process.stderr.write(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

process.exitCode = await main();
