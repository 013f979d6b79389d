// The job as a pod of a cluster runs it: a resource, a Lease and a service account with the rights of its Role, on the
// real API server, or on a scripted one that does wrong what a test asks for.
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { jobEnvironment } from '../../../api/jobEnvironment.ts';
import { type ProviderStatus, readStatus } from '../../../api/providerStatus.ts';
import { apiVersion, outlookProviders } from '../../../api/resource.ts';
import { type RunReport, runReport } from '../../../api/runReport.ts';
import { KubeClient } from '../../../kube/client.ts';
import { openAgent } from '../../../kube/connection.ts';
import { isKubeError } from '../../../kube/errors.ts';
import type { KubeObject } from '../../../kube/object.ts';
import { events, leases, type Resource } from '../../../kube/resource.ts';
import { type JobOutcome, type RunningJob, startJob } from '../../harness/job.ts';
import type { Scene, User } from './scene.ts';

/** An API server, and how a pod gets to it. */
export interface ApiAccess {
  readonly server: URL;
  /** PEM. */
  readonly ca: string;
  /** May do everything. */
  readonly adminToken: string;
  /** Makes a namespace and in it a service account of the job; resolves to its token. */
  readonly admit: (namespace: string, lease: string) => Promise<string>;
}

interface LeaseObject extends KubeObject {
  readonly spec?: { readonly holderIdentity?: string; readonly leaseTransitions?: number };
}
interface EventObject extends KubeObject {
  readonly reason: string;
  readonly note: string;
  readonly type: string;
}
interface ProviderObject extends KubeObject {
  readonly status?: unknown;
}
const providers: Resource<ProviderObject> = outlookProviders;
const namedLeases: Resource<LeaseObject> = leases;
const toldEvents = events as Resource<EventObject>;

export interface ClusterRunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly job?: string;
  readonly args?: readonly string[];
}

export interface ClusterJob extends RunningJob {
  readonly outcome: Promise<JobOutcome & { report: RunReport | null; message: string | null }>;
}

/** The provider of one user in a cluster. */
export class Place {
  readonly namespace: string;
  readonly name = 'anna';
  readonly lease = 'anna-sync';
  readonly providerId = randomUUID();
  readonly admin: KubeClient;
  readonly #scene: Scene;
  readonly #user: User;
  readonly #access: ApiAccess;
  readonly #folder: string;
  #uid = '';
  #runs = 0;

  constructor(parts: { scene: Scene; user: User; access: ApiAccess; folder: string; admin: KubeClient }) {
    this.#scene = parts.scene;
    this.#user = parts.user;
    this.#access = parts.access;
    this.#folder = parts.folder;
    this.admin = parts.admin;
    this.namespace = `job-${randomUUID().slice(0, 8)}`;
  }

