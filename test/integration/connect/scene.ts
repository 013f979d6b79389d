// connect between a simulated Microsoft and a scripted API server, in this process.
import { expect, onTestFinished } from 'vitest';
import { annotations } from '../../../api/resource.ts';
import { Failure } from '../../../connect/failure.ts';
import { parseRequest } from '../../../connect/request.ts';
import { connect, type Surroundings } from '../../../connect/run.ts';
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
const NAMESPACE = 'team';
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

/** What must not be said: every bearer that Graph is shown from now on, and every refresh token of the mailbox. */
function tokensOf(simulator: GraphSimulator, { grants }: SimulatedMailbox): () => readonly string[] {
  const bearers = new Set<string>();
  simulator.faults.add({
    when: ({ headers }) => {
      const bearer = headers['authorization']?.replace('Bearer ', '');
      if (bearer !== undefined) bearers.add(bearer);
      return false;
    },
    reply: {},
  });
  return () => [...bearers, grants.current, grants.latest];
}

type Stop = Pick<Surroundings, 'connect' | 'signal'>;

async function told(args: readonly string[], simulator: GraphSimulator, stop: Stop): Promise<Told> {
  const env = {
    OUTLOOK_CLIENT_ID: simulator.clientId,
    OUTLOOK_TOKEN_URL: simulator.tokenUrl,
    OUTLOOK_GRAPH_BASE_URL: simulator.graphBaseUrl,
  };
  const parsed = parseRequest(['--name', 'anna', '--namespace', NAMESPACE, ...args], env);
  if (parsed.name !== 'connect') throw new Error(JSON.stringify(parsed));
  const said: string[] = [];
  try {
    const lines = await connect(parsed.request, { ...stop, say: (line) => said.push(line) });
    return { code: 0, lines, said: said.join('\n') };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { code: error.exitCode, lines: [], said: [...said, error.message].join('\n') };
  }
}

type Objects = Pick<ConnectScene, 'secret' | 'provider' | 'putSecret' | 'putProvider' | 'writes'>;

function objectsOf({ store, requests }: ApiServer): Objects {
  return {
    secret: (name = 'anna-outlook') => store.find(SECRETS, NAMESPACE, name),
    provider: (name = 'anna') => store.find(PROVIDERS, NAMESPACE, name),
    putSecret: (name, refreshToken, owner) => {
      const noted = owner === undefined ? {} : { annotations: { [annotations.provider]: owner } };
      const data = { refreshToken: Buffer.from(refreshToken).toString('base64'), other: 'c3RheXM=' };
      const metadata = { namespace: NAMESPACE, name, ...noted };
      store.put(SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata, data });
    },
    putProvider: (spec = {}) => {
      const standing = { owner: { userId: 'user-1' }, credentialsSecretRef: { name: 'annas' } };
      store.put(PROVIDERS, {
        apiVersion: 'outlooksync.dev/v1alpha1',
        kind: 'OutlookProvider',
        metadata: { namespace: NAMESPACE, name: 'anna' },
        spec: { emailAddress: EMAIL, ...standing, ...spec },
      });
    },
    writes: () => requests.filter(isWrite).length,
  };
}

/** Without an interval worth speaking of, and an app that allows public client flows. */
export async function openConnectScene(options: GraphSimulatorOptions = {}): Promise<ConnectScene> {
  const { server: api, connection } = await openStage();
  const lenient = { publicClientFlows: true, deviceCodes: { interval: 0.02 } };
  const simulator = await startGraphSimulator({ ...lenient, ...options });
  onTestFinished(() => simulator.close());
  const mailbox = simulator.addMailbox({ email: EMAIL, messages: 3 });
  const tokens = tokensOf(simulator, mailbox);
  let act = (_userCode: string): void => undefined;
  simulator.deviceCodes.listen((userCode) => {
    act(userCode);
  });
  const stop = new AbortController();
  // The stage closes it.
  const open = { ...connection, headers: () => connection.headers(), close: () => Promise.resolve() };
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
    run: async (...args) => {
      const answer = await told(args, simulator, {
        connect: () => Promise.resolve(open),
        signal: stop.signal,
      });
      for (const token of tokens()) expect(answer.said.includes(token), 'a token was said').toBe(false);
      return answer;
    },
    ...objectsOf(api),
  };
}
