// From start to stop: the cluster is listed, then requests are welcome; a stop answers what is in hand.
import { fieldManagers, outlookProviders } from '../api/resource.ts';
import { KubeClient } from '../kube/client.ts';
import type { Connection } from '../kube/connection.ts';
import { KubeError } from '../kube/errors.ts';
import type { Log } from '../kube/log.ts';
import { ClusterDirectory } from './cluster/clusterDirectory.ts';
import { type KnownProvider, reduceProvider } from './cluster/knownProvider.ts';
import { type Mark, Marks } from './cluster/marks.ts';
import type { WebhookConfig } from './config.ts';
import type { Server } from './http/options.ts';
import { openServer } from './http/server.ts';
import { Metrics } from './metrics.ts';
import { type MetricsServer, serveMetrics } from './metricsServer.ts';

export interface RunOptions {
  readonly config: WebhookConfig;
  readonly connection: Connection;
  readonly pod: string;
  readonly log: Log;
  /** Aborted when the webhook is to stop. */
  readonly signal: AbortSignal;
}

/** An address or a port cannot be had. The message says why, and is safe to show. */
export class CannotListen extends Error {
  override readonly name = 'CannotListen';
  readonly variable: string;

  constructor(variable: string, value: string | number, cause: unknown) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    super(`${value} cannot be listened on (${code})`, { cause });
    this.variable = variable;
  }
}

/** For requests in hand when it stops; shorter than the 30 seconds that a pod is given. */
const drainMs = 15_000;
const complainMs = 15_000;

interface Parts {
  readonly directory: ClusterDirectory;
  readonly marks: Marks;
  readonly metrics: Metrics;
}

/** Resolves when everything has ended. @throws CannotListen */
export async function runWebhook(options: RunOptions): Promise<void> {
  const { connection, log, signal } = options;
  const reading = new AbortController();
  const parts = assemble(options);
  const { metrics, server } = await listen(parts, options);
  const following = parts.directory.run(reading.signal);
  const complaints = complainWhileUnready(parts, log);
  try {
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    log.info({}, 'Stopping: answering what is in hand');
    await server.close();
  } finally {
    clearInterval(complaints);
    reading.abort();
    await following;
    await metrics.close();
    await connection.close();
  }
}

function assemble({ config, connection, pod, log }: RunOptions): Parts {
  const metrics = new Metrics();
  const client = new KubeClient(connection, {
    userAgent: `outlook-sync-webhook (${pod})`,
    timeoutMs: Math.max(15_000, config.writeTimeoutMs),
    onRequest: (report) => metrics.apiRequest(report),
  });
  const directory: ClusterDirectory = new ClusterDirectory({
    client,
    log,
    namespaces: config.watchNamespaces,
    onChange: (key) => marks.noticed(key),
  });
  const marks: Marks = new Marks({
    lookUp: (key) => directory.get(key),
    watchOf: (key) => directory.watchOf(key),
    write: (provider, mark, signal) => writeMark(client, { provider, mark, signal }),
    writeTimeoutMs: config.writeTimeoutMs,
    log,
    onResult: (result) => metrics.mark(result),
  });
  metrics.ask({ watch: () => directory.figures(), waiting: () => marks.waiting });
  return { directory, marks, metrics };
}

/**
 * Resolves to the provider's version from then on. Whoever bears the name is marked: of a patch of the status the API
 * server ignores a `metadata.uid`, and one sync too many does no harm. @throws KubeError
 */
async function writeMark(
  client: KubeClient,
  { provider, mark, signal }: { provider: KnownProvider; mark: Mark; signal: AbortSignal },
): Promise<string | undefined> {
  const { name, namespace } = provider.metadata;
  const patch = { status: mark };
  const options = { subresource: 'status', fieldManager: fieldManagers.webhook, signal } as const;
  const kept = reduceProvider(await client.mergePatch(outlookProviders, { name, namespace }, patch, options));
  // What a CRD does not know is dropped without a word.
  if (kept.syncRequestedAt !== mark.syncRequestedAt)
    throw new KubeError(
      'invalid',
      'The CRD that is installed does not know status.syncRequestedAt: update it',
    );
  return kept.metadata.resourceVersion;
}

async function listen(
  { directory, marks, metrics }: Parts,
  { config, log, signal }: RunOptions,
): Promise<{ metrics: MetricsServer; server: Server }> {
  const { host, port, metricsPort } = config;
  const isReady = (): string | null => missing(directory)[0] ?? null;
  const own = await serveMetrics({
    registry: metrics.registry,
    isReady: () => (signal.aborted ? 'closing' : isReady()),
    host,
    port: metricsPort,
  }).catch((error: unknown) => {
    throw new CannotListen('OUTLOOK_WEBHOOK_METRICS_PORT', metricsPort, error);
  });
  const server = await openServer({
    directory,
    wakeUps: marks,
    tokens: config.tokens,
    clientStateSecrets: config.clientStateSecrets,
    limits: {
      bodyLimitBytes: config.bodyLimitBytes,
      ratePerSecond: config.ratePerSecond,
      requestTimeoutMs: config.requestTimeoutMs,
      drainMs,
    },
    trustProxy: config.trustProxy,
    host,
    port,
    log,
    observe: metrics,
    isReady,
  }).catch(async (error: unknown) => {
    await own.close();
    throw new CannotListen('OUTLOOK_WEBHOOK_HTTP_PORT', port, error);
  });
  log.info({ host, port: server.port, metricsPort: own.port }, 'Listening');
  return { metrics: own, server };
}

/** What is known of the cluster may be too old to say of a mailbox that it is nobody's. */
const longestUnfollowedMs = 30_000;

function missing(directory: ClusterDirectory): string[] {
  const { kind } = directory.figures();
  const inPlace = (place: string): string => (place === '' ? kind : `${kind} in ${place}`);
  return [
    ...directory.missing.map((place) => `no list of ${inPlace(place)} yet`),
    ...directory.unfollowedFor(longestUnfollowedMs).map((place) => `no watch of ${inPlace(place)}`),
  ];
}

function complainWhileUnready({ directory }: Parts, log: Log): NodeJS.Timeout {
  return setInterval(() => {
    const waitingFor = missing(directory);
    if (waitingFor.length > 0) log.error({ waitingFor }, 'Not ready: the cluster is not fully known');
  }, complainMs);
}
