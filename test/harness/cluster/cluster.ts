// What a test needs of a cluster, whether it is this harness' control plane or somebody's own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Cluster {
  /** Path of a kubeconfig whose user may do everything. */
  readonly kubeconfig: string;
  /** Runs kubectl as that user. Resolves for any exit code; rejects only when kubectl does not run. */
  readonly kubectl: Kubectl;
  /** Whether Pods run in containers, or as processes of a ProcessNode that the test starts. */
  readonly runsPods: 'kubelet' | 'process-node';
}

interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `input` is what kubectl reads on stdin, for `-f -`. */
export type Kubectl = (
  args: readonly string[],
  options?: { readonly input?: string },
) => Promise<KubectlResult>;

const KUBECTL_TIMEOUT_MS = 120_000;

/** kubectl at the path `file`, for the cluster of `kubeconfig`. A call may take two minutes. */
export function kubectlOf(file: string, kubeconfig: string): Kubectl {
  return async (args, { input = '' } = {}) => {
    const child = spawn(file, [`--kubeconfig=${kubeconfig}`, ...args], {
      env: { ...process.env, KUBECONFIG: kubeconfig },
      timeout: KUBECTL_TIMEOUT_MS,
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (chunk: string) => {
        output[name] += chunk;
      });
    }
    // kubectl may end without reading.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    await once(child, 'close');
    return { code: child.exitCode ?? -1, ...output };
  };
}

/**
 * The cluster that the environment names: OUTLOOK_SYNC_E2E_KUBECONFIG, or KUBECONFIG where OUTLOOK_SYNC_E2E is
 * `cluster`. Undefined when it names none. kubectl is the one on the PATH.
 */
export function externalCluster(
  env: Readonly<Partial<Record<string, string>>> = process.env,
): Cluster | undefined {
  const shared = env['OUTLOOK_SYNC_E2E'] === 'cluster' ? env['KUBECONFIG'] : undefined;
  const kubeconfig = env['OUTLOOK_SYNC_E2E_KUBECONFIG'] ?? shared;
  if (kubeconfig === undefined) return undefined;
  return { kubeconfig, kubectl: kubectlOf('kubectl', kubeconfig), runsPods: 'kubelet' };
}
