// What a person needs to go on playing with what the demo has built, as text to be copied.
import { shownCommand } from './jobProcess.ts';
import { SYNC } from './firstSync.ts';
import type { World } from './world.ts';

const NEWEST = `SELECT "internalDate", "from", "subject", "labels" FROM external_email_messages ORDER BY 1 DESC LIMIT 5`;

/** Prints the rows of one statement, for people without psql; to be run in the project's folder. */
const WITHOUT_PSQL =
  `const c=new(require('pg').Client)(process.env.DATABASE_URL);c.connect()` +
  `.then(()=>c.query(process.argv[1])).then(r=>console.table(r.rows)).finally(()=>c.end())`;

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** One `export` a line. */
export function exportLines({ environment }: World): string[] {
  return Object.entries(environment).map(([name, value]) => `export ${name}=${quoted(value)}`);
}

export const psqlCommand = ({ database }: Pick<World, 'database'>): string => `psql ${quoted(database.url)}`;

/** Everything there is to try while Postgres and the mailbox stay up. */
export function playgroundLines(world: World): string[] {
  const control = new URL('/_simulator/', world.simulator.graphBaseUrl).href;
  const post = (act: string, body: object): string =>
    `  curl -X POST ${control}${act} -d ${quoted(JSON.stringify(body))}`;
  return [
    'Postgres and the mailbox stay up. In another terminal, in this folder:',
    '',
    ...exportLines(world).map((line) => `  ${line}`),
    '',
    'Sync once more:',
    '',
    `  ${shownCommand(SYNC)}`,
    '',
    'Look into the tables, with psql or without:',
    '',
    `  ${psqlCommand(world)} -c ${quoted(NEWEST)}`,
    `  node -e "${WITHOUT_PSQL}" ${quoted(NEWEST)}`,
    '',
    'Change the mailbox, then sync again. Without an "id" it is the newest message of the Inbox:',
    '',
    post('create-message', { subject: 'Hello' }),
    post('read', { isRead: true }),
    post('categorize', { categories: ['Red category'] }),
    post('move', { folder: 'archive' }),
    post('delete', { hard: true }),
    '',
  ];
}
