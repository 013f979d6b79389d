// The simulated Microsoft login: sign-in by device code, public clients, and who has signed in.
import { afterEach, describe, expect, it } from 'vitest';
import type { SimulatedMailbox } from '../../harness/graph/mailbox.ts';
import { createProbe, field } from '../../harness/graph/probe.ts';
import {
  startGraphSimulator,
  type GraphSimulator,
  type GraphSimulatorOptions,
} from '../../harness/graph/simulator.ts';

const EMAIL = 'ada@contoso.example';
const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const SCOPE = 'offline_access User.Read Mail.Read';
let simulator: GraphSimulator;
let mailbox: SimulatedMailbox;
let now = Date.UTC(2026, 10, 20);

async function start(options: GraphSimulatorOptions = {}): Promise<void> {
  simulator = await startGraphSimulator({ clock: () => now, publicClientFlows: true, ...options });
  mailbox = simulator.addMailbox({ email: EMAIL, messages: 3 });
}
afterEach(() => simulator.close());

type Form = Record<string, string>;

async function ask(url: string, form: Form): Promise<{ status: number; body: unknown }> {
  const body = new URLSearchParams({ client_id: simulator.clientId, ...form });
  const response = await fetch(url, { method: 'POST', body });
  return { status: response.status, body: await response.json() };
}

const deviceUrl = (tenant = 'common'): string => simulator.tokenUrlOf(tenant).replace(/token$/, 'devicecode');
const begin = (form: Form = { scope: SCOPE }): ReturnType<typeof ask> => ask(deviceUrl(), form);

const text = (answer: { body: unknown }, name: string): string => String(field(answer.body, name));

/** After the interval, as a good client polls. */
function poll(deviceCode: string, form: Form = {}, seconds = 5): ReturnType<typeof ask> {
  now += seconds * 1000;
  return ask(simulator.tokenUrl, { grant_type: GRANT, device_code: deviceCode, ...form });
}

const outcome = ({ status, body }: { status: number; body: unknown }): string =>
  `${status} ${String(field(body, 'error'))} ${String(field(body, 'error_codes'))}`;

describe('a sign-in by device code', () => {
  it('is pending until the person has signed in, and then gives what was asked for, once', async () => {
    await start();
    const begun = await begin();
    expect(begun).toMatchObject({ status: 200, body: { expires_in: 900, interval: 5 } });
    expect(begun.body).not.toHaveProperty('verification_uri_complete');
    const [code, userCode] = [text(begun, 'device_code'), text(begun, 'user_code')];
    expect(text(begun, 'message')).toContain(userCode);
    expect(outcome(await poll(code))).toBe('400 authorization_pending 70016');
    simulator.deviceCodes.decide(userCode, mailbox);
    const granted = await poll(code);
    expect(granted).toMatchObject({ status: 200, body: { token_type: 'Bearer', scope: SCOPE } });
    expect(text(granted, 'refresh_token')).toBe(mailbox.refreshToken);
    const probe = createProbe(simulator, EMAIL, text(granted, 'access_token'));
    expect((await probe.get('/me/messages')).status).toBe(200);
    expect(outcome(await poll(code))).toBe('400 bad_verification_code 70018');
  });

  it('slows down who polls too often, from then on', async () => {
    await start();
    const code = text(await begin(), 'device_code');
    expect(outcome(await poll(code, {}, 2))).toBe('400 slow_down 70016');
    expect(outcome(await poll(code, {}, 5))).toBe('400 slow_down 70016');
    expect(outcome(await poll(code, {}, 15))).toBe('400 authorization_pending 70016');
  });

  it('ends when the person declines, and when its time is over', async () => {
    await start({ deviceCodes: { lifetime: 60 } });
    const declined = await begin();
    simulator.deviceCodes.decide(text(declined, 'user_code'), 'declined');
    expect(outcome(await poll(text(declined, 'device_code')))).toBe('400 authorization_declined 65004');
    const late = await begin();
    simulator.deviceCodes.decide(text(late, 'user_code'), mailbox);
    expect(outcome(await poll(text(late, 'device_code'), {}, 60))).toBe('400 expired_token 70019');
  });

  it('belongs to the tenant in whose name it began', async () => {
    await start();
    const begun = await begin();
    simulator.deviceCodes.decide(text(begun, 'user_code'), mailbox);
    now += 5000;
    const form = { grant_type: GRANT, device_code: text(begun, 'device_code') };
    expect(outcome(await ask(simulator.tokenUrlOf('organizations'), form))).toBe(
      '400 bad_verification_code 70018',
    );
    expect((await ask(simulator.tokenUrl, form)).status).toBe(200);
  });

  it('gives no refresh token without offline_access', async () => {
    await start();
    const begun = await begin({ scope: 'User.Read Mail.Read' });
    simulator.deviceCodes.decide(text(begun, 'user_code'), mailbox);
    expect((await poll(text(begun, 'device_code'))).body).not.toHaveProperty('refresh_token');
  });

  it.each<[string, Form, string]>([
    ['no scope', {}, '400 invalid_request 900144'],
    ['an unknown scope', { scope: 'Mail.Devour' }, '400 invalid_scope 70011'],
    ['an unknown client', { scope: SCOPE, client_id: 'other' }, '400 unauthorized_client 700016'],
  ])('is refused for %s', async (_, form, expected) => {
    await start();
    expect(outcome(await begin(form))).toBe(expected);
  });

  it('knows no code but its own', async () => {
    await start();
    expect(outcome(await poll('made-up'))).toBe('400 bad_verification_code 70018');
    expect(outcome(await ask(simulator.tokenUrl, { grant_type: GRANT }))).toBe('400 invalid_request 900144');
  });
});

