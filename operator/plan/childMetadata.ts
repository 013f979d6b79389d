import { annotations, apiVersion, labels, managedByOperator, outlookProviders } from '../../api/resource.ts';
import type { Trigger } from '../../api/resource.ts';
import { childName } from './names.ts';
import type { Observed, ObservedProvider } from './observed.ts';

/** How the operator finds what it made: the labels it watches by, and whose it is. */

export function childLabels(provider: ObservedProvider, trigger?: Trigger): Record<string, string> {
  return {
    [labels.managedBy]: managedByOperator,
    [labels.instance]: childName(provider.name),
    ...(trigger !== undefined && { [labels.trigger]: trigger }),
  };
}

export function childAnnotations(provider: ObservedProvider): Record<string, string> {
  return { [annotations.provider]: provider.name };
}

export function runAnnotations(observed: Observed): Record<string, string> {
  const version = credentialsVersion(observed);
  return { ...childAnnotations(observed.provider), [annotations.credentialsVersion]: version };
}

/**
 * `blocks`: a deletion in the foreground takes this away before the provider goes. What a deletion itself needs must
 * not be taken away by it.
 */
export function ownedBy(provider: ObservedProvider, blocks: boolean): readonly Record<string, unknown>[] {
  const { name, uid } = provider;
  const { kind } = outlookProviders;
  return [{ apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: blocks }];
}

/** Which Secret, and which state of it; empty where there is none. */
export function credentialsVersion({ credentialsSecret }: Observed): string {
  return credentialsSecret ? `${credentialsSecret.uid}/${credentialsSecret.resourceVersion}` : '';
}
