/**
 * The token endpoint of Microsoft login: refresh_token, client_credentials and device_code grants. Every refresh answers
 * with a new refresh token; whether the old one lives on is an option. Refusals stand in loginErrors.ts.
 */
import { DeviceCodes, type DeviceCodeOptions } from './deviceCodes.ts';
import type { RefreshToken } from './grants.ts';
import { opaque } from './ids.ts';
import { refusalReply, type LoginRefusal } from './loginErrors.ts';
import type { Reply } from './graphError.ts';
import type { SimulatedMailbox } from './mailbox.ts';
import type { TokenRequestRecord } from './requestLog.ts';

export interface AccessToken {
  text: string;
  /** Absent for an app-only token, which speaks for every mailbox. */
  mailbox?: SimulatedMailbox;
  /** What a delegated one may do. */
  scope?: string;
  expiresAt: number;
}

export interface LoginOptions {
  clientId: string;
  clientSecret: string;
  /** The app allows public client flows: it signs in by device code, and refreshes, without its secret only. */
  publicClientFlows: boolean;
  deviceCodes: DeviceCodeOptions;
  accessTokenSeconds: number;
  revokeRefreshTokenOnUse: boolean;
  seed: number;
  clock: () => number;
  mailboxes: () => Iterable<SimulatedMailbox>;
  /** Hosts whose `/.default` an app may ask for. */
  graphOrigins: () => readonly string[];
  /** Where a person enters the code of a device. */
  verificationUri: () => string;
}

class LoginRefused extends Error {
  readonly kind: LoginRefusal;
  readonly detail: string;

  constructor(kind: LoginRefusal, detail = '') {
    super(kind);
    this.kind = kind;
    this.detail = detail;
  }
}

const DELEGATED_SCOPES = new Set([
  'openid',
  'profile',
  'email',
  'offline_access',
  'User.Read',
  'Mail.Read',
  'Mail.ReadBasic',
  'MailboxSettings.Read',
  '.default',
]);
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const GRANT_TYPES = ['refresh_token', 'client_credentials', DEVICE_CODE];
const DEFAULT_SCOPE = 'Mail.Read MailboxSettings.Read offline_access';

export class Login {
  readonly #options: LoginOptions;
  readonly #tokens = new Map<string, AccessToken>();
  readonly deviceCodes: DeviceCodes;
  #issued = 0;

  constructor(options: LoginOptions) {
    this.#options = options;
    this.deviceCodes = new DeviceCodes(options.deviceCodes, options.seed, options.clock);
  }

  /** An access token without the detour of a grant: for a mailbox, or with none app-only. */
  issue(mailbox?: SimulatedMailbox, scope = DEFAULT_SCOPE): AccessToken {
    this.#issued += 1;
    const { seed, clock, accessTokenSeconds } = this.#options;
    const text = `EwCQA8l6BAAU${opaque(240, seed, mailbox?.userId ?? 'application', this.#issued)}`;
    const expiresAt = clock() + accessTokenSeconds * 1000;
    const token: AccessToken =
      mailbox === undefined ? { text, expiresAt } : { text, expiresAt, mailbox, scope };
    this.#tokens.set(text, token);
    return token;
  }

  find(text: string): AccessToken | undefined {
    return this.#tokens.get(text);
  }

  /** Lets every access token issued so far expire at once. */
  expireAccessTokens(): void {
    for (const token of this.#tokens.values()) token.expiresAt = 0;
  }

  /** Answers POST /{tenant}/oauth2/v2.0/token. `record` is filled in with what became of it. */
  answer(tenant: string, contentType: string, body: string, record: TokenRequestRecord): Reply {
    const form = new URLSearchParams(/^application\/x-www-form-urlencoded/i.test(contentType) ? body : '');
    record.grantType = form.get('grant_type') ?? '';
    return this.#refusing(() => this.#grant(tenant, form, record));
  }

  /** Answers POST /{tenant}/oauth2/v2.0/devicecode, which asks for no secret: the app is known by its id alone. */
  answerDevice(tenant: string, contentType: string, body: string): Reply {
    const form = new URLSearchParams(/^application\/x-www-form-urlencoded/i.test(contentType) ? body : '');
    return this.#refusing(() => {
      this.#checkApp(tenant, form);
      const scope = this.#delegatedScope(required(form, 'scope'));
      const signIn = this.deviceCodes.begin(tenant, scope, this.#options.verificationUri());
      return { status: 200, headers: {}, body: signIn };
    });
  }

  #refusing(answer: () => Reply): Reply {
    try {
      return answer();
    } catch (error) {
      if (!(error instanceof LoginRefused)) throw error;
      return refusalReply(error.kind, this.#options.clock(), error.detail);
    }
  }

