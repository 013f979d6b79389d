import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { apiVersion, outlookProviders } from '../../../api/resource.ts';
import { type RunReport, statusAtEnd } from '../../../api/runReport.ts';
import { ResourceStatus } from '../../../job/cluster/resourceStatus.ts';
import { KubeClient } from '../../../kube/client.ts';
import { openAgent } from '../../../kube/connection.ts';
import { startApiServer } from '../../harness/apiServer/apiServer.ts';

const report: RunReport = {
  status: 'error',
  reported: false,
  providerId: '5f0c6b4e-3c1d-4a7e-9b52-0a6f1d2c3e4f',
  upserted: 1,
  removed: 0,
  stored: 7,
  cursor: 'Steady',
  attempts: 2,
  durationMs: 10,
  startedAt: '2026-11-25T01:00:00.000Z',
  finishedAt: '2026-11-25T01:00:10.000Z',
  error: { code: 'GraphTimeout', message: 'No answer in time' },
};
const run = { jobName: 'anna-1', trigger: 'schedule', generation: 1, credentialsVersion: '1' } as const;

it('a failure whose status was written without an answer is counted once, and is still news', async () => {
  const server = await startApiServer();
  const dispatcher = openAgent({});
  onTestFinished(async () => {
    await dispatcher.destroy();
    await server.close();
  });
  const metadata = { namespace: 'team', name: 'anna' };
  const { uid } = server.put(
    { apiVersion, kind: outlookProviders.kind, metadata, ...{ status: { phase: 'Connected' } } },
    outlookProviders.plural,
  ).metadata;
  const headers = () => Promise.resolve({});
  const close = () => Promise.resolve();
  const connection = { server: server.url, dispatcher, namespace: undefined, headers, close };
  const client = new KubeClient(connection, { userAgent: 'test' });
  const surroundings = {
    ...metadata,
    uid,
    generation: 1,
    lease: 'lease',
    credentialsVersion: '1',
    job: 'anna-1',
    pod: 'anna-1-x',
  };
  const log = pino({ level: 'silent' });
  const status = new ResourceStatus({ client, surroundings, isHeld: () => true, log });
  server.fault({ method: 'PATCH', path: '/status', resetAfter: true });
  const make = (before: Parameters<typeof statusAtEnd>[0]) => statusAtEnd(before, run, report);
  const written = await status.write(make, new AbortController().signal);
  expect(written?.before.phase).toBe('Connected');
  const [stored] = server.store.all(`${apiVersion}/${outlookProviders.plural}`);
  expect(stored?.['status']).toMatchObject({ phase: 'Error', consecutiveFailures: 1 });
  expect(server.requests.filter(({ method }) => method === 'PATCH')).toHaveLength(1);
});
