import type { Variable } from '../api/environment.ts';
import { exitCodes } from '../api/exitCodes.ts';
import { handedOnForPush, handedOnToJobs, operatorEnvironment } from '../api/operatorEnvironment.ts';

function handedOnLines(): string {
  const forPush: readonly string[] = handedOnForPush;
  return handedOnToJobs
    .map((name) => `  ${name}${forPush.includes(name) ? ' (where spec.push.enabled is set)' : ''}`)
    .join('\n');
}

/** `--help`, made from the same table that the operator reads. */
function variableLines(): string {
  return Object.entries<Variable>(operatorEnvironment)
    .map(([name, { meaning, fallback, range, oneOf }]) => {
      const standing = fallback === undefined ? 'required' : `default ${fallback === '' ? 'none' : fallback}`;
      const rest = [
        ...(range ? [`${range[0]} to ${range[1]}`] : []),
        ...(oneOf ? [oneOf.join(' | ')] : []),
        standing,
      ];
      return `  ${name}\n      ${meaning} (${rest.join('; ')})`;
    })
    .join('\n');
}

export function helpText(): string {
  return `outlook-sync operator: OutlookProviders become CronJobs and Jobs

Usage
  npm run operator
  npm run operator -- --help

It takes no arguments. The API server is found by KUBECONFIG, by the service account of its pod, or by ~/.kube/config.
One of several replicas leads; the others stand by with their caches filled.

Environment
${variableLines()}

Handed on to the jobs when set
${handedOnLines()}

Output
  Logs are JSON lines on stderr. /healthz, /readyz and /metrics are served by HTTP.

Exit codes
  ${exitCodes.ok}    stopped by SIGTERM or SIGINT: work in hand finished, leadership released
  1    lost leadership, or could not go on; start it again
  ${exitCodes.usage}   the environment is not valid; nothing was touched
  ${exitCodes.bug}   a bug

Example
  export KUBECONFIG=~/.kube/config POD_NAMESPACE=default
  export OUTLOOK_OPERATOR_JOB_IMAGE=ghcr.io/example/outlook-sync:1.0.0
  npm run operator
`;
}
