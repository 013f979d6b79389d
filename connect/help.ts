import { environment, type VariableName } from '../api/environment.ts';
import { exitCodes } from '../api/exitCodes.ts';
import { defaultScopes, variables } from './request.ts';

const arguments_ = `Usage
  npm run connect -- --name NAME --user-id ID --client-id ID [options]     a new mailbox
  npm run connect -- --name NAME --client-id ID [options]                  a new grant for one that is there
  npm run connect -- --help

In the image: node /app/connect.js.

A person opens a page of Microsoft, enters a code and signs in; then the refresh token stands in a Secret, and an
OutlookProvider refers to it. Where the OutlookProvider exists already, only the token is replaced: that is how a mailbox
is brought back whose grant is dead (CredentialsValid=False, ReauthorizationRequired). The operator sees the new token and
syncs at once.

What is written
  --name NAME               the OutlookProvider
  -n, --namespace NAME      its namespace (default: the kubeconfig's, else default)
  --secret NAME             the Secret (default: NAME-outlook, or as the OutlookProvider says)
  --email ADDRESS           the mailbox (default: the address of who signs in)
  --user-id ID              the mailbox's owner in the unified inbox; required for a new one
  --workspace-id ID         the owner's workspace
  --schedule "CRON"         five fields, H for a minute of its own (default H/5 * * * *)

The app and the sign-in
  --client-id ID            the app registered with Microsoft; the same that the jobs of the namespace use, for a token
                            is worth nothing to another
  --client-secret-file FILE where the app does not allow public client flows: a file with its secret
  --tenant TENANT           id or domain of a tenant, or common, organizations, consumers (default common)
  --cloud CLOUD             Global, USGov, USGovDoD or China (default Global)
  --scopes "SCOPES"         what is asked for (default "${defaultScopes}"); add
                            MailboxSettings.Read if categories are to have Outlook's colours
  --timeout TIME            how long to wait for the sign-in, such as 300, 300s or 15m (default 15m; the code itself
                            lives as long as Microsoft says)

The cluster
  --kubeconfig FILE         default: as KUBECONFIG says, the service account of a pod, or ~/.kube/config
  --context NAME            one of its contexts
  -o, --output yaml         no cluster: both objects on stdout, the refresh token in clear (npm --silent run connect -- …,
                            for npm itself writes to stdout as well)
  --dry-run                 everything but the sign-in and the writing: the API server judges what would be written

Consent
  --replace-foreign-secret  write into a Secret that exists and is not of this OutlookProvider
  --accept-other-address    take the grant although who signed in has another address than the OutlookProvider
`;

const output = `
Output
  Progress is told on stderr, in words and without tokens. stdout has one line for each object that was written, or YAML.
  Ctrl-C until the sign-in is through writes nothing. Killed in between, and run again, it completes what it began.

Exit codes
  ${exitCodes.ok}    done
  ${exitCodes.usage}   arguments, environment or kubeconfig are missing or malformed; nothing was written
  ${exitCodes.bug}   a bug
  ${exitCodes.transient}   nobody signed in in time, it was stopped, or something did not answer: run it again
  ${exitCodes.protocol}   Microsoft's login broke its protocol
  ${exitCodes.refused}   declined, not allowed, or not yours: the message says what has to change

Rights
  For a new mailbox: get, create and patch on outlookproviders and secrets. For a new grant: get on outlookproviders, get
  and patch on secrets. Values of Secrets are not read.

Example
  npm run connect -- --name anna --user-id user-42 --client-id 6f1c2b7e-0d7a-4c55-9d37-2b6a4f0f7a11 --dry-run
  npm run connect -- --name anna --user-id user-42 --client-id 6f1c2b7e-0d7a-4c55-9d37-2b6a4f0f7a11
`;

function variableLines(): string {
  const own: Readonly<Record<string, string>> = {
    OUTLOOK_CLIENT_ID: 'Where --client-id is absent',
    OUTLOOK_CLIENT_SECRET: 'Where --client-secret-file is absent; empty for a public client',
    OUTLOOK_TENANT_ID: 'Where neither --tenant nor an OutlookProvider says it',
    OUTLOOK_CLOUD: 'Where neither --cloud nor an OutlookProvider says it',
    OUTLOOK_TOKEN_URL: `${environment.OUTLOOK_TOKEN_URL.meaning}; /devicecode stands beside it`,
  };
  return variables
    .map((name) => `  ${name}\n      ${own[name] ?? environment[name as VariableName].meaning}`)
    .join('\n');
}

export function helpText(): string {
  return `outlook-sync connect: signs in to a mailbox and connects it\n\n${arguments_}\nEnvironment\n${variableLines()}\n${output}`;
}
