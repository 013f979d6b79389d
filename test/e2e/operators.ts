// Operators of a stage: started from the bundle as the service account and with the rights that are shipped.
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { operatorBundle } from '../harness/operatorBundle.ts';
import { OPERATOR } from './access.ts';
import { type OperatorProcess, startOperator } from './operatorProcess.ts';
import { keepLogs } from './programProcess.ts';
import type { Stage } from './stage.ts';

export interface OperatorOptions {
  /** Default: a name of its own. It is in the operator's User-Agent. */
  readonly identity?: string;
  /** Instead of the API server's own, such as a proxy's in front of it. */
  readonly server?: string;
  /** Handed on to the jobs. */
  readonly jobVariables?: Readonly<Record<string, string>>;
  /** Of the operator itself. */
  readonly variables?: Readonly<Record<string, string>>;
}

export interface Operators {
  readonly start: (options: OperatorOptions) => Promise<OperatorProcess>;
  readonly close: () => Promise<void>;
}

export function operatorsOf(stage: Stage): Operators {
  const running: OperatorProcess[] = [];
  /** By the server: a token outlives those who use it, as one that is mounted into a pod. */
  const kubeconfigs = new Map<string | undefined, Promise<string>>();
  return {
    start: async (options) => {
      const identity = options.identity ?? `operator-${randomBytes(3).toString('hex')}`;
      const kubeconfig = kubeconfigs.get(options.server) ?? kubeconfigOf(stage, OPERATOR, options.server);
      kubeconfigs.set(options.server, kubeconfig);
      const operator = startOperator(operatorBundle(), identity, {
        KUBECONFIG: await kubeconfig,
        ...(await environmentOf(stage, identity)),
        ...options.jobVariables,
        ...options.variables,
      });
      running.push(operator);
      return operator;
    },
    close: async () => {
      await Promise.all(running.map((operator) => operator.kill('SIGKILL')));
      await keepLogs(stage.namespace, Object.fromEntries(running.map((one) => [one.identity, one])));
      for (const file of kubeconfigs.values()) await rm(await file, { force: true });
    },
  };
}

async function environmentOf(stage: Stage, identity: string): Promise<Record<string, string>> {
  const { graph, site, namespace } = stage;
  return {
    POD_NAME: identity,
    POD_NAMESPACE: namespace,
    OUTLOOK_OPERATOR_WATCH_NAMESPACES: stage.namespaces.join(','),
    OUTLOOK_OPERATOR_JOB_IMAGE: site.image,
    OUTLOOK_OPERATOR_HTTP_PORT: '0',
    OUTLOOK_GRAPH_BASE_URL: await site.reach(namespace, 'graph', graph.graphBaseUrl),
    OUTLOOK_TOKEN_URL: await site.reach(namespace, 'graph', graph.tokenUrl),
  };
}

const clusterEntry = z.object({ clusters: z.tuple([z.looseObject({ cluster: z.looseObject({}) })]) });

/** Path of a kubeconfig whose user is a service account of the stage's namespace, with a token of the API server. */
export async function kubeconfigOf(stage: Stage, account: string, server?: string): Promise<string> {
  const { kubectl } = stage.site.cluster;
  const view = await kubectl(['config', 'view', '--minify', '--raw', '--flatten', '--output=json']);
  const { cluster } = clusterEntry.parse(JSON.parse(view.stdout)).clusters[0];
  const token = await stage.kubectl('create', 'token', account, '--duration=1h');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'e2e', cluster: server === undefined ? cluster : { ...cluster, server } }],
    users: [{ name: account, user: { token: token.trim() } }],
    contexts: [{ name: 'e2e', context: { cluster: 'e2e', user: account, namespace: stage.namespace } }],
    'current-context': 'e2e',
  };
  const file = join(tmpdir(), `outlook-sync-e2e-${randomBytes(8).toString('hex')}.json`);
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}
