// The resource as people meet it: with kubectl, whose every word here stands in the documentation.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Condition, conditionTypes } from '../../../api/conditions.ts';
import { type RunIdentity, type RunReport, statusAtEnd, statusAtStart } from '../../../api/runReport.ts';
import { apiVersion, fieldManagers } from '../../../api/resource.ts';
import { SHARED_START_TIMEOUT_MS } from '../../harness/cluster/shared.ts';
import { leastSpec } from '../../harness/providerSamples.ts';
import { type ApiServer, type Verdict, openApiServer, providerOf, providersPath } from './verdicts.ts';

const EXAMPLES = join(import.meta.dirname, '../../../docs/examples');
const examples = await readdir(EXAMPLES);
const namespace = 'crd-kubectl';
const path = providersPath(namespace);
let server: ApiServer;

beforeAll(async () => {
  server = await openApiServer(namespace);
}, SHARED_START_TIMEOUT_MS);
afterAll(() => server.close());

async function kubectl(args: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await server.plane.kubectl([...args, `--namespace=${namespace}`], {
    input,
  });
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** Applies a part of the status under the name of one of its writers. */
function writeStatus(name: string, status: unknown, writer: keyof typeof fieldManagers): Promise<Verdict> {
  const body = { apiVersion, kind: 'OutlookProvider', metadata: { name }, status };
  const query = `fieldManager=${fieldManagers[writer]}&force=true&fieldValidation=Strict`;
  return server.call('PATCH', `${path}/${name}/status?${query}`, body);
}

const run: RunIdentity = { jobName: 'anna-1', trigger: 'push', generation: 1, credentialsVersion: '7' };
const report: RunReport = {
  status: 'connected',
  reported: true,
  providerId: '0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0',
  upserted: 12,
  removed: 1,
  stored: 2310,
  cursor: 'Steady',
  attempts: 1,
  durationMs: 1083,
  startedAt: '2026-11-25T10:00:00.000Z',
  finishedAt: '2026-11-25T10:00:01.083Z',
};
const ready: Condition = {
  type: conditionTypes.ready,
  status: 'True',
  reason: 'Succeeded',
  message: 'The mailbox is in Postgres',
  observedGeneration: 1,
  lastTransitionTime: '2026-11-25T10:00:02Z',
};

describe('kubectl', () => {
  it.each(examples)('applies the example %s, twice without a change', async (file) => {
    const text = await readFile(join(EXAMPLES, file), 'utf8');
    expect(await kubectl(['apply', '-f', '-'], text)).toContain('created');
    expect(await kubectl(['apply', '-f', '-'], text)).toMatch(/^outlookprovider\S+ unchanged$/m);
  });

  it.each(['outlookproviders', 'outlookprovider', 'olp', 'outlook'])('knows the name %s', async (name) => {
    expect(await kubectl(['get', name])).toMatch(
      /^NAME +EMAIL +STATUS +READY +LAST SYNC +MESSAGES +SCHEDULE +AGE$/m,
    );
  });

  it('shows more of them with -o wide', async () => {
    expect(await kubectl(['get', 'olp', '-o', 'wide'])).toMatch(
      /^NAME +EMAIL +STATUS +READY +LAST SYNC +MESSAGES +SCHEDULE +AGE +REASON +ERROR +NEXT SYNC +PROVIDER ID$/m,
    );
  });

  it('explains fields', async () => {
    const text = await kubectl(['explain', 'outlookproviders.spec.sync.history']);
    expect(text).toContain('FIELD: history <string>');
    expect(text).toContain('All, or an ISO 8601 duration');
  });

  it('says what is wrong, all at once, and names the fields', async () => {
    const spec = { ...leastSpec, emailAddress: 'anna', schedule: '5-1 * * * *', timeZone: 'Mars/Olympus' };
    const provider = JSON.stringify(providerOf('wrong', spec));
    const said: unknown = await kubectl(['apply', '-f', '-'], provider).catch(String);
    for (const words of [
      /spec\.emailAddress: .*must be an e-mail address/,
      /spec\.schedule: .*no range that runs backwards/,
      /spec\.timeZone: .*unknown time zone Mars\/Olympus .*must be a name of the time zone database/,
    ]) {
      expect(said).toMatch(words);
    }
  });

  it('waits for Ready, and shows what the writers of the status have said', async () => {
    await server.call('POST', path, providerOf('waited-for', leastSpec));
    const waiting = kubectl(['wait', '--for=condition=Ready', 'olp/waited-for', '--timeout=60s']);
    const done = await writeStatus('waited-for', statusAtEnd({}, run, report), 'job');
    expect(done.message).toBe('');
    const operators = { observedGeneration: 1, nextSyncAt: '2026-11-25T10:05:00Z', conditions: [ready] };
    expect((await writeStatus('waited-for', operators, 'operator')).message).toBe('');
    expect(await waiting).toContain('condition met');
    expect(await kubectl(['get', 'olp', 'waited-for', '--no-headers', '-o', 'wide'])).toMatch(
      /^waited-for +anna@contoso\.com +Connected +True +\S+ +2310 +H\/5 \* \* \* \* +\S+ +Succeeded +2026-11-25T10:05:00Z +0b1c2d3e-/,
    );
  });
});

describe('the status', () => {
  const conditionTypesOf = (verdict: Verdict): string[] =>
    (verdict.object['status'] as { conditions: Condition[] }).conditions.map(({ type }) => type).sort();

  it('is shared by its writers, each of whom keeps to its own fields and conditions', async () => {
    await server.call('POST', path, providerOf('shared', leastSpec));
    await writeStatus('shared', { observedGeneration: 1, conditions: [ready] }, 'operator');
    await writeStatus('shared', { syncRequestedAt: '2026-11-25T10:00:00.000Z' }, 'webhook');
    const both = await writeStatus('shared', statusAtEnd({}, run, report), 'job');
    expect(conditionTypesOf(both)).toEqual(['CredentialsValid', 'Ready', 'Synced']);
    const fewer = await writeStatus('shared', statusAtStart({}, run, new Date(report.startedAt)), 'job');
    expect(conditionTypesOf(fewer)).toEqual(['Ready']);
    expect(fewer.object['status']).toMatchObject({
      observedGeneration: 1,
      syncRequestedAt: '2026-11-25T10:00:00.000Z',
      phase: 'Syncing',
    });
  });

  it.each([
    ['a phase of another name', { phase: 'Ready' }, 'status.phase'],
    ['a time that is none', { lastSyncedAt: 'yesterday' }, 'status.lastSyncedAt'],
    [
      'a condition without a reason',
      { conditions: [{ ...ready, reason: '' }] },
      'status.conditions[0].reason',
    ],
    ['a negative count', { attempts: -1 }, 'status.attempts'],
  ])('is refused with %s', async (_, status, field) => {
    await server.call('POST', path, providerOf('refused', leastSpec));
    const { fields } = await writeStatus('refused', status, 'job');
    expect(fields).toEqual([field]);
  });

  it('is not taken from those who may only write the spec', async () => {
    const forged = { ...providerOf('forged', leastSpec), status: { phase: 'Connected' } };
    const { object } = await server.call('POST', path, forged);
    expect(object['status']).toBeUndefined();
  });
});
