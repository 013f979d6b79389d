// Asks a container over HTTP how it is, as its Pod's probes say.
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { POD_IP } from './podFields.ts';
import type { Container, Probe } from './podSpec.ts';

export interface ProbeEvents {
  readonly onStarted: () => void;
  readonly onReady: (isReady: boolean) => void;
  /** It should be killed. */
  readonly onUnhealthy: () => void;
}

/** Probes until `signal` is aborted. A container without probes is started and ready at once. */
export async function runProbes(
  container: Container,
  events: ProbeEvents,
  signal: AbortSignal,
): Promise<void> {
  const { startupProbe, readinessProbe, livenessProbe } = container;
  if (startupProbe !== undefined) {
    const isStarted = await firstVerdict(container, startupProbe, signal);
    if (isStarted === false) events.onUnhealthy();
    if (isStarted !== true) return;
  }
  if (signal.aborted) return;
  events.onStarted();
  if (readinessProbe === undefined) events.onReady(true);
  await Promise.all([
    readinessProbe && watch(container, readinessProbe, signal, (isHealthy) => events.onReady(isHealthy)),
    livenessProbe &&
      watch(container, livenessProbe, signal, (isHealthy) => {
        if (!isHealthy) events.onUnhealthy();
      }),
  ]);
}

/** Undefined when the signal is aborted before. */
async function firstVerdict(
  container: Container,
  probe: Probe,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  const decided = new AbortController();
  let verdict: boolean | undefined;
  await watch(container, probe, AbortSignal.any([signal, decided.signal]), (isHealthy) => {
    verdict = isHealthy;
    decided.abort();
  });
  return verdict;
}

/** Tells each change of health, the first verdict too. */
async function watch(
  container: Container,
  probe: Probe,
  signal: AbortSignal,
  onChange: (isHealthy: boolean) => void,
): Promise<void> {
  let known: boolean | undefined;
  let inRow = { isHealthy: true, count: 0 };
  await pause(probe.initialDelaySeconds, signal);
  while (!signal.aborted) {
    const isHealthy = await answers(container, probe, signal);
    inRow = { isHealthy, count: inRow.isHealthy === isHealthy ? inRow.count + 1 : 1 };
    const needed = isHealthy ? probe.successThreshold : probe.failureThreshold;
    const isNews = known !== isHealthy && inRow.count >= needed;
    if (isNews && !isAborted(signal)) {
      known = isHealthy;
      onChange(isHealthy);
    }
    await pause(probe.periodSeconds, signal);
  }
}

async function answers(container: Container, probe: Probe, signal: AbortSignal): Promise<boolean> {
  const { path, port, scheme } = probe.httpGet ?? { path: '/', port: 0, scheme: 'HTTP' };
  const named = container.ports.find(({ name }) => name === port)?.containerPort;
  const options = {
    host: POD_IP,
    port: named ?? Number(port),
    path,
    agent: false,
    // As the kubelet: a probe trusts whoever answers.
    rejectUnauthorized: false,
    signal: AbortSignal.any([signal, AbortSignal.timeout(probe.timeoutSeconds * 1000)]),
  } as const;
  return new Promise((done) => {
    const request = scheme === 'HTTPS' ? requestHttps : requestHttp;
    request(options, (response) => {
      response.resume();
      const { statusCode = 0 } = response;
      done(statusCode >= 200 && statusCode < 400);
    })
      .on('error', () => done(false))
      .end();
  });
}

async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  await sleep(seconds * 1000, undefined, { signal }).catch(() => undefined);
}

/** A question that the compiler does not answer from what it was a moment ago. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
