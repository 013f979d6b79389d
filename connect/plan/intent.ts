import * as z from 'zod';
import type { Cloud } from '../../api/cloud.ts';
import { exitCodes } from '../../api/exitCodes.ts';
import { annotations } from '../../api/resource.ts';
import { Failure } from '../failure.ts';
import type { Request } from '../request.ts';

/**
 * What a run is going to do, decided from what is asked for and what is there. An OutlookProvider that exists belongs to
 * those who wrote it: of it nothing is changed, only the token in its Secret.
 */
export interface Intent {
  /** `new`: both objects. `token`: the resource exists, and gets a new grant. */
  readonly kind: 'new' | 'token';
  readonly namespace: string | undefined;
  readonly name: string;
  readonly secretName: string;
  readonly login: { readonly tenantId: string; readonly cloud: Cloud };
  /** The addresses that the resource has; with `new` none. */
  readonly addresses: readonly string[];
}

/** What matters of a stored object; of its fields nothing is certain, for it may be of another version. */
export interface StoredProvider {
  readonly metadata: { readonly deletionTimestamp?: string };
  readonly spec?: unknown;
}

const storedSpec = z.object({
  emailAddress: z.string().optional().catch(undefined),
  userPrincipalName: z.string().optional().catch(undefined),
  credentialsSecretRef: z.object({ name: z.string() }).optional().catch(undefined),
  auth: z
    .object({
      mode: z.string().catch('Delegated'),
      tenantId: z.string().catch('common'),
      cloud: z.enum(['Global', 'USGov', 'USGovDoD', 'China']).catch('Global'),
    })
    .catch({ mode: 'Delegated', tenantId: 'common', cloud: 'Global' }),
});
type StoredSpec = z.infer<typeof storedSpec>;

function newIntent(request: Request, namespace: string | undefined): Intent {
  const { name, userId, secretName = `${name}-outlook`, standing } = request;
  const { tenantId = standing.tenantId, cloud = standing.cloud } = request;
  if (userId === undefined)
    throw new Failure(
      exitCodes.usage,
      `--user-id is missing: there is no OutlookProvider ${name} in ${namespace ?? 'the namespace'} yet, and a new one needs to know whom the mail belongs to. Example: --user-id user-42`,
    );
  return { kind: 'new', namespace, name, secretName, login: { tenantId, cloud }, addresses: [] };
}

/** Arguments that would change the resource. */
function checkChanges(request: Request, { auth, credentialsSecretRef, emailAddress }: StoredSpec): void {
  const compared: readonly (readonly [string, string | undefined, string | undefined])[] = [
    ['--secret', request.secretName, credentialsSecretRef?.name],
    ['--email', request.emailAddress, emailAddress],
    ['--tenant', request.tenantId, auth.tenantId],
    ['--cloud', request.cloud, auth.cloud],
  ];
  for (const [argument, asked, stored] of compared) {
    if (asked === undefined || isSame(asked, stored)) continue;
    throw new Failure(
      exitCodes.usage,
      `${argument} ${asked}: the OutlookProvider ${request.name} has ${stored ?? 'none'}, and connect does not change it. Leave the argument out, or change the resource first`,
    );
  }
}

export function isSame(one: string, other: string | undefined): boolean {
  return one.toLowerCase() === other?.toLowerCase();
}

function tokenIntent(request: Request, namespace: string | undefined, provider: StoredProvider): Intent {
  const { name } = request;
  const refuse = (why: string): never => {
    throw new Failure(exitCodes.refused, `The OutlookProvider ${name} ${why}. Nothing was written`);
  };
  if (provider.metadata.deletionTimestamp !== undefined) refuse('is being deleted');
  const stored = storedSpec.parse(provider.spec ?? {});
  const { auth, credentialsSecretRef, emailAddress, userPrincipalName } = stored;
  if (auth.mode !== 'Delegated') refuse(`has auth.mode ${auth.mode}, for which nobody signs in`);
  checkChanges(request, stored);
  const secretName = credentialsSecretRef?.name ?? refuse('names no Secret in credentialsSecretRef');
  const addresses = [emailAddress, userPrincipalName].filter((one) => one !== undefined);
  const login = { tenantId: auth.tenantId, cloud: auth.cloud };
  return { kind: 'token', namespace, name, secretName, login, addresses };
}

/** @throws Failure where what is there does not allow what is asked for */
export function decideIntent(
  request: Request,
  namespace: string | undefined,
  provider: StoredProvider | undefined,
): Intent {
  return provider === undefined ? newIntent(request, namespace) : tokenIntent(request, namespace, provider);
}

export interface StoredSecret {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
}

/**
 * Whose the Secret is: that of the resource that names it, and that of an earlier run which did not get as far as the
 * resource. Any other is somebody else's, and its refreshToken somebody else's grant.
 * @throws Failure
 */
export function checkSecret(intent: Intent, request: Request, secret: StoredSecret | undefined): void {
  if (secret === undefined || intent.kind === 'token' || request.mayReplaceForeignSecret) return;
  if (secret.metadata.annotations?.[annotations.provider] === intent.name) return;
  throw new Failure(
    exitCodes.refused,
    `The Secret ${intent.secretName} exists and is not of the OutlookProvider ${intent.name}. Choose another with --secret, or say --replace-foreign-secret to have its refreshToken replaced`,
  );
}