describe('an app', () => {
  it('that allows no public client flows is asked for its secret, but only once the person has signed in', async () => {
    await start({ publicClientFlows: false });
    const begun = await begin();
    const code = text(begun, 'device_code');
    expect(outcome(await poll(code))).toBe('400 authorization_pending 70016');
    simulator.deviceCodes.decide(text(begun, 'user_code'), mailbox);
    expect(outcome(await poll(code))).toBe('401 invalid_client 7000218');
    expect(outcome(await poll(code, { client_secret: 'wrong' }))).toBe('401 invalid_client 7000215');
    expect((await poll(code, { client_secret: simulator.clientSecret })).status).toBe(200);
  });

  it('that allows them must not show a secret, neither then nor when it refreshes', async () => {
    await start();
    const { clientSecret: client_secret } = simulator;
    const begun = await begin();
    simulator.deviceCodes.decide(text(begun, 'user_code'), mailbox);
    const code = text(begun, 'device_code');
    expect(outcome(await poll(code, { client_secret }))).toBe('401 invalid_client 700025');
    const refresh_token = text(await poll(code), 'refresh_token');
    const refresh = { grant_type: 'refresh_token', refresh_token };
    expect(outcome(await ask(simulator.tokenUrl, { ...refresh, client_secret }))).toBe(
      '401 invalid_client 700025',
    );
    expect((await ask(simulator.tokenUrl, refresh)).status).toBe(200);
  });
});

describe('/me', () => {
  it('tells who has signed in, where User.Read was granted', async () => {
    await start();
    const personal = simulator.addMailbox({ email: 'eve@example.com', mail: null });
    for (const [owner, mail] of [
      [mailbox, EMAIL],
      [personal, null],
    ] as const) {
      const begun = await begin();
      simulator.deviceCodes.decide(text(begun, 'user_code'), owner);
      const token = text(await poll(text(begun, 'device_code')), 'access_token');
      const probe = createProbe(simulator, owner.email, token);
      const { body } = await probe.get('/me?$select=mail,userPrincipalName');
      expect(body).toMatchObject({ mail, userPrincipalName: owner.email });
      expect((await probe.get('/me?$select=password')).status).toBe(400);
    }
  });

  it('is refused to a bearer without it', async () => {
    await start();
    const probe = createProbe(simulator, EMAIL, simulator.issueAccessToken(EMAIL));
    const { status, body } = await probe.get('/me');
    expect([status, field(field(body, 'error'), 'code')]).toEqual([403, 'Authorization_RequestDenied']);
  });
});
