import { childAnnotations, childLabels, ownedBy } from './childMetadata.ts';
import { childName } from './names.ts';
import type { ObservedProvider } from './observed.ts';
import type { Manifest } from './plan.ts';

/** The Lease that makes runs exclusive. The operator makes it and never writes to it again: the runs hold it. */
export function leaseManifest(provider: ObservedProvider): Manifest {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: childName(provider.name),
      namespace: provider.namespace,
      labels: childLabels(provider),
      annotations: childAnnotations(provider),
      // The last run needs it while the provider is being deleted.
      ownerReferences: ownedBy(provider, false),
    },
    spec: {},
  };
}
