import { createHash } from 'node:crypto';

/**
 * Names of what a provider owns. They are legal for every name that a provider can have, differ for different
 * providers, and are the same in every process: that a thing exists already is how the operator knows that it has
 * made it.
 */

/** A CronJob's name at most: its Jobs append up to eleven characters to it. */
const LONGEST = 52;
const PREFIX = 'outlook-sync-';
const plainLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
/** What a shortened name ends with: a provider must not be able to take another's shortened name by its own. */
const looksShortened = /-[0-9a-f]{10}$/;

function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 10);
}

/** Of the CronJob and the Lease, and the value of the label `instance`: a DNS label of at most 52 characters. */
export function childName(providerName: string): string {
  const plain = `${PREFIX}${providerName}`;
  if (plain.length <= LONGEST && plainLabel.test(providerName) && !looksShortened.test(providerName))
    return plain;
  const kept = plain.replaceAll(/[^-a-z0-9]/g, '-').slice(0, LONGEST - 11);
  return `${kept.replace(/-+$/, '')}-${digest(providerName)}`;
}

/** Of a Job that the operator starts itself: one for each provider, kind of cause, and cause. */
export function jobName(
  provider: { readonly name: string; readonly uid: string },
  ...cause: string[]
): string {
  return `${childName(provider.name)}-${digest(provider.uid, ...cause)}`;
}
