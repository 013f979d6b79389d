// All that the operator sees of the cluster, and whom a change of it concerns. Nothing is decided here: a change only
// names the providers that are to be looked at again.
import { labels, managedByOperator, outlookProviders } from '../../api/resource.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Log } from '../../kube/log.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { Change } from '../../kube/reflector.ts';
import * as resources from '../../kube/resource.ts';
import { Cache } from './cache.ts';
import { KeyIndex } from './keyIndex.ts';
import { claimsOf, namespaceToken, secretToken } from './providerTokens.ts';
import {
  type CronJobRecord,
  type JobRecord,
  type LeaseRecord,
  type NamespaceRecord,
  type PodRecord,
  type ProviderRecord,
  reduceCronJob,
  reduceJob,
  reduceLease,
  reduceNamespace,
  reducePod,
  reduceProvider,
  reduceSecret,
  type SecretRecord,
} from './records.ts';

export interface CachesOptions {
  readonly client: KubeClient;
  readonly log: Log;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  readonly relistMs: number;
  readonly jobSecretName: string;
  /** A provider, as `namespace/name`, is to be looked at again. */
  readonly enqueue: (provider: string) => void;
  readonly onProvider: (change: Change<ProviderRecord>) => void;
  readonly onJob: (change: Change<JobRecord>) => void;
  /** Of everything that the operator writes, too. */
  readonly onAny: (kind: string, change: Change<KubeObject>) => void;
}

type Child = KubeObject & { readonly provider: string | null };

type ChildKind = 'CronJob' | 'Job' | 'Pod' | 'Lease';
/** Those that a provider may have many of; of the others the name is known. */
type IndexedKind = 'Job' | 'Pod';

const selector = `${labels.managedBy}=${managedByOperator}`;

export class Caches {
  readonly providers: Cache<ProviderRecord>;
  readonly cronJobs: Cache<CronJobRecord>;
  readonly jobs: Cache<JobRecord>;
  readonly pods: Cache<PodRecord>;
  readonly leases: Cache<LeaseRecord>;
  readonly secrets: Cache<SecretRecord>;
  /** Undefined when only some namespaces are watched: a Namespace is no object of a namespace. */
  readonly namespaces: Cache<NamespaceRecord> | undefined;
  readonly #options: CachesOptions;
  readonly #providerIndex = new KeyIndex();
  readonly #children: Readonly<Record<IndexedKind, KeyIndex>> = { Job: new KeyIndex(), Pod: new KeyIndex() };

  constructor(options: CachesOptions) {
    this.#options = options;
    const { client, log, namespaces, relistMs } = options;
    const shared = { client, log, namespaces, relistMs };
    const child = { ...shared, labelSelector: selector };
    this.providers = new Cache<ProviderRecord>({
      ...shared,
      resource: outlookProviders,
      reduce: reduceProvider,
      onChange: (change) => this.#providerChanged(change),
    });
    this.cronJobs = new Cache<CronJobRecord>({
      ...child,
      resource: resources.cronJobs,
      reduce: reduceCronJob,
      onChange: (change) => this.#childChanged('CronJob', change),
    });
    this.jobs = new Cache<JobRecord>({
      ...child,
      resource: resources.jobs,
      reduce: reduceJob,
      onChange: (change) => {
        options.onJob(change);
        this.#childChanged('Job', change);
      },
    });
    this.pods = new Cache<PodRecord>({
      ...child,
      resource: resources.pods,
      reduce: reducePod,
      onChange: (change) => this.#childChanged('Pod', change),
    });
    this.leases = new Cache<LeaseRecord>({
      ...child,
      resource: resources.leases,
      metadataOnly: true,
      reduce: reduceLease,
      onChange: (change) => this.#childChanged('Lease', change),
    });
    this.secrets = this.#secretCache(shared);
    this.namespaces = namespaces.length > 0 ? undefined : this.#namespaceCache(shared);
  }

  /** What is known of an object of a kind that the operator writes. */
  lookUp(kind: string, key: string): KubeObject | undefined {
    return this.all.find((cache) => cache.kind === kind)?.get(key);
  }

