/**
 * The four Microsoft clouds. Tokens of one are worth nothing in another, and an app-only scope names the Graph of
 * the same cloud. Source: Microsoft Graph docs, "National cloud deployments".
 */
export type Cloud = 'Global' | 'USGov' | 'USGovDoD' | 'China';

const hosts: Record<Cloud, { graph: string; login: string }> = {
  Global: { graph: 'graph.microsoft.com', login: 'login.microsoftonline.com' },
  USGov: { graph: 'graph.microsoft.us', login: 'login.microsoftonline.us' },
  USGovDoD: { graph: 'dod-graph.microsoft.us', login: 'login.microsoftonline.us' },
  China: { graph: 'microsoftgraph.chinacloudapi.cn', login: 'login.chinacloudapi.cn' },
};

export interface CloudEndpoints {
  /** Microsoft Graph, with its version, without a slash at the end. */
  readonly graphBaseUrl: string;
  /** Full URL of the token endpoint. */
  readonly tokenUrl: string;
  /** The `scope` of an app-only token: `<Graph of this cloud>/.default`. */
  readonly appScope: string;
}

export function cloudEndpoints(cloud: Cloud, tenantId: string): CloudEndpoints {
  const { graph, login } = hosts[cloud];
  return {
    graphBaseUrl: `https://${graph}/v1.0`,
    tokenUrl: `https://${login}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`,
    appScope: `https://${graph}/.default`,
  };
}
