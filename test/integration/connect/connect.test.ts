// connect from its arguments to what stands in the cluster, and all that may come between.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from '../../../api/exitCodes.ts';
import { loginFault } from '../../harness/graph/loginErrors.ts';
import type { RequestInfo } from '../../harness/graph/faults.ts';
import { EMAIL, openConnectScene, tokenIn } from './scene.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'connect-test-'));
});
afterAll(() => rm(folder, { recursive: true }));

const owner = ['--user-id', 'user-1'];
const isPoll = ({ kind, path }: RequestInfo): boolean => kind === 'token' && path.endsWith('/token');
const isMe = ({ kind, path }: RequestInfo): boolean => kind === 'graph' && path.endsWith('/me');

describe('a new mailbox', () => {
  it('gets a Secret and an OutlookProvider that refers to it', async () => {
    const scene = await openConnectScene();
    scene.signsIn();
    const { code, lines, said } = await scene.run(...owner, '--schedule', 'H/10 * * * *');
    expect([code, lines], said).toEqual([
      0,
      ['secret/anna-outlook written', 'outlookprovider.outlooksync.dev/anna written'],
    ]);
    expect(said).toMatch(/Open http\S+\/devicelogin and enter the code [A-Z0-9]{9}/);
    expect(tokenIn(scene.secret())).toBe(scene.mailbox.refreshToken);
    expect(scene.provider()?.['spec']).toEqual({
      emailAddress: EMAIL,
      owner: { userId: 'user-1' },
      schedule: 'H/10 * * * *',
      credentialsSecretRef: { name: 'anna-outlook' },
    });
    expect(scene.writes()).toBe(2);
  });

  it('of a personal account has the address that its owner signs in with', async () => {
    const scene = await openConnectScene();
    scene.signsIn(scene.simulator.addMailbox({ email: 'eve@example.com', mail: null }));
    await scene.run(...owner);
    expect(scene.provider()?.['spec']).toMatchObject({ emailAddress: 'eve@example.com' });
  });

  it('is completed by a second run after one that was killed between the two writes', async () => {
    const scene = await openConnectScene();
    scene.signsIn();
    scene.putSecret('anna-outlook', 'of-the-run-that-died', 'anna');
    expect((await scene.run(...owner)).code).toBe(0);
    expect(tokenIn(scene.secret())).toBe(scene.mailbox.refreshToken);
    expect(scene.provider()).toBeDefined();
  });

  it('is told of in halves where the API server fails between the two writes', async () => {
    const scene = await openConnectScene();
    scene.person((userCode) => {
      scene.simulator.deviceCodes.decide(userCode, scene.mailbox);
      scene.api.fault({ method: 'PATCH', path: '/outlookproviders/', status: 500 });
    });
    const { code, said } = await scene.run(...owner);
    expect(code).toBe(exitCodes.transient);
    expect(said).toMatch(/The Secret team\/anna-outlook is written, the resource is not\. Run it again/);
    scene.signsIn();
    expect((await scene.run(...owner)).code).toBe(0);
  });
});

describe('a mailbox that is connected already', () => {
  it('gets a new token in its own Secret, and nothing else changes', async () => {
    const scene = await openConnectScene();
    scene.putProvider({ schedule: '5 * * * *' });
    scene.putSecret('annas', 'of-the-dead-grant');
    const before = scene.provider();
    scene.signsIn();
    const { code, lines, said } = await scene.run('--schedule', 'H * * * *');
    expect([code, lines], said).toEqual([0, ['secret/annas has the new token']]);
    expect(said).toMatch(/exists\. Only the token in its Secret annas is replaced/);
    expect(said).toMatch(/--schedule: for a new resource only/);
    expect(said, 'who had written it').toMatch(/was written by .* so far/);
    expect(tokenIn(scene.secret('annas'))).toBe(scene.mailbox.refreshToken);
    expect(scene.secret('annas')?.['data']).toMatchObject({ other: 'c3RheXM=' });
    expect(scene.provider()).toEqual(before);
    expect(scene.secret()).toBeUndefined();
  });

  it('does not get the grant of another', async () => {
    const scene = await openConnectScene();
    scene.putProvider();
    scene.putSecret('annas', 'of-the-dead-grant');
    scene.signsIn(scene.simulator.addMailbox({ email: 'bob@contoso.example' }));
    const { code, said } = await scene.run();
    expect(code).toBe(exitCodes.refused);
    expect(said).toMatch(/Signed in was bob@contoso\.example, not anna@contoso\.example/);
    expect(scene.writes()).toBe(0);
    expect((await scene.run('--accept-other-address')).code).toBe(0);
    expect(tokenIn(scene.secret('annas'))).not.toBe('of-the-dead-grant');
  });
});

