// A webhook as it is shipped, in a process of its own, as its own service account.
import { type ProgramProcess, startProgram } from './programProcess.ts';

export interface WebhookProcess extends ProgramProcess {
  /** Resolves to the port for Graph when its copy of the cluster is filled; rejects when it ends before that. */
  readonly isReady: () => Promise<number>;
  /** The text of /metrics. */
  readonly metrics: () => Promise<string>;
  /** HTTP status of a path such as /readyz at the port for Graph; 0 when nobody answers. */
  readonly probe: (path: string) => Promise<number>;
}

export function startWebhook(bundle: string, env: Readonly<Record<string, string>>): WebhookProcess {
  const { ask, told, until, ...program } = startProgram(bundle, env);
  const probe = async (path: string): Promise<number> => (await ask('port', path))?.status ?? 0;
  return {
    ...program,
    isReady: async () => {
      await until(async () => (await probe('/readyz')) === 200);
      return told('port') ?? 0;
    },
    metrics: async () => (await (await ask('metricsPort', '/metrics'))?.text().catch(() => '')) ?? '',
    probe,
  };
}
