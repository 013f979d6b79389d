// What is kept of an OutlookProvider: what a request can call it, and what decides whether a mark waits already.
import { readStatus } from '../../api/providerStatus.ts';
import type { KubeObject } from '../../kube/object.ts';
import { keyOf } from '../../kube/object.ts';
import type { Provider } from '../wakeUp.ts';

export interface KnownProvider extends KubeObject, Provider {
  readonly uid: string;
  readonly syncRequestedAt: string | undefined;
  readonly lastHandledSyncRequest: string | undefined;
  /** When its last run began, milliseconds since the epoch; 0: never. */
  readonly ranAt: number;
  /** All that it is found by: see `nameOf`. */
  readonly names: readonly string[];
}

/** Names of different kinds never meet; none depends on its case. */
export function nameOf(kind: 'row' | 'address' | 'subscription', name: string): string {
  return `${kind} ${name.toLowerCase()}`;
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** The spec is read field by field: one that is not valid, as an older version let it be stored, hides no other. */
export function reduceProvider(raw: KubeObject): KnownProvider {
  const { apiVersion, kind, metadata } = raw;
  const { spec: rawSpec, status: rawStatus } = raw as KubeObject & { spec?: unknown; status?: unknown };
  const { name, namespace, uid = '', resourceVersion, deletionTimestamp } = metadata;
  const spec = fieldsOf(rawSpec);
  const status = readStatus(rawStatus);
  const rows = [status.providerId, spec['providerId'], uid];
  const addresses = [spec['emailAddress'], spec['userPrincipalName']];
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      uid,
      ...(resourceVersion !== undefined && { resourceVersion }),
    },
    key: keyOf(metadata),
    uid,
    isActive: spec['suspend'] !== true && deletionTimestamp === undefined,
    syncRequestedAt: status.syncRequestedAt,
    lastHandledSyncRequest: status.lastHandledSyncRequest,
    ranAt: Date.parse(status.lastAttemptAt ?? '') || 0,
    names: [
      ...new Set([
        ...textsIn(rows).map((row) => nameOf('row', row)),
        ...textsIn(addresses).map((address) => nameOf('address', address)),
        ...textsIn([status.subscription?.id]).map((id) => nameOf('subscription', id)),
      ]),
    ],
  };
}

function textsIn(values: readonly unknown[]): string[] {
  return values.filter((value): value is string => typeof value === 'string' && value !== '');
}
