// connect as it is shipped: what stands on stdout and stderr, and how it ends.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { bundleConnect } from '../../../scripts/bundle.ts';
import { startGraphSimulator, type GraphSimulator } from '../../harness/graph/simulator.ts';
import { connectEnvironment, startConnect } from './process.ts';

const EMAIL = 'anna@contoso.example';
const args = ['--name', 'anna', '--user-id', 'user-1', '--output', 'yaml'];
let folder: string;
let bundle: string;
let simulator: GraphSimulator;
let act = (_userCode: string): void => undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'connect-process-'));
  bundle = await bundleConnect(folder);
  simulator = await startGraphSimulator({ publicClientFlows: true, deviceCodes: { interval: 0.02 } });
  simulator.addMailbox({ email: EMAIL });
  simulator.deviceCodes.listen((userCode) => {
    act(userCode);
  });
});
afterAll(async () => {
  await simulator.close();
  await rm(folder, { recursive: true });
});

const run = (more: readonly string[] = args): ReturnType<typeof startConnect> =>
  startConnect(bundle, more, connectEnvironment(simulator));

test('as YAML both objects are on stdout, ready to be applied, and stderr warns of the token in them', async () => {
  act = (userCode) => {
    simulator.deviceCodes.decide(userCode, simulator.mailbox(EMAIL));
  };
  const { code, stdout, stderr } = await run().outcome;
  expect(code, stderr).toBe(0);
  const token = simulator.mailbox(EMAIL).refreshToken;
  expect(parseAllDocuments(stdout).map((document) => document.toJS() as unknown)).toEqual([
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'anna-outlook', annotations: { 'outlooksync.dev/provider': 'anna' } },
      stringData: { refreshToken: token },
    },
    {
      apiVersion: 'outlooksync.dev/v1alpha1',
      kind: 'OutlookProvider',
      metadata: { name: 'anna' },
      spec: {
        emailAddress: EMAIL,
        owner: { userId: 'user-1' },
        credentialsSecretRef: { name: 'anna-outlook' },
      },
    },
  ]);
  expect(stderr).toMatch(/has the refresh token in clear/);
  expect(stderr).not.toContain(token);
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s while it waits ends it at once, with nothing on stdout',
  async (signal) => {
    const running = run();
    act = () => {
      running.kill(signal);
    };
    const { code, stdout, stderr } = await running.outcome;
    expect([code, stdout], stderr).toEqual([75, '']);
    expect(stderr).toMatch(/Stopped\. Nothing was written/);
  },
);

test('what is wrong is told all at once, with examples', async () => {
  const { code, stdout, stderr } = await run(['--nmae', 'anna', '--cloud', 'Mars']).outcome;
  expect([code, stdout]).toEqual([64, '']);
  expect(stderr).toMatch(/--nmae: is no argument of connect\. Example:/);
  expect(stderr).toMatch(/--cloud: "Mars" is none of/);
  expect(stderr).toMatch(/--name: is missing/);
});

test('a kubeconfig that is not there is told', async () => {
  const kubeconfig = join(folder, 'missing');
  const { code, stderr } = await run(['--name', 'anna', '--kubeconfig', kubeconfig]).outcome;
  expect(code).toBe(64);
  expect(stderr).toMatch(/The kubeconfig \S+missing cannot be read\. See --kubeconfig/);
});

test('--help is on stdout', async () => {
  const { code, stdout, stderr } = await run(['--help']).outcome;
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^outlook-sync connect/);
});
