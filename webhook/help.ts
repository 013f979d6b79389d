import type { Variable } from '../api/environment.ts';
import { exitCodes } from '../api/exitCodes.ts';
import { lifecyclePath, pushPath } from '../api/pushUrl.ts';
import { webhookEnvironment } from '../api/webhookEnvironment.ts';

/** `--help`, made from the same table that the webhook reads. */
function variableLines(): string {
  return Object.entries<Variable>(webhookEnvironment)
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
  return `outlook-sync webhook: change notifications of Microsoft Graph become syncs

Usage
  npm run webhook
  npm run webhook -- --help

It takes no arguments. The API server is found by KUBECONFIG, by the service account of its pod, or by ~/.kube/config.
It reads OutlookProviders and marks those whose mailbox has changed; the operator does the rest. Run several replicas
behind one Service; they need not know each other.

Requests
  POST ${pushPath}
      Graph's notifications, or a hint: providerId in query or body, emailAddress or userPrincipalName in the body
  POST ${lifecyclePath}
      Graph's lifecycle notifications
  GET /healthz, /readyz

Environment
${variableLines()}

Output
  Logs are JSON lines on stderr. /metrics is served on a port of its own.

Exit codes
  ${exitCodes.ok}    stopped by SIGTERM or SIGINT: requests in hand answered
  ${exitCodes.usage}   the environment is not valid; nothing was touched
  ${exitCodes.bug}   a bug

Example
  export KUBECONFIG=~/.kube/config
  npm run webhook
  curl --json '{"emailAddress":"anna@contoso.example"}' http://127.0.0.1:8080${pushPath}
`;
}
