// What connect decides: whose Secret it is, whose mailbox, what is written, and what a refusal of the login means.
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../../api/exitCodes.ts';
import { providerSpec } from '../../../api/providerSpec.ts';
import { Failure } from '../../../connect/failure.ts';
import { mailboxOf } from '../../../connect/plan/account.ts';
import { checkSecret, decideIntent, type Intent, type StoredProvider } from '../../../connect/plan/intent.ts';
import { loginRefusal } from '../../../connect/plan/loginRefusal.ts';
import { providerManifest, secretToApply, secretToPrint } from '../../../connect/plan/manifests.ts';
import { type Request, parseRequest } from '../../../connect/request.ts';
import { refusalReply } from '../../harness/graph/loginErrors.ts';

function request(...more: readonly string[]): Request {
  const parsed = parseRequest(['--name', 'anna', '--client-id', 'app-1', ...more], {});
  if (parsed.name !== 'connect') throw new Error(JSON.stringify(parsed));
  return parsed.request;
}

const stored = (spec: object, metadata: object = {}): StoredProvider => ({
  metadata,
  spec: {
    emailAddress: 'anna@contoso.com',
    credentialsSecretRef: { name: 'annas' },
    auth: { mode: 'Delegated', tenantId: 'common', cloud: 'Global' },
    ...spec,
  },
});

/** The exit code and the words of a Failure; anything else is thrown on. */
function failureOf(act: () => unknown): { code: number; message: string } {
  try {
    act();
  } catch (error) {
    if (error instanceof Failure) return { code: error.exitCode, message: error.message };
    throw error;
  }
  throw new Error('It did not fail');
}

describe('with no OutlookProvider of that name', () => {
  it('both objects are new, and the Secret is named after it', () => {
    expect(decideIntent(request('--user-id', 'u'), 'team', undefined)).toEqual({
      kind: 'new',
      namespace: 'team',
      name: 'anna',
      secretName: 'anna-outlook',
      login: { tenantId: 'common', cloud: 'Global' },
      addresses: [],
    });
  });

  it('an owner has to be named', () => {
    const { code, message } = failureOf(() => decideIntent(request(), 'team', undefined));
    expect(code).toBe(exitCodes.usage);
    expect(message).toMatch(/^--user-id is missing: .*Example: --user-id user-42$/);
  });

  it('a Secret of that name is somebody else’s, unless an earlier run made it or it may be replaced', () => {
    const asked = request('--user-id', 'u');
    const intent = decideIntent(asked, 'team', undefined);
    const noted = (name: string): object => ({ 'outlooksync.dev/provider': name });
    const check =
      (metadata: object, more: readonly string[] = []) =>
      () =>
        checkSecret(intent, more.length === 0 ? asked : request('--user-id', 'u', ...more), { metadata });
    expect(check({ annotations: noted('anna') })).not.toThrow();
    expect(check({}, ['--replace-foreign-secret'])).not.toThrow();
    for (const metadata of [{}, { annotations: noted('bob') }]) {
      const { code, message } = failureOf(check(metadata));
      expect(code).toBe(exitCodes.refused);
      expect(message).toMatch(/The Secret anna-outlook exists .*--secret.*--replace-foreign-secret/);
    }
    expect(() => {
      checkSecret(intent, asked, undefined);
    }).not.toThrow();
  });
});

describe('with an OutlookProvider', () => {
  it('its own Secret, tenant and cloud are what is signed in for, whoever made the Secret', () => {
    const provider = stored({ auth: { mode: 'Delegated', tenantId: 'contoso.com', cloud: 'USGov' } });
    const intent = decideIntent(request(), 'team', provider);
    expect(intent).toMatchObject({
      kind: 'token',
      secretName: 'annas',
      login: { tenantId: 'contoso.com', cloud: 'USGov' },
      addresses: ['anna@contoso.com'],
    });
    expect(() => {
      checkSecret(intent, request(), { metadata: {} });
    }).not.toThrow();
  });

  it.each([
    [['--secret', 'other'], /^--secret other: .* has annas/],
    [['--email', 'bob@contoso.com'], /^--email bob@contoso\.com: .* has anna@contoso\.com/],
    [['--tenant', 'contoso.com'], /^--tenant contoso\.com: .* has common/],
    [['--cloud', 'China'], /^--cloud China: .* has Global/],
  ])('%j would change it, and is refused', (more, words) => {
    const { code, message } = failureOf(() => decideIntent(request(...more), 'team', stored({})));
    expect(code).toBe(exitCodes.usage);
    expect(message).toMatch(words);
  });

  it.each([
    [
      'of Application mode',
      stored({ auth: { mode: 'Application', tenantId: 'contoso.com' } }),
      /Application/,
    ],
    ['that is being deleted', stored({}, { deletionTimestamp: '2026-11-25T10:00:00Z' }), /is being deleted/],
    ['without a Secret', { metadata: {}, spec: { emailAddress: 'a@b.example' } }, /names no Secret/],
    ['without a spec', { metadata: {} }, /names no Secret/],
  ] as const)('one %s takes no grant', (_, provider, words) => {
    const { code, message } = failureOf(() => decideIntent(request(), 'team', provider));
    expect(code).toBe(exitCodes.refused);
    expect(message).toMatch(words);
  });
});

const anew = decideIntent(request('--user-id', 'u'), 'team', undefined);
const again = decideIntent(request(), 'team', stored({ userPrincipalName: 'a.b@contoso.example' }));

