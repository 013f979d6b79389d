// Webhooks of a stage: started from the bundle as the service account and with the rights that are shipped, several of
// them behind one address, as a Deployment and its Service.
import { rm } from 'node:fs/promises';
import { pushPath } from '../../api/pushUrl.ts';
import { webhookBundle } from '../harness/webhookBundle.ts';
import { WEBHOOK } from './access.ts';
import { type Front, openFront } from './front.ts';
import { kubeconfigOf } from './operators.ts';
import { keepLogs } from './programProcess.ts';
import type { Stage } from './stage.ts';
import { type WebhookProcess, startWebhook } from './webhookProcess.ts';

export interface WebhookOptions {
  /** Default: 1. */
  readonly replicas?: number;
  /** Instead of the API server's own, such as a proxy's in front of it. */
  readonly server?: string;
  readonly variables?: Readonly<Record<string, string>>;
}

export interface Webhooks {
  /** OUTLOOK_PUSH_NOTIFICATION_URL. */
  readonly notificationUrl: string;
  readonly replicas: () => readonly WebhookProcess[];
  /** SIGKILL for one of them; another takes its place once it is ready. */
  readonly replace: (index: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Resolves when all of them are ready. They watch the namespaces that the stage has now. */
export async function openWebhooks(stage: Stage, options: WebhookOptions = {}): Promise<Webhooks> {
  const kubeconfig = await kubeconfigOf(stage, WEBHOOK, options.server);
  const env = {
    KUBECONFIG: kubeconfig,
    OUTLOOK_WEBHOOK_WATCH_NAMESPACES: stage.namespaces.join(','),
    OUTLOOK_WEBHOOK_HTTP_PORT: '0',
    OUTLOOK_WEBHOOK_METRICS_PORT: '0',
    ...stage.pushSecrets,
    ...options.variables,
  };
  const started: WebhookProcess[] = [];
  const start = async (): Promise<Replica> => {
    const name = `webhook-${started.length}`;
    const process = startWebhook(webhookBundle(), { ...env, POD_NAME: name });
    started.push(process);
    return { process, port: await process.isReady() };
  };
  const front = await openFront();
  const replicas = await Promise.all(Array.from({ length: options.replicas ?? 1 }, start));
  leadTo(front, replicas);
  return {
    notificationUrl: `http://127.0.0.1:${front.port}${pushPath}`,
    replicas: () => replicas.map(({ process }) => process),
    replace: async (index) => {
      const [victim] = replicas.splice(index, 1);
      // Whoever is connected to it notices; that it is gone is known a moment later.
      await victim?.process.kill('SIGKILL');
      leadTo(front, replicas);
      replicas.push(await start());
      leadTo(front, replicas);
    },
    close: async () => {
      await front.close();
      await Promise.all(started.map((process) => process.kill('SIGKILL')));
      await keepLogs(stage.namespace, Object.fromEntries(started.map((one, at) => [`webhook-${at}`, one])));
      await rm(kubeconfig, { force: true });
    },
  };
}

interface Replica {
  readonly process: WebhookProcess;
  readonly port: number;
}

const leadTo = (front: Front, replicas: readonly Replica[]): void =>
  front.lead(replicas.map(({ port }) => port));
