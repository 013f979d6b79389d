// connect between a simulated Microsoft and a scripted API server, in this process.
import { expect, onTestFinished } from 'vitest';
import { annotations } from '../../../api/resource.ts';
import { Failure } from '../../../connect/failure.ts';
import { parseRequest } from '../../../connect/request.ts';
import { connect } from '../../../connect/run.ts';
import type { ApiServer } from '../../harness/apiServer/apiServer.ts';
import type { StoredObject } from '../../harness/apiServer/objectStore.ts';
import type { SimulatedMailbox } from '../../harness/graph/mailbox.ts';
import {
  startGraphSimulator,
  type GraphSimulator,
  type GraphSimulatorOptions,
} from '../../harness/graph/simulator.ts';
import { openStage } from '../kube/stage.ts';

export const EMAIL = 'anna@contoso.example';
export const NAMESPACE = 'team';
const SECRETS = 'v1/secrets';
const PROVIDERS = 'outlooksync.dev/v1alpha1/outlookproviders';

interface Told {
  readonly code: number;
  /** The lines for stdout. */
  readonly lines: readonly string[];
  /** What was said on the way, with the words of a failure last. */
  readonly said: string;
}

export interface ConnectScene {
  readonly simulator: GraphSimulator;
  readonly mailbox: SimulatedMailbox;
  readonly api: ApiServer;
  readonly stop: AbortController;
  /** What the person does with each code from now on; nothing at first. */
  readonly person: (act: (userCode: string) => void) => void;
  /** The person signs in to the mailbox, or to another. */
  readonly signsIn: (mailbox?: SimulatedMailbox) => void;
  readonly run: (...args: readonly string[]) => Promise<Told>;
  readonly secret: (name?: string) => StoredObject | undefined;
  readonly provider: (name?: string) => StoredObject | undefined;
  /** Puts objects there as others would. */
  readonly putSecret: (name: string, refreshToken: string, owner?: string) => void;
  readonly putProvider: (spec?: object) => void;
  /** Writes that counted. */
  readonly writes: () => number;
}

export const tokenIn = (secret: StoredObject | undefined): string => {
  const data = secret?.['data'] as Record<string, string> | undefined;
  return Buffer.from(data?.['refreshToken'] ?? '', 'base64').toString();
};

const isWrite = ({ method, query }: ApiServer['requests'][number]): boolean =>
  method !== 'GET' && query['dryRun'] === undefined;

export async function openConnectScene(options: GraphSimulatorOptions = {}): Promise<ConnectScene> {
  const { server: api, connection } = await openStage();
  const simulator = await startGraphSimulator({
    publicClientFlows: true,
    deviceCodes: { interval: 0.02 },
    ...options,
  });
  onTestFinished(() => simulator.close());
  const mailbox = simulator.addMailbox({ email: EMAIL, messages: 3 });
  const env = {
    OUTLOOK_CLIENT_ID: simulator.clientId,
    OUTLOOK_TOKEN_URL: simulator.tokenUrl,
    OUTLOOK_GRAPH_BASE_URL: simulator.graphBaseUrl,
  };
  const stop = new AbortController();
  let act = (_userCode: string): void => undefined;
  simulator.deviceCodes.listen((userCode) => {
    act(userCode);
  });
  const tokens = new Set<string>();
  simulator.faults.add({
    when: ({ headers }) => {
      tokens.add(headers['authorization'] ?? '');
      return false;
    },
    reply: {},
  });

  const run = async (...args: readonly string[]): Promise<Told> => {
    const parsed = parseRequest(['--name', 'anna', '--namespace', NAMESPACE, ...args], env);
    if (parsed.name !== 'connect') throw new Error(JSON.stringify(parsed));
    const said: string[] = [];
    const open = { ...connection, headers: () => connection.headers(), close: () => Promise.resolve() };
    const surroundings = {
      connect: () => Promise.resolve(open),
      signal: stop.signal,
      say: (line: string) => said.push(line),
    };
    const told = await connect(parsed.request, surroundings).then(
      (lines) => ({ code: 0, lines }),
      (error: unknown) => {
        if (!(error instanceof Failure)) throw error;
        said.push(error.message);
        return { code: error.exitCode, lines: [] };
      },
    );
    const all = said.join('\n');
    for (const token of [mailbox.grants.current, mailbox.grants.latest, ...tokens])
      expect(token === '' || !all.includes(token.replace('Bearer ', '')), 'a token was said').toBe(true);
    return { ...told, said: all };
  };

  return {
    simulator,
    mailbox,
    api,
    stop,
    person: (next) => {
      act = next;
    },
    signsIn: (as = mailbox) => {
      act = (userCode) => {
        simulator.deviceCodes.decide(userCode, as);
      };
    },
    run,
    secret: (name = 'anna-outlook') => api.store.find(SECRETS, NAMESPACE, name),
    provider: (name = 'anna') => api.store.find(PROVIDERS, NAMESPACE, name),
    putSecret: (name, refreshToken, owner) => {
      const noted = owner === undefined ? {} : { annotations: { [annotations.provider]: owner } };
      const data = { refreshToken: Buffer.from(refreshToken).toString('base64'), other: 'c3RheXM=' };
      const metadata = { namespace: NAMESPACE, name, ...noted };
      api.store.put(SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata, data });
    },
    putProvider: (spec = {}) => {
      api.store.put(PROVIDERS, {
        apiVersion: 'outlooksync.dev/v1alpha1',
        kind: 'OutlookProvider',
        metadata: { namespace: NAMESPACE, name: 'anna' },
        spec: {
          emailAddress: EMAIL,
          owner: { userId: 'user-1' },
          credentialsSecretRef: { name: 'annas' },
          ...spec,
        },
      });
    },
    writes: () => api.requests.filter(isWrite).length,
  };
}
