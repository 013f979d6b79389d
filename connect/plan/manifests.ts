import { annotations, apiVersion, outlookProviders } from '../../api/resource.ts';
import type { Request } from '../request.ts';
import type { Mailbox } from './account.ts';
import type { Intent } from './intent.ts';

/** The two objects, each with the fields that are ours and no others. */

const placeOf = (name: string, { namespace }: Intent): { name: string; namespace?: string } =>
  namespace === undefined ? { name } : { name, namespace };

/** The key that the operator hands on to the job. */
const tokenKey = 'refreshToken';

type Content = { readonly stringData: Record<string, string> } | { readonly data: Record<string, string> };

function secret(intent: Intent, content: Content) {
  const { name, secretName } = intent;
  // So that a run which did not get as far as the resource knows its Secret again.
  const metadata = { ...placeOf(secretName, intent), annotations: { [annotations.provider]: name } };
  return { apiVersion: 'v1', kind: 'Secret', metadata, ...content };
}

/** To be applied: who applies `stringData` would own what the API server does not keep. */
export function secretToApply(intent: Intent, refreshToken: string): ReturnType<typeof secret> {
  return secret(intent, { data: { [tokenKey]: Buffer.from(refreshToken).toString('base64') } });
}

/** To be read by people. */
export function secretToPrint(intent: Intent, refreshToken: string): ReturnType<typeof secret> {
  return secret(intent, { stringData: { [tokenKey]: refreshToken } });
}

export interface ProviderManifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** Defaults are left to the API server. */
export function providerManifest(intent: Intent, request: Request, mailbox: Mailbox): ProviderManifest {
  const { name, secretName, login } = intent;
  const { userId = '', workspaceId, schedule } = request;
  const auth = {
    ...(login.tenantId === 'common' ? {} : { tenantId: login.tenantId }),
    ...(login.cloud === 'Global' ? {} : { cloud: login.cloud }),
  };
  return {
    apiVersion,
    kind: outlookProviders.kind,
    metadata: placeOf(name, intent),
    spec: {
      ...mailbox,
      owner: workspaceId === undefined ? { userId } : { userId, workspaceId },
      ...(schedule === undefined ? {} : { schedule }),
      credentialsSecretRef: { name: secretName },
      ...(Object.keys(auth).length === 0 ? {} : { auth }),
    },
  };
}
