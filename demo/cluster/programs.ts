// The operator and the webhook of the demo, as a cluster would run them: each in a process of its own, by its service
// account, with the rights that are shipped and a token of the API server.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pushPath } from '../../api/pushUrl.ts';
import { startOperator } from '../../test/e2e/operatorProcess.ts';
import type { ProgramProcess } from '../../test/e2e/programProcess.ts';
import { startWebhook } from '../../test/e2e/webhookProcess.ts';
import type { ControlPlane } from '../../test/harness/cluster/controlPlane.ts';
import type { GraphSimulator } from '../../test/harness/graph/simulator.ts';
import { succeed } from './succeed.ts';

/** Where both live, as the manifests have it. */
export const HOME = 'outlook-sync';

export interface Surroundings {
  readonly plane: ControlPlane;
  readonly simulator: GraphSimulator;
  /** With the bundles; what is written goes there, too. */
  readonly folder: string;
  readonly image: string;
  /** What webhook and jobs both know. */
  readonly pushSecrets: Readonly<Record<string, string>>;
}

export interface Programs {
  /** Resolves to OUTLOOK_PUSH_NOTIFICATION_URL, once the webhook is ready. */
  readonly startWebhook: () => Promise<string>;
  /** Resolves when the operator leads. */
  readonly startOperator: (notificationUrl: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

export function programsOf(where: Surroundings): Programs {
  const running: ProgramProcess[] = [];
  const bundle = (name: string): string => join(where.folder, `${name}.js`);
  return {
    startWebhook: async () => {
      const webhook = startWebhook(bundle('webhook'), {
        KUBECONFIG: await kubeconfigOf(where, 'outlook-sync-webhook'),
        POD_NAME: 'outlook-sync-webhook-demo',
        OUTLOOK_WEBHOOK_HTTP_PORT: '0',
        OUTLOOK_WEBHOOK_METRICS_PORT: '0',
        ...where.pushSecrets,
      });
      running.push(webhook);
      return `http://127.0.0.1:${await webhook.isReady()}${pushPath}`;
    },
    startOperator: async (notificationUrl) => {
      const { simulator, image } = where;
      const operator = startOperator(bundle('operator'), 'demo', {
        KUBECONFIG: await kubeconfigOf(where, 'outlook-sync-operator'),
        POD_NAME: 'outlook-sync-operator-demo',
        POD_NAMESPACE: HOME,
        OUTLOOK_OPERATOR_JOB_IMAGE: image,
        OUTLOOK_OPERATOR_HTTP_PORT: '0',
        OUTLOOK_GRAPH_BASE_URL: simulator.graphBaseUrl,
        OUTLOOK_TOKEN_URL: simulator.tokenUrl,
        OUTLOOK_PUSH_NOTIFICATION_URL: notificationUrl,
      });
      running.push(operator);
      await operator.leads();
    },
    stop: async () => {
      await Promise.all(running.map((program) => program.kill('SIGTERM')));
    },
  };
}

async function kubeconfigOf({ plane, folder }: Surroundings, account: string): Promise<string> {
  const token = await succeed(plane, ['create', 'token', account, '-n', HOME, '--duration=8h']);
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'demo', cluster: { server: plane.server, 'certificate-authority': plane.caFile } }],
    users: [{ name: account, user: { token: token.trim() } }],
    contexts: [{ name: 'demo', context: { cluster: 'demo', user: account, namespace: HOME } }],
    'current-context': 'demo',
  };
  const file = join(folder, `${account}.kubeconfig`);
  await writeFile(file, JSON.stringify(kubeconfig), { mode: 0o600 });
  return file;
}
