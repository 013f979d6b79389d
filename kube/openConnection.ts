import { type Connection, inClusterConnection } from './connection.ts';

/**
 * As this process is to be connected: a kubeconfig that is named wins, then the service account of a pod, then the
 * user's kubeconfig. What reads a kubeconfig is heavy, and loaded only for one.
 * @throws Error that names what is missing
 */
export async function openConnection(env: Readonly<Record<string, string | undefined>>): Promise<Connection> {
  const isInCluster = (env['KUBERNETES_SERVICE_HOST'] ?? '') !== '';
  if (isInCluster && (env['KUBECONFIG'] ?? '') === '') return inClusterConnection(env);
  const { kubeconfigConnection } = await import('./kubeconfig.ts');
  return kubeconfigConnection();
}