describe('before anybody is asked to sign in', () => {
  it('a Secret of somebody else is refused, unless it may be replaced', async () => {
    const scene = await openConnectScene();
    scene.putSecret('anna-outlook', 'of-somebody-else');
    scene.signsIn();
    const { code, said } = await scene.run(...owner);
    expect([code, scene.simulator.tokenRequests]).toEqual([exitCodes.refused, []]);
    expect(said).toMatch(/--replace-foreign-secret/);
    expect(tokenIn(scene.secret())).toBe('of-somebody-else');
    expect((await scene.run(...owner, '--replace-foreign-secret')).code).toBe(0);
    expect(tokenIn(scene.secret())).toBe(scene.mailbox.refreshToken);
  });

  it.each([
    ['a right that is missing', { method: 'PATCH', path: '/secrets/', status: 403 }, exitCodes.refused],
    [
      'a spec that will not do',
      { method: 'PATCH', path: '/outlookproviders/', status: 422 },
      exitCodes.usage,
    ],
    ['an API server that fails', { path: '/outlookproviders/', status: 500 }, exitCodes.transient],
  ] as const)('%s is told', async (_, fault, expected) => {
    const scene = await openConnectScene();
    const { status } = fault;
    const body = { kind: 'Status', message: 'the API server’s own words', code: status };
    scene.api.fault({ ...fault, body, times: 9 });
    const { code, said } = await scene.run(...owner);
    expect(code, said).toBe(expected);
    if (status < 500) expect(said).toContain('the API server’s own words');
    expect([scene.simulator.tokenRequests, scene.secret(), scene.provider()]).toEqual([
      [],
      undefined,
      undefined,
    ]);
  });

  it('an API server without the definition is told what it lacks', async () => {
    const scene = await openConnectScene();
    scene.api.fault({ path: '/outlookproviders/', status: 404, body: '404 page not found' });
    const { code, said } = await scene.run(...owner);
    expect([code, said]).toEqual([exitCodes.refused, expect.stringContaining('-f crds/')]);
  });

  it('a dry run ends, having asked the API server about both objects', async () => {
    const scene = await openConnectScene();
    const { code, lines, said } = await scene.run(...owner, '--dry-run');
    expect([code, lines], said).toEqual([0, []]);
    expect(said).toMatch(/Nothing was written/);
    expect([scene.simulator.tokenRequests, scene.writes()]).toEqual([[], 0]);
    expect(scene.api.requests.filter(({ query }) => query['dryRun'] === 'All')).toHaveLength(2);
    expect([scene.secret(), scene.provider()]).toEqual([undefined, undefined]);
  });
});

