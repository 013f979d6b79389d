import { readFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { exitCodes } from '../api/exitCodes.ts';
import type { Connection } from '../kube/connection.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { Failure, stopped } from './failure.ts';
import { signIn } from './login.ts';
import { type Mailbox, mailboxOf } from './plan/account.ts';
import { decideIntent, type Intent } from './plan/intent.ts';
import { providerManifest, secretToPrint } from './plan/manifests.ts';
import { endpointsOf, type Request } from './request.ts';
import { whoami } from './whoami.ts';

/**
 * From what is asked for to two objects: see what is there, have a person sign in, learn who it was, write. All that can
 * be refused without a sign-in is refused before it.
 */
export interface Surroundings {
  readonly connect: () => Promise<Connection>;
  readonly signal: AbortSignal;
  /** A line for the person who waits; never a token. */
  readonly say: (line: string) => void;
}

async function clientSecretOf({ app }: Request): Promise<string> {
  if (app.clientSecretFile === undefined) return app.clientSecret;
  const path = app.clientSecretFile;
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new Failure(exitCodes.usage, `--client-secret-file ${path}: cannot be read (${code})`);
  });
  if (text.trim() === '') throw new Failure(exitCodes.usage, `--client-secret-file ${path}: is empty`);
  return text.trim();
}

interface SignedIn {
  readonly refreshToken: string;
  readonly mailbox: Mailbox;
}

async function signedIn(
  request: Request,
  intent: Intent,
  clientSecret: string,
  { say, signal }: Surroundings,
): Promise<SignedIn> {
  const endpoints = endpointsOf(request, intent.login);
  const { scopes, timeoutSeconds, app } = request;
  const tell = (page: string, code: string, seconds: number): void => {
    say(`Open ${page} and enter the code ${code} within ${Math.floor(seconds / 60) || '<1'} min.`);
    const whom = request.emailAddress ?? intent.addresses[0] ?? 'the owner of the mailbox';
    say(`Sign in as ${whom}. Waiting; Ctrl-C stops and writes nothing.`);
  };
  const { clientId } = app;
  const login = { endpoints, clientId, clientSecret, scopes, timeoutSeconds, signal, tell };
  const { accessToken, refreshToken } = await signIn(login);
  const account = await whoami(endpoints.graphBaseUrl, accessToken, signal);
  const mailbox = mailboxOf(account, request, intent);
  say(`Signed in: ${account.mail ?? account.userPrincipalName ?? mailbox.emailAddress}.`);
  return { refreshToken, mailbox };
}

async function printed(
  request: Request,
  clientSecret: string,
  surroundings: Surroundings,
): Promise<readonly string[]> {
  const intent = decideIntent(request, request.namespace, undefined);
  const { refreshToken, mailbox } = await signedIn(request, intent, clientSecret, surroundings);
  surroundings.say(
    'The Secret on stdout has the refresh token in clear: whoever has it reads the mailbox. Nothing was written to a cluster.',
  );
  const objects = [secretToPrint(intent, refreshToken), providerManifest(intent, request, mailbox)];
  return [objects.map((object) => stringify(object).trimEnd()).join('\n---\n')];
}

/** What is for a new resource only. */
function tellUnused(request: Request, say: (line: string) => void): void {
  const { userId, workspaceId, schedule } = request;
  const given = Object.entries({
    '--user-id': userId,
    '--workspace-id': workspaceId,
    '--schedule': schedule,
  });
  const unused = given.filter(([, value]) => value !== undefined).map(([name]) => name);
  if (unused.length > 0) say(`${unused.join(', ')}: for a new resource only; this one stays as it is.`);
}

function tellIntent({ intent }: Cluster, request: Request, say: (line: string) => void): void {
  const { kind, name, namespace = '', secretName } = intent;
  if (kind === 'new') {
    say(`New in ${namespace}: the Secret ${secretName} and the OutlookProvider ${name}.`);
    return;
  }
  say(
    `The OutlookProvider ${namespace}/${name} exists. Only the token in its Secret ${secretName} is replaced.`,
  );
  tellUnused(request, say);
}

async function written(
  request: Request,
  clientSecret: string,
  surroundings: Surroundings,
): Promise<readonly string[]> {
  const { say, signal } = surroundings;
  const connection = await surroundings.connect();
  try {
    const cluster = await openCluster({ connection, request, signal, say });
    tellIntent(cluster, request, say);
    await cluster.rehearse();
    if (request.dryRun) {
      say('The API server would take it. Nothing was written, and nobody was asked to sign in.');
      return [];
    }
    const { refreshToken, mailbox } = await signedIn(request, cluster.intent, clientSecret, surroundings);
    if (signal.aborted) throw stopped();
    const lines = await cluster.write(refreshToken, mailbox);
    const { name, namespace = '' } = cluster.intent;
    say(`Next: kubectl wait --for=condition=Ready -n ${namespace} outlookprovider/${name} --timeout=5m`);
    return lines;
  } finally {
    await connection.close();
  }
}

/**
 * Resolves to the lines for stdout.
 * @throws Failure; anything else is a bug
 */
export async function connect(request: Request, surroundings: Surroundings): Promise<readonly string[]> {
  const clientSecret = await clientSecretOf(request);
  return request.output === 'yaml'
    ? printed(request, clientSecret, surroundings)
    : written(request, clientSecret, surroundings);
}
