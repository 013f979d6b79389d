/**
 * Runs the simulated Graph by itself, for people: one mailbox, real HTTP on loopback, the environment to export and
 * a command to try. Ends on SIGINT or SIGTERM.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { PushOptions } from './pushOptions.ts';
import { startGraphSimulator, type GraphSimulator } from './simulator.ts';
import { LOCALES, type Locale } from './wellKnown.ts';

const HELP = `A simulated Microsoft Graph and Microsoft login, with a mailbox to sync from.

  npm run graph-simulator -- [options]

  --port N                 port on loopback (default: any free one)
  --host ADDRESS           address to listen on (default 127.0.0.1)
  --email ADDRESS          the mailbox (default ada@contoso.example)
  --messages N             how many messages it is born with (default 500)
  --locale ${LOCALES.join('|')}  language of its folders (default en)
  --seed N                 the same seed gives the same mailbox (default 1)
  --latency-ms N           delay of every answer to Graph (default 0)
  --concurrency N          requests at a time before a 429 (default 4)
  --every-nth-429 N        every N-th request is throttled for a second
  --token-seconds N        life of an access token (default 3600)
  --public-client          the app allows public client flows, and refuses its secret in them
  --rotate-strictly        a refresh token works once
  --allow-mailbox-delta    serve /me/messages/delta, which Graph refuses
  --no-folder-list-delta   refuse /me/mailFolders/delta, as 21Vianet does
  --relative-links         nextLink and deltaLink without a host
  --push                   notifications leave by themselves, a little after each change, however it came about
  --push-odd               the same, some of them doubled, lost or overtaken
  --longest-subscription N minutes that a subscription may live (default 4230)
  --odd                    sparse, doubled and empty pages, booleans as strings
  --help

While it runs, change the mailbox and sync again (URL as printed at the start; all fields are optional, a message
is named by its immutable "id", by default the newest of the Inbox):

  curl -X POST URL/_simulator/create-message -d '{"folder":"Inbox","subject":"Hello"}'
  curl -X POST URL/_simulator/read           -d '{"isRead":true}'
  curl -X POST URL/_simulator/move           -d '{"folder":"archive"}'
  curl -X POST URL/_simulator/categorize     -d '{"categories":["Red category"]}'
  curl -X POST URL/_simulator/delete         -d '{"hard":true}'
  curl -X POST URL/_simulator/lifecycle      -d '{"event":"missed"}'      # or reauthorizationRequired, subscriptionRemoved
  curl -X POST URL/_simulator/sign-in        -d '{"userCode":"THE-CODE"}'     # answers npm run connect; or "decline":true
  curl -X POST URL/_simulator/push           # the subscriptions, and what became of the notifications

Without --push each of these requests posts the notifications that it causes before it is answered.

It refuses what Graph refuses: message delta exists per folder only, at most four requests run at a time, ids change
on a move unless every request asks for immutable ones, and expired tokens are 401. Without "hard", delete moves the
message to Deleted Items, as Outlook does.
`;

const OPTIONS = {
  port: { type: 'string', default: '0' },
  host: { type: 'string', default: '127.0.0.1' },
  email: { type: 'string', default: 'ada@contoso.example' },
  messages: { type: 'string', default: '500' },
  locale: { type: 'string', default: 'en' },
  seed: { type: 'string', default: '1' },
  'latency-ms': { type: 'string', default: '0' },
  concurrency: { type: 'string', default: '4' },
  'every-nth-429': { type: 'string', default: '0' },
  'token-seconds': { type: 'string', default: '3600' },
  'public-client': { type: 'boolean', default: false },
  'rotate-strictly': { type: 'boolean', default: false },
  'allow-mailbox-delta': { type: 'boolean', default: false },
  'no-folder-list-delta': { type: 'boolean', default: false },
  'relative-links': { type: 'boolean', default: false },
  push: { type: 'boolean', default: false },
  'push-odd': { type: 'boolean', default: false },
  'longest-subscription': { type: 'string', default: '4230' },
  odd: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

type Values = ReturnType<typeof readArguments>;

function readArguments(args: readonly string[]) {
  return parseArgs({ args: [...args], options: OPTIONS, strict: true }).values;
}

function wholeNumber(
  values: Values,
  name:
    | 'port'
    | 'messages'
    | 'seed'
    | 'latency-ms'
    | 'concurrency'
    | 'every-nth-429'
    | 'token-seconds'
    | 'longest-subscription',
): number {
  const text = values[name];
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} takes a whole number, not "${text}".`);
  return Number(text);
}

function localeOf(values: Values): Locale {
  const found = LOCALES.find((name) => name === values.locale);
  if (found === undefined)
    throw new Error(`--locale is one of ${LOCALES.join(', ')}, not "${values.locale}".`);
  return found;
}

const LATE: PushOptions = { auto: true, delayMs: [200, 2_000] };
const TROUBLED: PushOptions = { ...LATE, duplicate: 0.2, reorder: 0.2, lose: 0.1, missedAfterMs: 10_000 };

function pushOf(values: Values): PushOptions {
  if (values['push-odd']) return TROUBLED;
  return values.push ? LATE : {};
}

async function start(values: Values): Promise<GraphSimulator> {
  // Every value is read before the server starts: a bad one must not leave it running.
  const messages = wholeNumber(values, 'messages');
  const nth = wholeNumber(values, 'every-nth-429');
  const locale = localeOf(values);
  const simulator = await startGraphSimulator({
    port: wholeNumber(values, 'port'),
    host: values.host,
    seed: wholeNumber(values, 'seed'),
    latencyMs: wholeNumber(values, 'latency-ms'),
    concurrencyLimit: wholeNumber(values, 'concurrency'),
    accessTokenSeconds: wholeNumber(values, 'token-seconds'),
    publicClientFlows: values['public-client'],
    revokeRefreshTokenOnUse: values['rotate-strictly'],
    allowMailboxDelta: values['allow-mailbox-delta'],
    allowFolderListDelta: !values['no-folder-list-delta'],
    relativeLinks: values['relative-links'],
    oddities: values.odd
      ? {
          duplicateEntries: 0.2,
          duplicatePages: 0.1,
          emptyPages: 0.1,
          stringBooleans: 0.2,
          sparseUpdates: 0.8,
        }
      : {},
    longestSubscriptionMinutes: wholeNumber(values, 'longest-subscription'),
    push: pushOf(values),
    control: true,
  });
  if (nth > 0) simulator.faults.everyNth(nth, { status: 429, headers: { 'retry-after': '1' } });
  // Dated to the present, so that a sync limited to recent history finds something.
  const born = { messages, folders: 'rich', newestMessageAt: Date.now() } as const;
  simulator.addMailbox({ email: values.email, locale, ...born });
  return simulator;
}

function introduction(simulator: GraphSimulator, values: Values): string {
  const mailbox = simulator.mailbox(values.email);
  return `Simulated Graph at ${simulator.graphBaseUrl}
${mailbox.email}: ${mailbox.messages().length} messages in ${mailbox.folders().length} folders.

Export this (and DATABASE_URL):

export OUTLOOK_GRAPH_BASE_URL='${simulator.graphBaseUrl}'
export OUTLOOK_TOKEN_URL='${simulator.tokenUrl}'
export OUTLOOK_CLIENT_ID='${simulator.clientId}'
export OUTLOOK_CLIENT_SECRET='${values['public-client'] ? '' : simulator.clientSecret}'
export OUTLOOK_REFRESH_TOKEN='${mailbox.refreshToken}'
export OUTLOOK_TOKEN_ENCRYPTION_KEYS='demo:${randomBytes(32).toString('base64')}'

Then, once "npm run job -- migrate" has made the tables:

npm run job -- sync --standalone --email ${mailbox.email} --user-id demo-user

Change the mailbox and sync again, for example:

curl -X POST ${new URL('/_simulator/create-message', simulator.graphBaseUrl).href} -d '{"subject":"Hello"}'

Ctrl-C ends it; --help shows everything else.
`;
}

async function untilSignal(): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) {
      process.once(signal, () => {
        resolve();
      });
    }
  });
}

async function main(): Promise<number> {
  let simulator: GraphSimulator;
  try {
    const values = readArguments(process.argv.slice(2));
    if (values.help) {
      process.stdout.write(HELP);
      return 0;
    }
    simulator = await start(values);
    process.stdout.write(introduction(simulator, values));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\nTry --help.\n`);
    return 64;
  }
  await untilSignal();
  await simulator.close();
  return 0;
}

process.exitCode = await main();