  #grant(tenant: string, form: URLSearchParams, record: TokenRequestRecord): Reply {
    const grantType = this.#checkApp(tenant, form, () => required(form, 'grant_type'));
    if (grantType === DEVICE_CODE) return this.#device(tenant, form, record);
    const isPublic = this.#options.publicClientFlows && grantType === 'refresh_token';
    this.#checkSecret(form, isPublic);
    return grantType === 'refresh_token' ? this.#refresh(form, record) : this.#application(tenant, form);
  }

  /** In the order in which Microsoft complains. */
  #checkApp(tenant: string, form: URLSearchParams, grantType = (): string => DEVICE_CODE): string {
    if (!/^[A-Za-z0-9.-]+$/.test(tenant)) throw new LoginRefused('bad-tenant');
    const type = grantType();
    if (!GRANT_TYPES.includes(type)) throw new LoginRefused('grant-type');
    if (required(form, 'client_id') !== this.#options.clientId) throw new LoginRefused('unknown-client');
    return type;
  }

  #checkSecret(form: URLSearchParams, isPublic: boolean): void {
    const secret = form.get('client_secret') ?? '';
    if (isPublic && secret === '') return;
    if (isPublic) throw new LoginRefused('public-client');
    if (secret === '') throw new LoginRefused('missing-secret');
    if (secret !== this.#options.clientSecret) throw new LoginRefused('wrong-secret');
  }

  /** Who the app is, is asked only once the person has signed in: that is when people see AADSTS7000218. */
  #device(tenant: string, form: URLSearchParams, record: TokenRequestRecord): Reply {
    const code = required(form, 'device_code');
    const signedIn = this.deviceCodes.poll(code, tenant);
    if (typeof signedIn === 'string') throw new LoginRefused(signedIn);
    this.#checkSecret(form, this.#options.publicClientFlows);
    this.deviceCodes.forget(code);
    const { mailbox, scope } = signedIn;
    record.mailbox = mailbox.email;
    return this.#granted(mailbox, scope, () => mailbox.newSignIn());
  }

  #refresh(form: URLSearchParams, record: TokenRequestRecord): Reply {
    const text = required(form, 'refresh_token');
    const scope = this.#delegatedScope(form.get('scope'));
    for (const mailbox of this.#options.mailboxes()) {
      const token = mailbox.grants.find(text);
      if (token === undefined) continue;
      record.mailbox = mailbox.email;
      if (token.dead !== undefined) throw new LoginRefused(token.dead);
      return this.#granted(mailbox, scope, () => this.#successor(mailbox, token));
    }
    throw new LoginRefused('unknown');
  }

  #successor(mailbox: SimulatedMailbox, used: RefreshToken): string {
    return mailbox.grants.rotate(used, this.#options.revokeRefreshTokenOnUse);
  }

  #delegatedScope(asked: string | null): string {
    if (asked === null || asked.trim() === '') return DEFAULT_SCOPE;
    const origins = this.#options.graphOrigins();
    for (const scope of asked.trim().split(/\s+/)) {
      const origin = origins.find((one) => scope.startsWith(`${one}/`));
      const name = origin === undefined ? scope : scope.slice(origin.length + 1);
      if (!DELEGATED_SCOPES.has(name))
        throw new LoginRefused('unknown-scope', ` The scope ${scope} is not valid.`);
    }
    return asked.trim();
  }

  #application(tenant: string, form: URLSearchParams): Reply {
    if (['common', 'organizations', 'consumers'].includes(tenant.toLowerCase()))
      throw new LoginRefused('no-tenant');
    const scope = required(form, 'scope');
    if (!this.#options.graphOrigins().some((origin) => scope === `${origin}/.default`))
      throw new LoginRefused('app-scope');
    return this.#answerWith(this.issue());
  }

  #granted(mailbox: SimulatedMailbox, scope: string, refreshToken: () => string): Reply {
    const next = refreshToken();
    // Without offline_access no refresh token comes back (Entra docs: authorization code flow).
    const refresh = scope.split(' ').includes('offline_access') ? { refresh_token: next } : {};
    return this.#answerWith(this.issue(mailbox, scope), { scope, ...refresh });
  }

  #answerWith(token: AccessToken, extra: object = {}): Reply {
    const seconds = this.#options.accessTokenSeconds;
    const body = {
      token_type: 'Bearer',
      expires_in: seconds,
      ext_expires_in: seconds,
      access_token: token.text,
      ...extra,
    };
    return { status: 200, headers: {}, body };
  }
}

function required(form: URLSearchParams, name: string): string {
  const value = form.get(name) ?? '';
  if (value === '') throw new LoginRefused('missing', `'${name}'.`);
  return value;
}
