// The Node object and its Lease, by which others see that a node is there and alive.
import { availableParallelism, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from '../../../../kube/client.ts';
import { isKubeError } from '../../../../kube/errors.ts';
import { microTime } from '../../../../kube/microTime.ts';
import type { KubeObject } from '../../../../kube/object.ts';
import { leases, nodes } from '../../../../kube/resource.ts';
import { goPlatform } from '../programs.ts';
import { POD_IP } from './podFields.ts';
import { apiTime } from './podStatus.ts';

const LEASE_NAMESPACE = 'kube-node-lease';
const LEASE_SECONDS = 40;
const HEARTBEAT_MS = 10_000;
const FIELD_MANAGER = 'process-node';
const MOST_NODES = 1000;

/** Creates the first Node of `process-node-1`, `process-node-2`, ... whose name is free, and makes it Ready. */
export async function registerNode(client: KubeClient, maxPods: number): Promise<KubeObject> {
  for (let number = 1; number <= MOST_NODES; number += 1) {
    const name = `process-node-${number}`;
    try {
      const metadata = { name, labels: nodeLabels(name) };
      const node = await client.create(nodes, undefined, { apiVersion: 'v1', kind: 'Node', metadata });
      await reportReady(client, name, maxPods);
      await renewLease(client, node);
      return node;
    } catch (error) {
      if (!isKubeError(error, 'alreadyExists')) throw error;
    }
  }
  throw new Error(`There are ${MOST_NODES} process nodes already`);
}

/** Removes the Node, and with it its Lease. */
export async function unregisterNode(client: KubeClient, name: string): Promise<void> {
  for (const [resource, namespace] of [
    [nodes, undefined],
    [leases, LEASE_NAMESPACE],
  ] as const) {
    await client.delete(resource, { namespace, name }).catch((error: unknown) => {
      if (!isKubeError(error, 'notFound')) throw error;
    });
  }
}

/** Renews the Lease until `signal` is aborted; a failure is made good by the next. */
export async function heartbeat(client: KubeClient, node: KubeObject, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(HEARTBEAT_MS, undefined, { signal, ref: false }).catch(() => undefined);
    if (!isAborted(signal)) await renewLease(client, node, signal).catch(() => undefined);
  }
}

export function nodeLabels(name: string): Readonly<Record<string, string>> {
  const { os, arch } = goPlatform();
  return { 'kubernetes.io/hostname': name, 'kubernetes.io/os': os, 'kubernetes.io/arch': arch };
}

async function renewLease(client: KubeClient, node: KubeObject, signal?: AbortSignal): Promise<void> {
  const { name, uid = '' } = node.metadata;
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid }];
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, namespace: LEASE_NAMESPACE, ownerReferences },
    spec: { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime: microTime(Date.now()) },
  };
  await client.apply(leases, lease, { fieldManager: FIELD_MANAGER, force: true, signal });
}

async function reportReady(client: KubeClient, name: string, maxPods: number): Promise<void> {
  const now = apiTime(new Date());
  const resources = {
    cpu: String(availableParallelism()),
    memory: String(totalmem()),
    pods: String(maxPods),
  };
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'ProcessNodeReady',
    message: 'Pods run as processes',
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  };
  const status = {
    capacity: resources,
    allocatable: resources,
    conditions: [ready],
    addresses: [
      { type: 'InternalIP', address: POD_IP },
      { type: 'Hostname', address: name },
    ],
  };
  const object = { apiVersion: 'v1', kind: 'Node', metadata: { name }, status };
  await client.apply(nodes, object, { subresource: 'status', fieldManager: FIELD_MANAGER, force: true });
}

/** A question that the compiler does not answer from what it was a moment ago. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
