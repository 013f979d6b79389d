// The whole system on this machine: a control plane, a node that runs Pods as processes, operator and webhook, Postgres,
// and a simulated Microsoft Graph with several mailboxes. All of it listens on loopback only, and goes when the demo ends.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleJob, bundleOperator, bundleWebhook } from '../../scripts/bundle.ts';
import { type ControlPlane, startControlPlane } from '../../test/harness/cluster/controlPlane.ts';
import { type ProcessNode, startProcessNode } from '../../test/harness/cluster/processNode.ts';
import type { TestDatabase } from '../../test/harness/database.ts';
import type { SimulatedMailbox } from '../../test/harness/graph/mailbox.ts';
import { type GraphSimulator, startGraphSimulator } from '../../test/harness/graph/simulator.ts';
import { startPostgres } from '../../test/harness/postgres.ts';
import { runJob } from '../jobProcess.ts';
import { openDatabase } from '../world.ts';
import { type Programs, programsOf } from './programs.ts';

/** Where the providers are. */
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
  readonly programs: Programs;
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
    await Promise.all([bundleOperator(dist), bundleJob(dist), bundleWebhook(dist)]);
    const server = await startPostgres();
    closing.push(server.stop);
    const database = await openDatabase(server);
    closing.push(database.drop);
    const simulator = await startGraphSimulator({ seed: SEED, latencyMs: LATENCY_MS, control: true });
    closing.push(() => simulator.close());
    const images = { [IMAGE]: { root: { '/app': dist } } };
    const node = await startProcessNode({ kubeconfig: plane.kubeconfig, images, maxPods: MOST_PODS });
    closing.push(node.stop);
    const pushSecrets = pushSecretsOf();
    const programs = programsOf({ plane, simulator, folder: dist, image: IMAGE, pushSecrets });
    closing.push(programs.stop);
    return {
      plane,
      node,
      simulator,
      database,
      people: peopleOf(simulator, messages),
      jobSecret: { ...jobSecretOf(simulator, database), ...pushSecrets },
      programs,
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

/** By these a notification shows that it comes from Graph, and of one of our subscriptions. */
function pushSecretsOf(): Record<string, string> {
  return {
    OUTLOOK_PUSH_WEBHOOK_TOKEN: randomBytes(32).toString('hex'),
    OUTLOOK_PUSH_CLIENT_STATE_SECRET: randomBytes(32).toString('hex'),
  };
}

function jobSecretOf(simulator: GraphSimulator, database: TestDatabase): Record<string, string> {
  return {
    DATABASE_URL: database.url,
    OUTLOOK_CLIENT_ID: simulator.clientId,
    OUTLOOK_CLIENT_SECRET: simulator.clientSecret,
    OUTLOOK_TOKEN_ENCRYPTION_KEYS: `demo:${randomBytes(32).toString('base64')}`,
  };
}

/** Makes the inbox's tables, as a platform team does once before anything else. */
export async function migrateDatabase({ database }: ClusterWorld, signal: AbortSignal): Promise<string> {
  const environment = { DATABASE_URL: database.url };
  return (await runJob({ args: ['migrate'], environment, signal })).lastLine;
}
