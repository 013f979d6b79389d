// The simulated Microsoft login: grants, rotation, and every refusal with its documented body.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loginFault } from '../../harness/graph/loginErrors.ts';
import type { SimulatedMailbox } from '../../harness/graph/mailbox.ts';
import { createProbe, field } from '../../harness/graph/probe.ts';
import {
  startGraphSimulator,
  type GraphSimulator,
  type GraphSimulatorOptions,
} from '../../harness/graph/simulator.ts';

const EMAIL = 'ada@contoso.example';
let simulator: GraphSimulator;
let mailbox: SimulatedMailbox;

async function start(options: GraphSimulatorOptions = {}): Promise<void> {
  simulator = await startGraphSimulator(options);
  mailbox = simulator.addMailbox({ email: EMAIL, messages: 3 });
}

beforeEach(() => start());
afterEach(() => simulator.close());

type Form = Record<string, string | undefined>;

async function ask(
  form: Form,
  url = simulator.tokenUrl,
): Promise<{ status: number; headers: Headers; body: unknown }> {
  const { clientId: client_id, clientSecret: client_secret } = simulator;
  const all: Form = { client_id, client_secret, ...form };
  const given = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(given) });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

function refresh(refresh_token: string, more: Form = {}): ReturnType<typeof ask> {
  return ask({ grant_type: 'refresh_token', refresh_token, ...more });
}

function granted(answer: { body: unknown }, name: string): string {
  return String(field(answer.body, name));
}

async function refusal(form: Form, url?: string): Promise<string> {
  const { status, body } = await ask(form, url);
  return `${status} ${String(field(body, 'error'))} ${String(field(body, 'error_codes'))}`;
}

describe('the refresh_token grant', () => {
  it('gives a bearer that opens the mailbox and a new refresh token each time; old ones live on', async () => {
    const first = await refresh(mailbox.refreshToken);
    expect(first.body).toMatchObject({ token_type: 'Bearer', expires_in: 3600 });
    const rotated = granted(first, 'refresh_token');
    expect(rotated).not.toBe(mailbox.refreshToken);
    const probe = createProbe(simulator, EMAIL, granted(first, 'access_token'));
    expect((await probe.get('/me/messages')).status).toBe(200);
    expect((await refresh(rotated)).status).toBe(200);
    expect((await refresh(mailbox.refreshToken)).status).toBe(200);
    expect(simulator.tokenRequests).toMatchObject([
      { grantType: 'refresh_token', status: 200, mailbox: EMAIL, tenant: 'common' },
      { status: 200 },
      { status: 200 },
    ]);
  });

  it('kills the used token where rotation is strict', async () => {
    await simulator.close();
    await start({ revokeRefreshTokenOnUse: true });
    const rotated = granted(await refresh(mailbox.refreshToken), 'refresh_token');
    expect(field((await refresh(mailbox.refreshToken)).body, 'error')).toBe('invalid_grant');
    expect((await refresh(rotated)).status).toBe(200);
  });

  it('gives no refresh token where offline_access is not asked for', async () => {
    const answer = await refresh(mailbox.refreshToken, { scope: 'https://graph.microsoft.com/Mail.Read' });
    expect(answer.status).toBe(200);
    expect(answer.body).not.toHaveProperty('refresh_token');
  });

  it('lets bearers expire', async () => {
    let now = Date.UTC(2026, 10, 20);
    await simulator.close();
    await start({ accessTokenSeconds: 60, clock: () => now });
    const token = granted(await refresh(mailbox.refreshToken), 'access_token');
    const probe = createProbe(simulator, EMAIL, token);
    expect((await probe.get('/me/messages')).status).toBe(200);
    now += 60_000;
    expect((await probe.get('/me/messages')).status).toBe(401);
  });

  it.each([
    ['revoked', 'invalid_grant', 50173],
    ['expired', 'invalid_grant', 700082],
    ['consent-withdrawn', 'invalid_grant', 65001],
    ['mfa-required', 'interaction_required', 50076],
    ['sign-in-frequency', 'invalid_grant', 70043],
  ] as const)('refuses a grant that is %s until a new sign-in', async (kind, error, code) => {
    const rotated = granted(await refresh(mailbox.refreshToken), 'refresh_token');
    mailbox.revokeGrant(kind);
    for (const token of [mailbox.refreshToken, rotated]) {
      const { status, body } = await refresh(token);
      expect(status).toBe(400);
      expect(body).toMatchObject({ error, error_codes: [code] });
      expect(Object.keys(body as object).sort()).toEqual([
        'correlation_id',
        'error',
        'error_codes',
        'error_description',
        'error_uri',
        'timestamp',
        'trace_id',
      ]);
    }
    expect((await refresh(mailbox.newSignIn())).status).toBe(200);
  });
});

