// What the benchmark of the operator stands on: a real API server with the CRD, and the built operator as a process.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundleOperator } from '../../../scripts/bundle.ts';
import { KubeClient } from '../../../kube/client.ts';
import type { Connection } from '../../../kube/connection.ts';
import { kubeconfigConnection } from '../../../kube/kubeconfig.ts';
import { type OperatorProcess, startOperator } from '../../e2e/operatorProcess.ts';
import { type ControlPlane, startControlPlane } from '../../harness/cluster/controlPlane.ts';
import type { AuditedWrite } from '../../harness/cluster/audit.ts';
import { createNamespace } from './fleet.ts';
import { grantRights, mountAccount, namespace as home } from './serviceAccount.ts';

export interface World {
  readonly plane: ControlPlane;
  readonly client: KubeClient;
  /** For what is to be gone afterwards. */
  readonly folder: string;
  readonly startOperator: () => OperatorProcess;
  /** Writes by operators, of this User-Agent, that are not about their own leadership. */
  readonly operatorWrites: () => Promise<AuditedWrite[]>;
  readonly close: () => Promise<void>;
}

const identity = 'benchmark';
const environment = {
  POD_NAME: identity,
  POD_NAMESPACE: home,
  OUTLOOK_OPERATOR_JOB_IMAGE: 'outlook-sync:benchmark',
  OUTLOOK_OPERATOR_HTTP_PORT: '0',
  // Backfills are for mailboxes; here there is none.
  OUTLOOK_OPERATOR_MAX_BACKFILLS: '0',
};
/** Those that a namespace needs to be one; no CronJob fires, and no Job gets a pod. */
const controllers = ['root-ca-certificate-publisher-controller', 'serviceaccount-controller'];
const crdFile = join(import.meta.dirname, '../../../crds/outlooksync.dev_outlookproviders.yaml');

export async function openWorld(progress: (text: string) => void): Promise<World> {
  const plane = await startControlPlane({ auditLog: true, controllers, say: progress });
  const dist = await mkdtemp(join(tmpdir(), 'outlook-sync-bench-'));
  let connection: Connection | undefined;
  const close = async (): Promise<void> => {
    await connection?.close();
    await plane.stop();
    await rm(dist, { recursive: true, force: true });
  };
  try {
    connection = await kubeconfigConnection({ path: plane.kubeconfig });
    const client = new KubeClient(connection, { userAgent: 'outlook-sync-benchmark' });
    const bundle = await bundleOperator(dist);
    await installCrd(plane);
    await createNamespace(client, home);
    await grantRights(plane);
    const account = await mountAccount(
      { plane, client },
      'outlook-sync-operator',
      join(dist, 'serviceaccount'),
    );
    return {
      plane,
      client,
      folder: dist,
      startOperator: () => startOperator(bundle, identity, { ...account, ...environment }),
      operatorWrites: async () => (await plane.auditLines()).filter(isOfOperator),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function isOfOperator({ userAgent, namespace, resource }: AuditedWrite): boolean {
  return userAgent.startsWith('outlook-sync-operator') && !(namespace === home && resource === 'leases');
}

async function installCrd(plane: ControlPlane): Promise<void> {
  const { code, stderr } = await plane.kubectl(['apply', '--server-side', '-f', '-'], {
    input: await readFile(crdFile, 'utf8'),
  });
  if (code !== 0) throw new Error(`The CRD is refused: ${stderr}`);
  const established = ['wait', '--for=condition=Established', 'crd/outlookproviders.outlooksync.dev'];
  const waited = await plane.kubectl([...established, '--timeout=60s']);
  if (waited.code !== 0) throw new Error(`The CRD is not served: ${waited.stderr}`);
}

const limitMs = 600_000;
const usualPollMs = 500;

/** Resolves when `holds`; rejects with what was waited for after ten minutes. */
export async function until(
  what: string,
  holds: () => Promise<boolean>,
  pollMs: number = usualPollMs,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Still not after ${limitMs / 60_000} minutes: ${what}`);
    await sleep(pollMs);
  }
}

/** A series of /metrics without regard to its labels, summed up; undefined when there is none. */
export function metric(text: string, name: string): number | undefined {
  const values = text
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
}
