import { type ExitCode, exitCodes } from '../api/exitCodes.ts';
import { fieldManagers, outlookProviders } from '../api/resource.ts';
import { KubeClient } from '../kube/client.ts';
import type { Connection } from '../kube/connection.ts';
import { isKubeError, type KubeError, type KubeErrorKind } from '../kube/errors.ts';
import type { KubeObject, ObjectRef } from '../kube/object.ts';
import { type Resource, secrets } from '../kube/resource.ts';
import { Failure, stopped } from './failure.ts';
import type { Mailbox } from './plan/account.ts';
import { checkSecret, decideIntent, type Intent, type StoredProvider } from './plan/intent.ts';
import { providerManifest, secretToApply } from './plan/manifests.ts';
import type { Request } from './request.ts';

/**
 * The two objects in the cluster. Of a Secret nothing but its metadata is ever read, and of those that exist nothing but
 * the one key is written. What the API server will say is asked before a person signs in.
 */
type Stored = KubeObject & StoredProvider;
const providers: Resource<Stored> = outlookProviders;

const exits: Partial<Record<KubeErrorKind, ExitCode>> = {
  invalid: exitCodes.usage,
  forbidden: exitCodes.refused,
  unauthorized: exitCodes.refused,
  notFound: exitCodes.refused,
  conflict: exitCodes.refused,
  namespaceTerminating: exitCodes.refused,
};

function failureOf(error: KubeError, hint = ''): Failure {
  return new Failure(exits[error.kind] ?? exitCodes.transient, `${error.message}${hint}`, { cause: error });
}

/** A kind that the API server does not know is told by a 404 without a reason. */
function definitionMissing(): Failure {
  return new Failure(
    exitCodes.refused,
    'The API server knows no OutlookProviders: kubectl apply --server-side -f crds/',
  );
}

export interface ClusterOptions {
  readonly connection: Connection;
  readonly request: Request;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export interface Cluster {
  readonly intent: Intent;
  /** Puts what will be written to the API server, which stores nothing. @throws Failure */
  readonly rehearse: () => Promise<void>;
  /** Writes, the Secret first; resolves to what was written. @throws Failure that says what stands */
  readonly write: (refreshToken: string, mailbox: Mailbox) => Promise<readonly string[]>;
}

/** Looks at what is there. @throws Failure */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const { connection, request, signal } = options;
  const client = new KubeClient(connection, { userAgent: fieldManagers.connect });
  const namespace = request.namespace ?? connection.namespace ?? 'default';
  try {
    const intent = decideIntent(
      request,
      namespace,
      await found(client, { namespace, name: request.name }, signal),
    );
    const ref = { namespace, name: intent.secretName };
    const secret = await client.get(secrets, ref, { metadataOnly: true, signal }).catch(absent);
    checkSecret(intent, request, secret);
    const writer = new Writer(client, intent, options);
    return {
      intent,
      rehearse: () => writer.rehearse(),
      write: (refreshToken, mailbox) => writer.write(refreshToken, mailbox),
    };
  } catch (error) {
    throw isKubeError(error) ? failureOf(error) : interruptedOr(error, signal);
  }
}

const interruptedOr = (error: unknown, signal: AbortSignal): unknown =>
  signal.aborted && !(error instanceof Failure) ? stopped() : error;

function absent(error: unknown): undefined {
  if (!isKubeError(error, 'notFound')) throw error;
}

async function found(client: KubeClient, ref: ObjectRef, signal: AbortSignal): Promise<Stored | undefined> {
  return client.get(providers, ref, { signal }).catch((error: unknown) => {
    absent(error);
    if (isKubeError(error) && error.reason === undefined) throw definitionMissing();
    return undefined;
  });
}

const tokenInRehearsal = 'to-be-replaced-by-the-sign-in';
const addressInRehearsal = 'to-be-replaced@example.com';
const fieldManager = fieldManagers.connect;

class Writer {
  readonly #client: KubeClient;
  readonly #intent: Intent;
  readonly #options: ClusterOptions;

  constructor(client: KubeClient, intent: Intent, options: ClusterOptions) {
    this.#client = client;
    this.#intent = intent;
    this.#options = options;
  }

  async rehearse(): Promise<void> {
    const { request, signal } = this.#options;
    const manifest = secretToApply(this.#intent, tokenInRehearsal);
    const rehearsal = { fieldManager, signal, dryRun: 'All', metadataOnly: true } as const;
    try {
      await this.#client.apply(secrets, manifest, rehearsal).catch(async (error: unknown) => {
        if (!isKubeError(error, 'conflict')) throw error;
        this.#tellTakeover(error);
        await this.#client.apply(secrets, manifest, { ...rehearsal, force: true });
      });
      if (this.#intent.kind === 'token') return;
      const mailbox = { emailAddress: request.emailAddress ?? addressInRehearsal };
      await this.#client.apply(providers, providerManifest(this.#intent, request, mailbox), rehearsal);
    } catch (error) {
      throw isKubeError(error) ? failureOf(error, '. Nothing was written') : interruptedOr(error, signal);
    }
  }

  /** Whoever applies the Secret from a file or another store will do so again. */
  #tellTakeover(error: KubeError): void {
    const { secretName } = this.#intent;
    const owners = [...error.message.matchAll(/conflicts? with "([^"]+)"/g)].map(([, owner = '']) => owner);
    const by = owners.length === 0 ? 'another field manager' : [...new Set(owners)].join(', ');
    this.#options.say(
      `The token in the Secret ${secretName} was written by ${by} so far. What applies it from elsewhere again would put the old one back.`,
    );
  }

  /** Not interrupted by the signal: it takes two requests, and half of it is what a stop should not leave. */
  async write(refreshToken: string, mailbox: Mailbox): Promise<readonly string[]> {
    const { kind, secretName, name, namespace } = this.#intent;
    const { request } = this.#options;
    const written: string[] = [];
    try {
      const manifest = secretToApply(this.#intent, refreshToken);
      await this.#client.apply(secrets, manifest, { fieldManager, force: true, metadataOnly: true });
      written.push(`secret/${secretName} ${kind === 'token' ? 'has the new token' : 'written'}`);
      if (kind === 'token') return written;
      const provider = providerManifest(this.#intent, request, mailbox);
      await this.#client.apply(providers, provider, { fieldManager, metadataOnly: true });
      written.push(`outlookprovider.outlooksync.dev/${name} written`);
      return written;
    } catch (error) {
      if (!isKubeError(error)) throw error;
      const stands =
        written.length > 0
          ? `The Secret ${namespace ?? ''}/${secretName} is written, the resource is not`
          : 'Nothing is known to be written';
      throw failureOf(error, `. ${stands}. Run it again: what stands is found and completed`);
    }
  }
}
