// The whole system for a test file: a namespace with everything that its jobs need, a database, a simulated Graph,
// and operators as real processes. All that a scenario makes is its own, so that scenarios run at the same time.
import { randomBytes } from 'node:crypto';
import { expect, vi } from 'vitest';
import type { KubeClient } from '../../kube/client.ts';
import { isKubeError } from '../../kube/errors.ts';
import type { KubeObject, Manifest } from '../../kube/object.ts';
import * as kube from '../../kube/resource.ts';
import type { Resource } from '../../kube/resource.ts';
import { type TestDatabase, freshDatabase } from '../harness/database.ts';
import type { MailboxOptions } from '../harness/graph/mailbox.ts';
import {
  type GraphSimulator,
  type GraphSimulatorOptions,
  startGraphSimulator,
} from '../harness/graph/simulator.ts';
import { expectedRows, storedRows } from '../harness/mirror.ts';
import { runJob } from '../harness/job.ts';
import { type Provider, providers } from './kinds.ts';
import { admitPrograms, applyClusterRoles, dismissPrograms, settlePrograms } from './access.ts';
import { applyDefinition } from './definition.ts';
import { type OperatorOptions, type Operators, operatorsOf } from './operators.ts';
import type { OperatorProcess } from './operatorProcess.ts';
import { type Owner, providerOf, secretOf, syncRequest } from './owner.ts';
import { type Seen, sight } from './sight.ts';
import { type Site, usualSite } from './site.ts';

// Longer than what a scenario waits for (see sight.ts), so that what is told is what was waited for in vain.
vi.setConfig({ testTimeout: 180_000 });

export interface StageOptions {
  /** Default: the run's shared control plane, or the cluster that the environment names. */
  readonly site?: Site;
  readonly graph?: GraphSimulatorOptions;
  /** What webhooks and jobs both are given; default: nothing. */
  readonly pushSecrets?: PushSecrets;
}

type PushSecrets = Partial<
  Readonly<Record<'OUTLOOK_PUSH_WEBHOOK_TOKEN' | 'OUTLOOK_PUSH_CLIENT_STATE_SECRET', string>>
>;

interface Looking<T, Found> {
  readonly what: string;
  readonly find: (seen: Seen<T>) => Found | undefined;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly about?: string;
  readonly timeoutMs?: number;
}

export class Stage {
  readonly site: Site;
  readonly namespace: string;
  readonly graph: GraphSimulator;
  readonly database: TestDatabase;
  readonly pushSecrets: PushSecrets;
  readonly #operators: Operators;
  readonly #namespaces: string[] = [];
  #owners = 0;

  constructor(parts: Pick<Stage, 'site' | 'namespace' | 'graph' | 'database' | 'pushSecrets'>) {
    this.site = parts.site;
    this.namespace = parts.namespace;
    this.graph = parts.graph;
    this.database = parts.database;
    this.pushSecrets = parts.pushSecrets;
    this.#operators = operatorsOf(this);
  }

  get client(): KubeClient {
    return this.site.client;
  }

