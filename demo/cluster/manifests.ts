// What is applied in the demo, as a person would write it.
import { stringify } from 'yaml';
import { apiVersion } from '../../api/resource.ts';
import { type ClusterWorld, type Person, TEAM } from './world.ts';

/** Every minute, so that nobody has to wait long; a page limit that makes the first sync take several Jobs. */
const spec = { schedule: '* * * * *', sync: { deltaPageLimit: 10 } };
/** Of whom no schedule of the demo's time is what brings a mail. */
const pushed = { ...spec, schedule: '0 3 * * *', push: { enabled: true } };

export function providerOf({ name, mailbox }: Person): object {
  return {
    apiVersion,
    kind: 'OutlookProvider',
    metadata: { name, namespace: TEAM },
    spec: {
      emailAddress: mailbox.email,
      owner: { userId: `user-${name}` },
      credentialsSecretRef: { name: `${name}-outlook` },
      ...(name === 'ben' ? pushed : spec),
    },
  };
}

function secretOf(name: string, stringData: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: TEAM }, stringData };
}

export const grantOf = ({ name, mailbox }: Person): object =>
  secretOf(`${name}-outlook`, { refreshToken: mailbox.refreshToken });

/** The namespace and all Secrets, grants included. */
export function groundwork({ people, jobSecret }: ClusterWorld): string {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: TEAM } };
  return documents([namespace, secretOf('outlook-sync', jobSecret), ...Object.values(people).map(grantOf)]);
}

export function documents(objects: readonly object[]): string {
  return objects.map((object) => stringify(object)).join('---\n');
}