describe('who signed in', () => {
  it.each([
    [
      'has an address',
      { mail: 'anna@contoso.com', userPrincipalName: 'anna@contoso.com' },
      'anna@contoso.com',
    ],
    [
      'has none (a personal account)',
      { mail: null, userPrincipalName: 'anna@example.com' },
      'anna@example.com',
    ],
  ])('%s: the mailbox of a new resource', (_, account, emailAddress) => {
    expect(mailboxOf(account, request('--user-id', 'u'), anew)).toEqual({ emailAddress });
  });

  it('may sign in by another name than the address', () => {
    const account = { mail: 'anna@contoso.com', userPrincipalName: 'a.b@contoso.example' };
    expect(mailboxOf(account, request('--user-id', 'u'), anew)).toEqual({
      emailAddress: 'anna@contoso.com',
      userPrincipalName: 'a.b@contoso.example',
    });
  });

  it('is told by either name, in any case', () => {
    for (const account of [
      { mail: 'ANNA@contoso.com', userPrincipalName: null },
      { mail: null, userPrincipalName: 'A.B@contoso.example' },
    ]) {
      expect(mailboxOf(account, request(), again).emailAddress).toBe('anna@contoso.com');
    }
  });

  it('must not be another than the resource has, or than was named, without consent', () => {
    const bob = { mail: 'bob@contoso.com', userPrincipalName: 'bob@contoso.com' };
    const asked = request('--user-id', 'u', '--email', 'anna@contoso.com');
    for (const act of [() => mailboxOf(bob, request(), again), () => mailboxOf(bob, asked, anew)]) {
      const { code, message } = failureOf(act);
      expect(code).toBe(exitCodes.refused);
      expect(message).toMatch(/Signed in was bob@contoso\.com, not anna@contoso\.com.* Nothing was written/);
    }
    expect(mailboxOf(bob, request('--accept-other-address'), again).emailAddress).toBe('anna@contoso.com');
  });

  it('without any address is asked for one', () => {
    const nobody = { mail: null, userPrincipalName: null };
    const { code, message } = failureOf(() => mailboxOf(nobody, request('--user-id', 'u'), anew));
    expect(code).toBe(exitCodes.refused);
    expect(message).toContain('--email');
  });
});

describe('what is written', () => {
  it('is a resource that the schema accepts, with nothing in it that is a default', () => {
    const asked = request('--user-id', 'u', '--workspace-id', 'w', '--schedule', 'H/10 * * * *');
    const manifest = providerManifest(anew, asked, { emailAddress: 'anna@contoso.com' });
    expect(manifest.spec).toEqual({
      emailAddress: 'anna@contoso.com',
      owner: { userId: 'u', workspaceId: 'w' },
      schedule: 'H/10 * * * *',
      credentialsSecretRef: { name: 'anna-outlook' },
    });
    expect(providerSpec.safeParse(manifest.spec).success).toBe(true);
    const elsewhere: Intent = { ...anew, login: { tenantId: 'contoso.com', cloud: 'China' } };
    const { spec } = providerManifest(elsewhere, asked, { emailAddress: 'anna@contoso.com' });
    expect(spec['auth']).toEqual({ tenantId: 'contoso.com', cloud: 'China' });
    expect(providerSpec.safeParse(spec).success).toBe(true);
  });

  it('is a Secret with the key that the job is given, and whose it is', () => {
    const metadata = {
      name: 'anna-outlook',
      namespace: 'team',
      annotations: { 'outlooksync.dev/provider': 'anna' },
    };
    expect(secretToApply(anew, 'token')).toMatchObject({ metadata, data: { refreshToken: 'dG9rZW4=' } });
    expect(secretToPrint(anew, 'token')).toMatchObject({ metadata, stringData: { refreshToken: 'token' } });
  });
});

describe('a refusal of the login', () => {
  it.each([
    ['missing-secret', exitCodes.refused, /public client flows: allow them.*AADSTS7000218/],
    ['public-client', exitCodes.refused, /must not be shown.*AADSTS700025/],
    ['wrong-secret', exitCodes.refused, /the secret is wrong.*AADSTS7000215/],
    ['unknown-client', exitCodes.refused, /--client-id.*AADSTS700016/],
    ['unknown-scope', exitCodes.refused, /--scopes.*AADSTS70011/],
    ['device-declined', exitCodes.refused, /was declined.*authorization_declined/],
    ['device-code-expired', exitCodes.transient, /new code.*expired_token/],
    ['bad-device-code', exitCodes.protocol, /bad_verification_code/],
    ['temporarily-unavailable', exitCodes.transient, /answered 503/],
  ] as const)('%s: %i, in words that say what to do', (kind, code, words) => {
    const { status, body } = refusalReply(kind, 0);
    const failure = loginRefusal(status, body);
    expect(failure.exitCode).toBe(code);
    expect(failure.message).toMatch(words);
    expect(failure.message, 'Microsoft’s own text may name people').not.toContain('Trace ID');
  });

  it('that nobody knows is told by its name', () => {
    expect(loginRefusal(400, { error: 'brand_new' })).toMatchObject({
      exitCode: exitCodes.refused,
      message: 'Microsoft refuses the sign-in (brand_new)',
    });
    expect(loginRefusal(400, '<html>')).toMatchObject({ exitCode: exitCodes.protocol });
    expect(loginRefusal(502, '<html>')).toMatchObject({ exitCode: exitCodes.transient });
  });
});