  /** Keys of a provider's children of one kind: those that bear its name. */
  children(kind: IndexedKind, provider: string): readonly string[] {
    return this.#children[kind].get(provider);
  }

  /** Keys of the providers that claim the same mailbox or row as this one, itself left out. */
  rivals(key: string): readonly string[] {
    const tokens = claimsOf(this.providers.get(key)?.tokens ?? []);
    const keys = new Set(tokens.flatMap((token) => this.#providerIndex.get(token)));
    keys.delete(key);
    return [...keys];
  }

  isTerminating(namespace: string): boolean {
    return this.namespaces?.get(namespace)?.isTerminating ?? false;
  }

  get all(): readonly Cache<KubeObject>[] {
    const { providers, cronJobs, jobs, pods, leases, secrets, namespaces } = this;
    const each = [providers, cronJobs, jobs, pods, leases, secrets, ...(namespaces ? [namespaces] : [])];
    return each as unknown as readonly Cache<KubeObject>[];
  }

  async synced(): Promise<void> {
    await Promise.all(this.all.map((cache) => cache.synced()));
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.all.map((cache) => cache.run(signal)));
  }

  #secretCache(shared: SharedOptions): Cache<SecretRecord> {
    return new Cache<SecretRecord>({
      ...shared,
      resource: resources.secrets,
      // Their values never leave the API server.
      metadataOnly: true,
      reduce: reduceSecret,
      onChange: ({ key, object, previous }) => {
        const { namespace = '', name = '' } = (object ?? previous)?.metadata ?? {};
        this.#enqueueAll(secretToken(namespace, name));
        if (key === `${namespace}/${this.#options.jobSecretName}`)
          this.#enqueueAll(namespaceToken(namespace));
      },
    });
  }

  #namespaceCache(shared: SharedOptions): Cache<NamespaceRecord> {
    return new Cache<NamespaceRecord>({
      ...shared,
      resource: resources.namespaces,
      metadataOnly: true,
      reduce: reduceNamespace,
      onChange: ({ key, object, previous }) => {
        if (object?.isTerminating !== previous?.isTerminating) this.#enqueueAll(namespaceToken(key));
      },
    });
  }

  #enqueueAll(token: string): void {
    for (const key of this.#providerIndex.get(token)) this.#options.enqueue(key);
  }

  #providerChanged(change: Change<ProviderRecord>): void {
    const { key, object, previous } = change;
    const before = previous?.tokens ?? [];
    const after = object?.tokens ?? [];
    this.#providerIndex.move(key, before, after);
    this.#options.onAny('OutlookProvider', change);
    this.#options.onProvider(change);
    this.#options.enqueue(key);
    // The rivals of a claim that came or went; a status concerns nobody else.
    const moved = [...claimsOf(before), ...claimsOf(after)].filter(
      (token) => !(before.includes(token) && after.includes(token)),
    );
    for (const token of moved) this.#enqueueAll(token);
  }

  #childChanged(kind: ChildKind, change: Change<Child>): void {
    const { key, object, previous } = change;
    const before = providersOf(previous);
    const after = providersOf(object);
    if (kind === 'Job' || kind === 'Pod') this.#children[kind].move(key, before, after);
    this.#options.onAny(kind, change);
    if (kind === 'Lease' && isRenewal(change)) return;
    for (const provider of new Set([...before, ...after])) this.#options.enqueue(provider);
  }
}

type SharedOptions = Pick<CachesOptions, 'client' | 'log' | 'namespaces' | 'relistMs'>;

/** A job that runs renews its Lease every few seconds, which is nobody else's business. */
function isRenewal({ object, previous }: Change<Child>): boolean {
  const [now, before] = [object, previous] as (LeaseRecord | undefined)[];
  const isSame = now?.provider === before?.provider && now?.controllerUid === before?.controllerUid;
  return isSame && now?.metadata.uid === before?.metadata.uid;
}

function providersOf(child: Child | undefined): string[] {
  if (child === undefined || child.provider === null) return [];
  return [`${child.metadata.namespace ?? ''}/${child.provider}`];
}