describe('refusals of the request itself', () => {
  it.each<[string, Form, string]>([
    ['a wrong secret', { client_secret: 'wrong' }, '401 invalid_client 7000215'],
    ['no secret', { client_secret: undefined }, '401 invalid_client 7000218'],
    ['an unknown client', { client_id: 'wrong' }, '400 unauthorized_client 700016'],
    ['no client', { client_id: undefined }, '400 invalid_request 900144'],
    ['no grant type', { grant_type: undefined }, '400 invalid_request 900144'],
    ['another grant type', { grant_type: 'password' }, '400 unsupported_grant_type 70003'],
    ['no refresh token', { refresh_token: undefined }, '400 invalid_request 900144'],
    ['an unknown refresh token', { refresh_token: 'made-up' }, '400 invalid_grant 70000'],
    ['an unknown scope', { scope: 'Mail.Read Mail.Devour' }, '400 invalid_scope 70011'],
  ])('%s', async (_, form, expected) => {
    const good = { grant_type: 'refresh_token', refresh_token: mailbox.refreshToken };
    expect(await refusal({ ...good, ...form })).toBe(expected);
  });

  it('takes forms only: JSON lacks every parameter', async () => {
    const response = await fetch(simulator.tokenUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ grant_type: 'refresh_token' }),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: 'invalid_request', error_codes: [900144] });
  });
});

describe('the client_credentials grant', () => {
  const app = { grant_type: 'client_credentials', scope: 'https://graph.microsoft.com/.default' };

  it('needs a tenant of its own and the default scope of Graph, and gives no refresh token', async () => {
    const url = simulator.tokenUrlOf('contoso.onmicrosoft.com');
    expect(await refusal(app)).toBe('400 invalid_request 50059');
    expect(await refusal({ ...app, scope: 'https://graph.microsoft.com/Mail.Read' }, url)).toBe(
      '400 invalid_scope 1002012',
    );
    expect(await refusal({ ...app, scope: undefined }, url)).toBe('400 invalid_request 900144');
    const answer = await ask(app, url);
    expect(answer.status).toBe(200);
    expect(answer.body).not.toHaveProperty('refresh_token');
    const probe = createProbe(simulator, EMAIL, granted(answer, 'access_token'));
    expect((await probe.get(`/users/${EMAIL}/messages`)).status).toBe(200);
    const own = { ...app, scope: `${new URL(simulator.graphBaseUrl).origin}/.default` };
    expect((await ask(own, url)).status).toBe(200);
  });
});

describe('scripted trouble', () => {
  it('tells loops, throttling and outages as Microsoft login does, then goes on', async () => {
    const when = (request: { kind: string }): boolean => request.kind === 'token';
    for (const kind of ['loop', 'throttled', 'temporarily-unavailable'] as const) {
      simulator.faults.add({ when, reply: loginFault(kind) });
    }
    const loop = await refresh(mailbox.refreshToken);
    expect([loop.status, field(loop.body, 'error_codes')]).toEqual([400, [50196]]);
    const throttled = await refresh(mailbox.refreshToken);
    expect([throttled.status, throttled.headers.get('retry-after')]).toEqual([429, '60']);
    const out = await refresh(mailbox.refreshToken);
    expect([out.status, field(out.body, 'error')]).toEqual([503, 'temporarily_unavailable']);
    expect((await refresh(mailbox.refreshToken)).status).toBe(200);
    expect(simulator.tokenRequests.map((record) => record.error)).toEqual([
      'invalid_grant',
      'temporarily_unavailable',
      'temporarily_unavailable',
      undefined,
    ]);
  });
});