describe('the sign-in', () => {
  it('is waited for through answers that say to wait, to slow down, and through faults', async () => {
    const scene = await openConnectScene();
    const { faults, deviceCodes } = scene.simulator;
    for (const reply of [
      loginFault('device-pending'),
      loginFault('temporarily-unavailable'),
      loginFault('throttled', { 'retry-after': '0' }),
      { reset: true } as const,
    ]) {
      faults.add({ when: isPoll, reply });
    }
    scene.person((userCode) => deviceCodes.decide(userCode, scene.mailbox));
    const { code, said } = await scene.run(...owner);
    expect(code, said).toBe(0);
    expect(
      scene.simulator.tokenRequests.filter(({ grantType }) => grantType.startsWith('urn:')),
    ).toHaveLength(5);
  });

  it('slows down for good where it is told to', async () => {
    const scene = await openConnectScene();
    scene.simulator.faults.add({ when: isPoll, reply: loginFault('slow-down') });
    scene.signsIn();
    expect((await scene.run(...owner)).code).toBe(0);
    const [, first, second] = scene.simulator.tokenRequests.map(({ at }) => at);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThan(4_900);
  });

  it.each([
    ['declined', loginFault('device-declined'), exitCodes.refused, /declined/],
    ['too late', loginFault('device-code-expired'), exitCodes.transient, /new code/],
    ['of a code that is unknown', loginFault('bad-device-code'), exitCodes.protocol, /does not know/],
    ['answered by something else', { status: 200, body: '<html>' }, exitCodes.protocol, /no answer/],
    ['answered by another server', { status: 404, body: '<html>' }, exitCodes.protocol, /answered 404/],
  ] as const)('that is %s writes nothing', async (_, reply, expected, words) => {
    const scene = await openConnectScene();
    scene.simulator.faults.add({ when: isPoll, reply });
    const { code, said } = await scene.run(...owner);
    expect(code, said).toBe(expected);
    expect(said).toMatch(words);
    expect(scene.writes()).toBe(0);
  });

  it('that nobody comes to ends when its time is over', async () => {
    const scene = await openConnectScene();
    const { code, said } = await scene.run(...owner, '--timeout', '1');
    expect([code, scene.writes()]).toEqual([exitCodes.transient, 0]);
    expect(said).toMatch(/Nobody signed in within 1 seconds/);
  });

  it('that is stopped ends at once, and writes nothing', async () => {
    const scene = await openConnectScene({ deviceCodes: { interval: 600 } });
    scene.person(() => scene.stop.abort());
    const { code, said } = await scene.run(...owner);
    expect([code, scene.writes()]).toEqual([exitCodes.transient, 0]);
    expect(said).toMatch(/Stopped\. Nothing was written/);
  });

  it('of an app without public client flows says how to allow them; with its secret it works', async () => {
    const scene = await openConnectScene({ publicClientFlows: false });
    scene.signsIn();
    const { code, said } = await scene.run(...owner);
    expect([code, scene.writes()]).toEqual([exitCodes.refused, 0]);
    expect(said).toMatch(/does not allow public client flows.*--client-secret-file.*AADSTS7000218/);
    const missing = await scene.run(...owner, '--client-secret-file', '/nonexistent/secret');
    expect([missing.code, missing.said]).toEqual([64, expect.stringContaining('ENOENT')]);
    const file = join(folder, 'client-secret');
    await writeFile(file, `${scene.simulator.clientSecret}\n`);
    expect((await scene.run(...owner, '--client-secret-file', file)).code).toBe(0);
  });

  it.each([
    ['no refresh token', { refresh_token: undefined }, /no refresh token.*offline_access/],
    ['no mail', { scope: 'User.Read' }, /did not grant Mail\.Read/],
  ])('that gives %s is of no use', async (_, changes, words) => {
    const scene = await openConnectScene();
    scene.signsIn();
    const mutate = (body: unknown): unknown => ({ ...(body as object), ...changes });
    scene.simulator.faults.add({ when: isPoll, reply: { mutate } });
    const { code, said } = await scene.run(...owner);
    expect([code, scene.writes()], said).toEqual([exitCodes.refused, 0]);
    expect(said).toMatch(words);
  });

  it('is not lost to a Graph that fails for a moment', async () => {
    const scene = await openConnectScene();
    scene.signsIn();
    scene.simulator.faults.add({ when: isMe, reply: { status: 503 } });
    expect((await scene.run(...owner)).code).toBe(0);
  });

  it('writes nothing where Graph will not say who it was', async () => {
    const scene = await openConnectScene();
    scene.signsIn();
    scene.simulator.faults.add({ when: isMe, reply: { status: 403, body: {} } });
    const { code, said } = await scene.run(...owner);
    expect([code, scene.writes()]).toEqual([exitCodes.refused, 0]);
    expect(said).toMatch(/User\.Read/);
  });
});
