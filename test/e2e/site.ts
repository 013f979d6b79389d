// Where the scenarios play: the run's own control plane, whose Pods are processes, or any cluster that the
// environment names (see externalCluster). All that differs between the two is in this file.
//
// On a cluster of its own, OUTLOOK_SYNC_E2E_IMAGE is the image with the bundles, and OUTLOOK_SYNC_E2E_HOST an IP
// address at which its Pods reach this machine.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { dirname } from 'node:path';
import { KubeClient } from '../../kube/client.ts';
import type { Connection } from '../../kube/connection.ts';
import { kubeconfigConnection } from '../../kube/kubeconfig.ts';
import { pods } from '../../kube/resource.ts';
import { type AuditedWrite, readAudit } from '../harness/cluster/audit.ts';
import { type Cluster, externalCluster } from '../harness/cluster/cluster.ts';
import type { ControlPlane } from '../harness/cluster/controlPlane.ts';
import { startProcessNode } from '../harness/cluster/processNode.ts';
import { type SharedControlPlane, sharedControlPlane } from '../harness/cluster/shared.ts';
import type { GraphSimulatorOptions } from '../harness/graph/simulator.ts';
import { jobBundle } from '../harness/jobBundle.ts';

const IMAGE = 'outlook-sync:test';
/** More at a time would only wait for each other on a small machine. */
const MOST_PODS = 6;

export interface Site {
  readonly cluster: Cluster;
  /** As an administrator. */
  readonly client: KubeClient;
  /** URL of the API server. */
  readonly server: string;
  readonly image: string;
  /** Lets Pods of the namespace run. */
  readonly runPods: (namespace: string) => Promise<void>;
  /** The URL by which Pods of the namespace reach a server of this machine. */
  readonly reach: (namespace: string, service: string, url: string) => Promise<string>;
  /** Options with which a simulator listens where Pods can reach it. */
  readonly listening: (options?: GraphSimulatorOptions) => GraphSimulatorOptions;
  /** SIGKILL for the run that holds a provider's Lease, by what it calls itself there: `pod/pid/random`. */
  readonly killRun: (namespace: string, holder: string) => Promise<void>;
  /** All writes so far. Rejects on a cluster that is not ours. */
  readonly audit: () => Promise<AuditedWrite[]>;
  readonly close: () => Promise<void>;
}

/** The cluster that the environment names, or else the run's shared control plane. */
export async function usualSite(): Promise<Site> {
  const external = externalCluster();
  return external === undefined ? processSite(await sharedControlPlane()) : foreignSite(external);
}

/**
 * A control plane whose programs a scenario disturbs, which only one of our own allows: on any other cluster these
 * scenarios fail, and say so.
 */
export function assertOwnControlPlane(): void {
  if (externalCluster() !== undefined)
    throw new Error('Not run: it stops parts of the control plane, which must be one of our own');
}

async function clientOf({ kubeconfig }: Cluster): Promise<{ client: KubeClient; connection: Connection }> {
  const connection = await kubeconfigConnection({ path: kubeconfig });
  return { connection, client: new KubeClient(connection, { userAgent: 'outlook-sync-e2e' }) };
}

/** Runs Pods of those namespaces only that ask for it: others on the control plane have nodes of their own. */
export async function processSite(plane: SharedControlPlane | ControlPlane): Promise<Site> {
  const { client, connection } = await clientOf(plane);
  const served = new Set<string>();
  const node = await startProcessNode({
    kubeconfig: plane.kubeconfig,
    images: { [IMAGE]: { root: { '/app': dirname(jobBundle()) } } },
    maxPods: MOST_PODS,
    serves: (namespace) => served.has(namespace),
  });
  return {
    cluster: plane,
    client,
    server: plane.server,
    image: IMAGE,
    runPods: (namespace) => {
      served.add(namespace);
      return Promise.resolve();
    },
    reach: (_namespace, _service, url) => Promise.resolve(url),
    listening: (options = {}) => options,
    killRun: (_namespace, holder) => {
      process.kill(Number(holder.split('/')[1]), 'SIGKILL');
      return Promise.resolve();
    },
    audit: () => readAudit(plane.folder),
    close: async () => {
      await node.kill();
      await connection.close();
    },
  };
}

async function foreignSite(cluster: Cluster): Promise<Site> {
  const { client, connection } = await clientOf(cluster);
  const host = needed('OUTLOOK_SYNC_E2E_HOST');
  // One for each server: a Service has one port, under which several URLs of a server are to be reached.
  const forwards = new Map<string, ReturnType<typeof forward>>();
  return {
    cluster,
    client,
    server: connection.server.href,
    image: needed('OUTLOOK_SYNC_E2E_IMAGE'),
    runPods: () => Promise.resolve(),
    reach: async (namespace, service, url) => {
      const target = new URL(url);
      const forwarded = forwards.get(target.host) ?? forward(target);
      forwards.set(target.host, forwarded);
      const { port } = await forwarded;
      await nameHost(client, { namespace, service, host, port });
      const reachable = new URL(url);
      reachable.hostname = `${service}.${namespace}.svc`;
      reachable.port = String(port);
      return reachable.href;
    },
    // It puts the address that it was called by into its links.
    listening: (options = {}) => ({ ...options, relativeLinks: true }),
    // Without a grace period a kubelet kills at once.
    killRun: (namespace, holder) =>
      client.delete(pods, { namespace, name: holder.split('/')[0] ?? '' }, { gracePeriodSeconds: 0 }),
    audit: () =>
      Promise.reject(new Error('Not run: only a control plane of our own has an audit log to read')),
    close: async () => {
      for (const { close } of await Promise.all(forwards.values())) await close();
      await connection.close();
    },
  };
}

function needed(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '')
    throw new Error(`${name} is needed to run on a cluster of your own`);
  return value;
}

/** Our servers listen on loopback; this is heard by others, too. */
async function forward(target: URL): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: async () => {
      server.close();
      await Promise.resolve();
    },
  };
}

/** A Service for an address outside of the cluster: the job accepts http: for names inside of it only. */
async function nameHost(
  client: KubeClient,
  { namespace, service, host, port }: { namespace: string; service: string; host: string; port: number },
): Promise<void> {
  const ports = [{ name: 'tcp', port, protocol: 'TCP' }];
  const core = { group: '', version: 'v1', namespaced: true } as const;
  const asAdmin = { fieldManager: 'e2e', force: true };
  await client.apply(
    { ...core, plural: 'services', kind: 'Service' },
    { apiVersion: 'v1', kind: 'Service', metadata: { name: service, namespace }, spec: { ports } },
    asAdmin,
  );
  const labels = { 'kubernetes.io/service-name': service };
  await client.apply(
    {
      group: 'discovery.k8s.io',
      version: 'v1',
      plural: 'endpointslices',
      kind: 'EndpointSlice',
      namespaced: true,
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: service, namespace, labels },
      addressType: 'IPv4',
      endpoints: [{ addresses: [host] }],
      ports,
    },
    asAdmin,
  );
}
