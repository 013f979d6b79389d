import type { Variable } from './environment.ts';

/**
 * The environment variables of the webhook: the one table from which its configuration, `--help`, error messages and
 * the reference page are made. Names and ranges are a contract with every existing deployment; this file holds no
 * behaviour and reads nothing.
 */
const words = {
  levels: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
  booleans: ['true', 'false'],
} as const;

const trust = {
  OUTLOOK_PUSH_WEBHOOK_TOKEN: {
    meaning:
      'What every request has to bring as `?token=…`; comma-separated while it is replaced; any when empty',
    example: 'the output of: openssl rand -hex 32',
    fallback: '',
    secret: true,
  },
  OUTLOOK_PUSH_CLIENT_STATE_SECRET: {
    meaning:
      'What the clientState of our subscriptions is signed with, the same as the jobs have; comma-separated while it is replaced; notifications go by the query alone when empty',
    example: 'the output of: openssl rand -hex 32',
    fallback: '',
    secret: true,
  },
} as const satisfies Record<string, Variable>;

const limits = {
  OUTLOOK_WEBHOOK_BODY_LIMIT_BYTES: {
    meaning: 'Largest body that is read; a larger one is answered with 413',
    example: '1048576',
    fallback: '1048576',
    range: [1024, 16_777_216],
  },
  OUTLOOK_WEBHOOK_RATE_LIMIT: {
    meaning:
      'Requests of one address in a second, at each replica; those beyond are answered with 429; 0 sets no limit. Behind an ingress controller all of Graph has one address, and shares one allowance, unless OUTLOOK_WEBHOOK_TRUST_PROXY is true',
    example: '1000',
    fallback: '1000',
    range: [0, 1_000_000],
  },
  OUTLOOK_WEBHOOK_TRUST_PROXY: {
    meaning:
      'Whether the address of a request is the last one of X-Forwarded-For, as an ingress controller in front sets it; where none does, senders could write it themselves',
    example: 'true',
    fallback: 'false',
    oneOf: words.booleans,
  },
  OUTLOOK_WEBHOOK_REQUEST_TIMEOUT_MS: {
    meaning: 'How long a request may take to arrive whole',
    example: '10000',
    fallback: '10000',
    range: [100, 300_000],
  },
  OUTLOOK_WEBHOOK_WRITE_TIMEOUT_MS: {
    meaning:
      'How long an answer waits for the API server to keep what was told, before it is 503; Graph wants its answer within 3 seconds',
    example: '2500',
    fallback: '2500',
    range: [100, 60_000],
  },
} as const satisfies Record<string, Variable>;

const process = {
  OUTLOOK_WEBHOOK_WATCH_NAMESPACES: {
    meaning: 'Namespaces whose OutlookProviders are looked at, comma-separated; all when empty',
    example: 'team-a,team-b',
    fallback: '',
  },
  OUTLOOK_WEBHOOK_HTTP_HOST: {
    meaning: 'Address that is listened at; 0.0.0.0 or :: in a pod',
    example: '0.0.0.0',
    fallback: '127.0.0.1',
  },
  OUTLOOK_WEBHOOK_HTTP_PORT: {
    meaning: 'Port for Graph, with /healthz and /readyz; 0 takes a free one, which the log names',
    example: '8080',
    fallback: '8080',
    range: [0, 65_535],
  },
  OUTLOOK_WEBHOOK_METRICS_PORT: {
    meaning: 'Port of /metrics, /healthz and /readyz, which the Internet is not to reach; 0 takes a free one',
    example: '8081',
    fallback: '8081',
    range: [0, 65_535],
  },
  POD_NAME: {
    meaning: 'Name of the webhook’s pod; part of its User-Agent',
    example: 'outlook-sync-webhook-5d8f7c9b6-k4q2z',
    fallback: 'the host name',
  },
  LOG_LEVEL: {
    meaning: 'Least level that is logged',
    example: 'debug',
    fallback: 'info',
    oneOf: words.levels,
  },
} as const satisfies Record<string, Variable>;

/** Every variable that the webhook reads, by name. */
export const webhookEnvironment = { ...trust, ...limits, ...process };

export type WebhookVariableName = keyof typeof webhookEnvironment;
