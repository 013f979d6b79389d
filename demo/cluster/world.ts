// The whole system on this machine: a control plane, a node that runs Pods as processes, the operator, Postgres, and a
// simulated Microsoft Graph with several mailboxes. All of it listens on loopback only, and goes when the demo ends.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleJob, bundleOperator } from '../../scripts/bundle.ts';
import { type OperatorProcess, startOperator } from '../../test/e2e/operatorProcess.ts';
import { type ControlPlane, startControlPlane } from '../../test/harness/cluster/controlPlane.ts';
import { type ProcessNode, startProcessNode } from '../../test/harness/cluster/processNode.ts';
import type { TestDatabase } from '../../test/harness/database.ts';
import type { SimulatedMailbox } from '../../test/harness/graph/mailbox.ts';
import { type GraphSimulator, startGraphSimulator } from '../../test/harness/graph/simulator.ts';
import { startPostgres } from '../../test/harness/postgres.ts';
import { runJob } from '../jobProcess.ts';
import { openDatabase } from '../world.ts';

/** Where the operator lives, and where the providers do. */
export const HOME = 'outlook-sync';
export const TEAM = 'team-a';

const IMAGE = 'outlook-sync:demo';
const SEED = 3;
/** Every answer of Graph takes this long, so that there is something to be seen of the work. */
const LATENCY_MS = 40;
const MOST_PODS = 6;

export interface Person {
  readonly name: string;
  readonly mailbox: SimulatedMailbox;
}

/** Whose mailbox it is, and how many messages it is born with. */
const PEOPLE = [
  ['ada', 1],
  ['ben', 0.3],
  ['chen', 0.15],
  ['dora', 0.1],
] as const;

export interface ClusterWorld {
  readonly plane: ControlPlane;
  readonly node: ProcessNode;
  readonly simulator: GraphSimulator;
  readonly database: TestDatabase;
  readonly people: Readonly<Record<(typeof PEOPLE)[number][0], Person>>;
  readonly jobSecret: Readonly<Record<string, string>>;
  readonly startOperator: () => Promise<OperatorProcess>;
  readonly close: () => Promise<void>;
}

/** Says on `say` what takes long. Rejects when there can be no control plane; nothing is left of it then. */
export async function buildClusterWorld(
  messages: number,
  say: (line: string) => void,
): Promise<ClusterWorld> {
  const closing: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (let next = closing.pop(); next; next = closing.pop()) await next();
  };
  try {
    const plane = await startControlPlane({ say });
    closing.push(plane.stop);
    const dist = await mkdtemp(join(tmpdir(), 'outlook-sync-demo-'));
    closing.push(() => rm(dist, { recursive: true, force: true }));
    const [operator] = await Promise.all([bundleOperator(dist), bundleJob(dist)]);
    const server = await startPostgres();
    closing.push(server.stop);
    const database = await openDatabase(server);
    closing.push(database.drop);
    const simulator = await startGraphSimulator({ seed: SEED, latencyMs: LATENCY_MS, control: true });
    closing.push(() => simulator.close());
    const images = { [IMAGE]: { root: { '/app': dist } } };
    const node = await startProcessNode({ kubeconfig: plane.kubeconfig, images, maxPods: MOST_PODS });
    closing.push(node.stop);
    const running: OperatorProcess[] = [];
    closing.push(() => Promise.all(running.map((one) => one.kill('SIGTERM'))));
    const start = async (): Promise<OperatorProcess> => {
      const environment = await operatorEnvironment({ plane, simulator, dist });
      const started = startOperator(operator, 'demo', environment);
      running.push(started);
      await started.leads();
      return started;
    };
    return {
      plane,
      node,
      simulator,
      database,
      people: peopleOf(simulator, messages),
      jobSecret: jobSecretOf(simulator, database),
      startOperator: start,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function peopleOf(simulator: GraphSimulator, messages: number): ClusterWorld['people'] {
  const people = PEOPLE.map(([name, share]) => {
    const email = `${name}@contoso.example`;
    const born = { messages: Math.round(messages * share), newestMessageAt: Date.now() };
    return [name, { name, mailbox: simulator.addMailbox({ email, folders: 'rich', ...born }) }];
  });
  return Object.fromEntries(people) as ClusterWorld['people'];
}

function jobSecretOf(simulator: GraphSimulator, database: TestDatabase): Record<string, string> {
  return {
    DATABASE_URL: database.url,
    OUTLOOK_CLIENT_ID: simulator.clientId,
    OUTLOOK_CLIENT_SECRET: simulator.clientSecret,
    OUTLOOK_TOKEN_ENCRYPTION_KEYS: `demo:${randomBytes(32).toString('base64')}`,
  };
}

/** The operator runs with the rights that are shipped: as its service account, with a token of the API server. */
async function operatorEnvironment(where: {
  plane: ControlPlane;
  simulator: GraphSimulator;
  dist: string;
}): Promise<Record<string, string>> {
  const { plane, simulator, dist } = where;
  const token = await succeed(plane, [
    'create',
    'token',
    'outlook-sync-operator',
    '-n',
    HOME,
    '--duration=8h',
  ]);
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'demo', cluster: { server: plane.server, 'certificate-authority': plane.caFile } }],
    users: [{ name: 'operator', user: { token: token.trim() } }],
    contexts: [{ name: 'demo', context: { cluster: 'demo', user: 'operator', namespace: HOME } }],
    'current-context': 'demo',
  };
  const file = join(dist, 'operator.kubeconfig');
  await writeFile(file, JSON.stringify(kubeconfig), { mode: 0o600 });
  return {
    KUBECONFIG: file,
    POD_NAME: 'outlook-sync-operator-demo',
    POD_NAMESPACE: HOME,
    OUTLOOK_OPERATOR_JOB_IMAGE: IMAGE,
    OUTLOOK_OPERATOR_HTTP_PORT: '0',
    OUTLOOK_GRAPH_BASE_URL: simulator.graphBaseUrl,
    OUTLOOK_TOKEN_URL: simulator.tokenUrl,
  };
}

/** What kubectl printed; throws with its own words when it fails. */
export async function succeed(
  { kubectl }: Pick<ControlPlane, 'kubectl'>,
  args: readonly string[],
  input?: string,
): Promise<string> {
  const { code, stdout, stderr } = await kubectl(args, input === undefined ? {} : { input });
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${code}: ${stderr.trim()}`);
  return stdout;
}

/** Makes the inbox's tables, as a platform team does once before anything else. */
export async function migrateDatabase({ database }: ClusterWorld, signal: AbortSignal): Promise<string> {
  const environment = { DATABASE_URL: database.url };
  return (await runJob({ args: ['migrate'], environment, signal })).lastLine;
}