  async prepare(): Promise<void> {
    const token = await this.#access.admit(this.namespace, this.lease);
    await writeFile(join(this.#folder, 'token'), token);
    await writeFile(join(this.#folder, 'ca.crt'), this.#access.ca);
    await writeFile(join(this.#folder, 'namespace'), this.namespace);
    this.#scene.secrets.add('a service account token', token);
    await this.createResource();
    await this.createLease();
  }

  async createResource(): Promise<void> {
    const { kind } = outlookProviders;
    const made = await this.admin.create(providers, this.namespace, {
      apiVersion,
      kind,
      metadata: { namespace: this.namespace, name: this.name },
      spec: {
        emailAddress: this.#user.mailbox.email,
        owner: { userId: this.#user.userId },
        providerId: this.providerId,
        credentialsSecretRef: { name: 'anna-grant' },
      },
    });
    this.#uid = made.metadata.uid ?? '';
  }

  async createLease(): Promise<void> {
    await this.admin.create(leases, this.namespace, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { namespace: this.namespace, name: this.lease },
      spec: {},
    });
  }

  /** As the operator would set it. */
  env(job = 'anna-sync-1'): Record<string, string> {
    return {
      ...this.#user.env,
      KUBERNETES_SERVICE_HOST: this.#access.server.hostname,
      KUBERNETES_SERVICE_PORT: this.#access.server.port,
      KUBERNETES_SERVICE_ACCOUNT_DIR: this.#folder,
      OUTLOOK_SYNC_LEASE_SECONDS: '5',
      [jobEnvironment.namespace]: this.namespace,
      [jobEnvironment.name]: this.name,
      [jobEnvironment.uid]: this.#uid,
      [jobEnvironment.generation]: '1',
      [jobEnvironment.lease]: this.lease,
      [jobEnvironment.credentialsVersion]: '4711',
      [jobEnvironment.job]: job,
      [jobEnvironment.pod]: `${job}-x7k2p`,
    };
  }

  start({ env, job, args }: ClusterRunOptions = {}): ClusterJob {
    this.#runs += 1;
    const path = join(this.#folder, `termination-${this.#runs}`);
    const { email } = this.#user.mailbox;
    const sync = ['sync', '--email', email, '--user-id', this.#user.userId, '--provider-id', this.providerId];
    const effective = { ...this.env(job), [jobEnvironment.terminationLog]: path, ...env };
    this.#scene.secrets.addEnvironment(effective);
    const running = startJob(args ?? sync, effective);
    const outcome = running.outcome.then(async (told) => {
      const message = await readFile(path, 'utf8').catch(() => null);
      await this.#assertDiscreet(told, message);
      const parsed = message === null ? null : runReport.safeParse(JSON.parse(message));
      return { ...told, message, report: parsed?.success === true ? parsed.data : null };
    });
    outcome.catch(() => undefined);
    return { ...running, outcome };
  }

  sync(options: ClusterRunOptions = {}): ClusterJob['outcome'] {
    return this.start(options).outcome;
  }

  async synced(options: ClusterRunOptions = {}): ClusterJob['outcome'] {
    const told = await this.sync(options);
    expect(told.summary, told.stderr).toMatchObject({ status: 'connected' });
    return told;
  }

  async #assertDiscreet({ stdout, stderr }: JobOutcome, message: string | null): Promise<void> {
    const { secrets } = this.#scene;
    secrets.addMailbox(this.#user.mailbox);
    const status = await this.status().catch(() => null);
    const told = await this.events().catch(() => []);
    const places = { stdout, stderr, message, status, events: told.map(({ note }) => note) };
    for (const [where, text] of Object.entries(places)) secrets.assertUnseen(JSON.stringify(text), where);
    expect(Buffer.byteLength(message ?? '')).toBeLessThan(4096);
  }

  async resource(): Promise<ProviderObject> {
    return this.admin.get(providers, { namespace: this.namespace, name: this.name });
  }

  async status(): Promise<ProviderStatus> {
    return readStatus((await this.resource()).status);
  }

  async leaseSpec(): Promise<NonNullable<LeaseObject['spec']>> {
    const ref = { namespace: this.namespace, name: this.lease };
    const found = await this.admin.get(namedLeases, ref);
    return found.spec ?? {};
  }

  /** The Events about the resource. */
  async events(): Promise<EventObject[]> {
    const { items } = await this.admin.list(toldEvents, { namespace: this.namespace });
    return [...items];
  }

  async deleteLease(): Promise<void> {
    await this.admin.delete(leases, { namespace: this.namespace, name: this.lease });
  }

  async deleteResource(): Promise<void> {
    await this.admin
      .delete(providers, { namespace: this.namespace, name: this.name })
      .catch((error: unknown) => {
        if (!isKubeError(error, 'notFound')) throw error;
      });
  }
}

/** Places in one cluster, until `close`. */
export class ClusterScene {
  readonly #scene: Scene;
  readonly #access: ApiAccess;
  readonly #folders: string[] = [];
  readonly #admin: { client: KubeClient; close: () => Promise<void> };

  constructor(scene: Scene, access: ApiAccess) {
    this.#scene = scene;
    this.#access = access;
    const dispatcher = openAgent({ ca: access.ca });
    const client = new KubeClient(
      {
        server: access.server,
        dispatcher,
        namespace: undefined,
        headers: () => Promise.resolve({ authorization: `Bearer ${access.adminToken}` }),
        close: () => dispatcher.destroy(),
      },
      { userAgent: 'test' },
    );
    this.#admin = { client, close: () => dispatcher.destroy() };
  }

  async addPlace(user: User): Promise<Place> {
    const folder = await mkdtemp(join(tmpdir(), 'outlook-sync-pod-'));
    this.#folders.push(folder);
    const place = new Place({
      scene: this.#scene,
      user,
      access: this.#access,
      folder,
      admin: this.#admin.client,
    });
    await place.prepare();
    return place;
  }

  async close(): Promise<void> {
    await this.#admin.close();
    await Promise.all(this.#folders.map((folder) => rm(folder, { recursive: true, force: true })));
  }
}
