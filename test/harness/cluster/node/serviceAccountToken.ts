// Tokens of a service account for one Pod, as the kubelet gets them: from the API server, bound to the Pod.
import * as z from 'zod';
import type { KubeClient } from '../../../../kube/client.ts';
import { serviceAccounts } from '../../../../kube/resource.ts';
import type { Pod } from './podSpec.ts';

export interface ServiceAccountToken {
  readonly token: string;
  /** Milliseconds until it should be replaced. */
  readonly refreshMs: number;
}

// The kubelet replaces a token after 80 % of its life.
const REFRESH_AT = 0.8;

const answer = z.object({ status: z.object({ token: z.string() }) });

/** @throws KubeError, as when there is no such account */
export async function requestToken(
  client: KubeClient,
  pod: Pod,
  wanted: { readonly audience?: string | undefined; readonly expirationSeconds: number },
): Promise<ServiceAccountToken> {
  const { name, namespace, uid } = pod.metadata;
  const account = { namespace, name: pod.spec.serviceAccountName };
  const response = await client.createSubresource(serviceAccounts, account, 'token', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      audiences: wanted.audience === undefined ? [] : [wanted.audience],
      expirationSeconds: wanted.expirationSeconds,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
    },
  });
  const { token } = answer.parse(response).status;
  return { token, refreshMs: wanted.expirationSeconds * 1000 * REFRESH_AT };
}
