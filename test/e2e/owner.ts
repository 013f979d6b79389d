// A person with a mailbox, and what is applied so that it is synced.
import { randomUUID } from 'node:crypto';
import { annotations, apiVersion } from '../../api/resource.ts';
import type { Condition } from '../../api/conditions.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { SimulatedMailbox } from '../harness/graph/mailbox.ts';
import type { Provider } from './kinds.ts';

export interface Owner {
  /** Of the OutlookProvider and its Secret. */
  readonly name: string;
  readonly namespace: string;
  readonly userId: string;
  readonly mailbox: SimulatedMailbox;
}

type Fields = Readonly<Record<string, unknown>>;

export type ProviderManifest = KubeObject & { readonly spec: Fields };

/** Does not come round while a test runs: what runs was asked for. */
const NEVER = '0 0 29 2 *';

export function providerOf({ name, namespace, userId, mailbox }: Owner, spec: Fields = {}): ProviderManifest {
  return {
    apiVersion,
    kind: 'OutlookProvider',
    metadata: { name, namespace },
    spec: {
      emailAddress: mailbox.email,
      owner: { userId },
      schedule: NEVER,
      credentialsSecretRef: { name },
      sync: { jitterMs: 0, retryBackoffMs: 50, deltaPageLimit: 20 },
      ...spec,
    },
  };
}

export function secretOf({ name, namespace }: Owner, refreshToken: string): KubeObject & Fields {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace },
    type: 'Opaque',
    data: { refreshToken: Buffer.from(refreshToken).toString('base64') },
  };
}

/** The patch with which a person asks for a sync. */
export function syncRequest(kind: 'syncRequestedAt' | 'resyncRequestedAt' = 'syncRequestedAt'): Fields {
  return { metadata: { annotations: { [annotations[kind]]: randomUUID() } } };
}

export function conditionOf(provider: Provider | undefined, type: string): Condition | undefined {
  return provider?.status?.conditions?.find((one) => one.type === type);
}

/** `True Succeeded`, for the present generation; anything older counts as not there, as for `kubectl wait`. */
export function standing(provider: Provider | undefined, type: string): string {
  const found = conditionOf(provider, type);
  const isStale = (found?.observedGeneration ?? 0) < (provider?.metadata.generation ?? 0);
  return found === undefined || isStale ? '' : `${found.status} ${found.reason}`;
}

export const isReady = (provider: Provider): boolean => standing(provider, 'Ready') === 'True Succeeded';