  /** A further namespace that operators of this stage watch; those that run already do not. */
  async addNamespace(name: string = `${this.namespace}-${this.#namespaces.length + 1}`): Promise<string> {
    const created = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await this.client.create(kube.namespaces, undefined, created);
    this.#namespaces.push(name);
    if (name === this.namespace) await settlePrograms(this.client, name);
    await admitPrograms(this.client, this.namespace, name);
    await this.apply(kube.secrets, await this.#jobSecret(name));
    await this.site.runPods(name);
    return name;
  }

  async #jobSecret(namespace: string): Promise<Manifest> {
    const stringData = {
      DATABASE_URL: await this.site.reach(namespace, 'postgres', this.database.url),
      OUTLOOK_CLIENT_ID: this.graph.clientId,
      OUTLOOK_CLIENT_SECRET: this.graph.clientSecret,
      OUTLOOK_TOKEN_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
      ...this.pushSecrets,
    };
    return { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'outlook-sync', namespace }, stringData };
  }

  get namespaces(): readonly string[] {
    return this.#namespaces;
  }

  /** Starts an operator for all namespaces there are now. */
  startOperator(options: OperatorOptions = {}): Promise<OperatorProcess> {
    return this.#operators.start(options);
  }

  /** A person with a mailbox, and the Secret with the grant. */
  async addOwner(
    options: Partial<Omit<MailboxOptions, 'clock'>> & {
      readonly name?: string;
      readonly namespace?: string;
    } = {},
  ): Promise<Owner> {
    this.#owners += 1;
    const { name = `owner-${this.#owners}`, namespace = this.namespace, ...rest } = options;
    const mailbox = this.graph.addMailbox({
      email: `owner-${this.#owners}@contoso.example`,
      messages: 3,
      ...rest,
    });
    const owner = { name, namespace, userId: `user-${this.#owners}`, mailbox };
    await this.apply(kube.secrets, secretOf(owner, mailbox.refreshToken));
    return owner;
  }

  apply<T extends KubeObject>(resource: Resource<T>, object: Manifest): Promise<T> {
    return this.client.apply(resource, object, { fieldManager: 'e2e', force: true });
  }

  async applyProvider(owner: Owner, spec: Readonly<Record<string, unknown>> = {}): Promise<Provider> {
    return this.apply(providers, providerOf(owner, spec));
  }

  async requestSync(owner: Owner, kind?: 'syncRequestedAt' | 'resyncRequestedAt'): Promise<void> {
    await this.client.mergePatch(providers, owner, syncRequest(kind));
  }

  see<T extends KubeObject, Found>(resource: Resource<T>, wait: Looking<T, Found>): Promise<Found> {
    return sight(this.client, { resource, namespace: wait.namespace ?? this.namespace }, wait);
  }

  /** The provider as soon as `holds`. */
  seeProvider(
    { name, namespace }: Pick<Owner, 'name' | 'namespace'>,
    what: string,
    holds: (provider: Provider) => boolean,
    timeoutMs?: number,
  ): Promise<Provider> {
    const find = (seen: Seen<Provider>): Provider | undefined => {
      const provider = seen.get(name);
      return provider !== undefined && holds(provider) ? provider : undefined;
    };
    const wait = { what: `${name}: ${what}`, about: `"${name}"`, find, namespace };
    return this.see(providers, timeoutMs === undefined ? wait : { ...wait, timeoutMs });
  }

  /** Undefined where there is none. */
  async read<T extends KubeObject>(
    resource: Resource<T>,
    name: string,
    namespace?: string,
  ): Promise<T | undefined> {
    try {
      return await this.client.get(resource, { namespace: namespace ?? this.namespace, name });
    } catch (error) {
      if (isKubeError(error, 'notFound')) return undefined;
      throw error;
    }
  }

  async kubectl(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.site.cluster.kubectl([
      '--namespace',
      this.namespace,
      ...args,
    ]);
    expect(code, `kubectl ${args.join(' ')}: ${stderr}`).toBe(0);
    return stdout;
  }

  /** The rows of the owner's mailbox are the mailbox. */
  async assertMirrored({ mailbox }: Owner): Promise<void> {
    expect(await storedRows(this.database, mailbox.email)).toEqual(expectedRows(mailbox));
  }

  async close(): Promise<void> {
    await this.#operators.close();
    await dismissPrograms(this.client, this.namespace);
    const removals = this.#namespaces.map((name) =>
      this.client.delete(kube.namespaces, { name }).catch(() => undefined),
    );
    await Promise.all(removals);
    await this.graph.close();
    await this.database.drop();
    await this.site.close();
  }
}

/** Opens a stage; no operator runs yet. The caller closes it. */
export async function openStage(name: string, options: StageOptions = {}): Promise<Stage> {
  const { site = await usualSite(), graph: graphOptions, pushSecrets = {} } = options;
  const [graph, database] = await Promise.all([
    startGraphSimulator(site.listening(graphOptions)),
    freshDatabase(),
  ]);
  await applyDefinition(site.client);
  await applyClusterRoles(site.client);
  const migrated = await runJob(['migrate'], { DATABASE_URL: database.url });
  expect(migrated.code, migrated.stderr).toBe(0);
  const namespace = `e2e-${name}-${randomBytes(3).toString('hex')}`;
  const stage = new Stage({ site, namespace, graph, database, pushSecrets });
  await stage.addNamespace(namespace);
  return stage;
}
