// What an OutlookProvider is looked up by, as words of an index, and which of those that share one is the older. Two
// providers of a namespace must not work on one mailbox or one row: the older one does, the other waits for its end.
import type { ObjectMeta } from '../../kube/object.ts';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

export function namespaceToken(namespace: string): string {
  return `in ${namespace}`;
}

export function secretToken(namespace: string, name: string): string {
  return `secret ${namespace}/${name}`;
}

const claimPrefix = 'claim ';

/** The mailbox for its owner, and the row, where the spec names one. The spec need not be valid. */
function claims(namespace: string, spec: Readonly<Record<string, unknown>>): string[] {
  const { providerId, emailAddress, owner } = spec;
  const { userId, workspaceId = null } = isRecord(owner) ? owner : {};
  const row = typeof providerId === 'string' ? [['row', namespace, providerId.toLowerCase()]] : [];
  const mailbox =
    typeof emailAddress === 'string'
      ? [['mailbox', namespace, emailAddress.toLowerCase(), userId, workspaceId]]
      : [];
  return [...row, ...mailbox].map((parts) => `${claimPrefix}${JSON.stringify(parts)}`);
}

export function providerTokens({ namespace = '' }: ObjectMeta, spec: unknown): string[] {
  const fields = isRecord(spec) ? spec : {};
  const reference = fields['credentialsSecretRef'];
  const secret = isRecord(reference) ? reference['name'] : undefined;
  return [
    namespaceToken(namespace),
    ...(typeof secret === 'string' ? [secretToken(namespace, secret)] : []),
    ...claims(namespace, fields),
  ];
}

export function claimsOf(tokens: readonly string[]): string[] {
  return tokens.filter((token) => token.startsWith(claimPrefix));
}

type Age = Pick<ObjectMeta, 'creationTimestamp' | 'uid'>;

/** Negative when `left` was first; of two of the same second the smaller uid. */
export function compareAge(left: Age, right: Age): number {
  const [a, b] = [left, right].map(({ creationTimestamp = '', uid = '' }) => `${creationTimestamp} ${uid}`);
  return (a ?? '') < (b ?? '') ? -1 : a === b ? 0 : 1;
}
