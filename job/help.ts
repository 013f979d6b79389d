import { environment, type Variable } from '../api/environment.ts';
import { exitCodes } from '../api/exitCodes.ts';

/** `--help`, made from the same tables that the program reads. */
const arguments_ = `
Usage
  npm run job -- sync --standalone --email ADDRESS --user-id ID [--workspace-id ID] [--provider-id UUID]
  npm run job -- migrate
  npm run job -- cleanup --provider-id UUID [--email ADDRESS] [--user-id ID] [--retain]
  npm run job -- --help

Commands
  sync       brings one Outlook mailbox up to date in Postgres, once, and exits
  migrate    creates or updates the tables; safe to run again, and from several processes at once
  cleanup    removes a mailbox and all that was kept of it from Postgres; the row of email_providers stays,
             disconnected, where another program made it. Graph's subscription is deleted first, where the
             environment has what a sync needs for that. Waits for a sync under way; safe to run again

Arguments of sync
  --standalone               without a cluster; the lease in Postgres keeps two runs apart. In a cluster the
                             operator runs the job without it, with --provider-id
  --email ADDRESS            the mailbox
  --user-id ID               its owner in the unified inbox
  --workspace-id ID          the owner's workspace; absent is the same as none
  --provider-id UUID         the row of email_providers to sync; a new one is made where it names none.
                             Without it: the OUTLOOK row of that address and user, or a new one
  --user-principal-name UPN  the mailbox in Application mode, where it is not the address

Arguments of cleanup
  --provider-id UUID         the row of email_providers
  --email ADDRESS            where given, the row must be of this mailbox,
  --user-id ID               and of this owner; else nothing is touched
  --retain                   only Graph's subscription goes; every row stays
`;

function variableLines(): string {
  return Object.entries<Variable>(environment)
    .map(([name, { meaning, fallback, range, oneOf }]) => {
      const rest = [
        ...(range ? [`${range[0]} to ${range[1]}`] : []),
        ...(oneOf ? [oneOf.join(' | ')] : []),
        fallback === undefined ? '' : `default ${fallback === '' ? 'none' : fallback}`,
      ].filter((part) => part !== '');
      return `  ${name}\n      ${meaning}${rest.length > 0 ? ` (${rest.join('; ')})` : ''}`;
    })
    .join('\n');
}

const output = `
Output
  Logs are JSON lines on stderr. The last line on stdout is JSON: status (connected, skipped, interrupted, error),
  providerId, upserted, removed, quarantined, cursor (None, Bootstrapping, Paging, Steady), attempts, durationMs,
  holder when skipped, error { code, message } when it failed.

Exit codes
  ${exitCodes.ok}    done, or another run holds the lease
  ${exitCodes.usage}   arguments or environment are missing or malformed; nothing was touched
  ${exitCodes.bug}   a bug
  ${exitCodes.transient}   transient, retries used up; the next run goes on
  ${exitCodes.protocol}   Microsoft Graph broke its protocol
  ${exitCodes.refused}   credentials, ownership or type; a person has to act

Example
  export DATABASE_URL=postgres://inbox:secret@localhost:5432/inbox
  export OUTLOOK_CLIENT_ID=… OUTLOOK_CLIENT_SECRET=… OUTLOOK_REFRESH_TOKEN=…
  export OUTLOOK_TOKEN_ENCRYPTION_KEYS="k1:$(openssl rand -base64 32)"
  npm run job -- migrate
  npm run job -- sync --standalone --email anna@contoso.com --user-id user-42
`;

export function helpText(): string {
  return `outlook-sync job: Outlook mail into Postgres, one shot\n${arguments_}\nEnvironment\n${variableLines()}\n${output}`;
}
