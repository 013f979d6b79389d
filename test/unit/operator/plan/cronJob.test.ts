// The CronJob of a provider, and when it is written.
import { describe, expect, it } from 'vitest';
import { decide } from '../../../../operator/plan/decide.ts';
import type { Observed } from '../../../../operator/plan/observed.ts';
import type { Manifest } from '../../../../operator/plan/plan.ts';
import { actionsOf, atRest, CHILD, changed, fresh, isIdle, jobOf, secret, specOf, UID } from './scene.ts';

interface Container {
  readonly args: readonly string[];
  readonly env: readonly ({ readonly name: string; readonly value?: string } & Record<string, unknown>)[];
}
interface PodSpec extends Record<string, unknown> {
  readonly containers: readonly [Container];
}
interface CronJobSpec extends Record<string, unknown> {
  readonly suspend: boolean;
  readonly jobTemplate: {
    readonly metadata: { readonly annotations: Record<string, string> };
    readonly spec: Record<string, unknown> & {
      readonly template: { readonly metadata: Record<string, unknown>; readonly spec: PodSpec };
    };
  };
}

const manifestOf = (observed: Observed): Manifest | undefined =>
  actionsOf(decide(observed), 'applyCronJob')[0]?.manifest;
const specIn = (observed: Observed): CronJobSpec => manifestOf(observed)?.['spec'] as CronJobSpec;
const containerIn = (observed: Observed): Container =>
  specIn(observed).jobTemplate.spec.template.spec.containers[0];

describe('the CronJob of a new provider', () => {
  it('comes after the finalizer and the Lease, and before the first Job', () => {
    const spec = specOf({ deletionPolicy: 'Delete' });
    const kinds = decide(fresh({ provider: { spec } })).actions.map(({ kind }) => kind);
    expect(kinds).toEqual(['setFinalizers', 'createLease', 'applyCronJob', 'createJob']);
  });

  it('comes without a Lease while no run is near, which is made with the first Job whoever made that', () => {
    const kindsOf = (observed: Observed): string[] => decide(observed).actions.map(({ kind }) => kind);
    const waiting = fresh({ mayBackfill: false });
    expect(kindsOf(waiting)).toEqual(['applyCronJob']);
    expect(kindsOf({ ...waiting, jobs: [jobOf()] })).toContain('createLease');
    const lastAttemptAt = '2026-11-25T08:00:00Z';
    const ran = { ...waiting.provider, status: { ...waiting.provider.status, lastAttemptAt } };
    expect(kindsOf({ ...waiting, provider: ran })).toContain('createLease');
  });

  it('belongs to the provider, by name and by owner', () => {
    const { metadata } = manifestOf(fresh()) ?? {};
    expect(metadata).toMatchObject({
      name: CHILD,
      namespace: 'mail',
      labels: { 'app.kubernetes.io/managed-by': 'outlook-sync', 'outlooksync.dev/instance': CHILD },
      annotations: { 'outlooksync.dev/provider': 'anna' },
      ownerReferences: [{ kind: 'OutlookProvider', name: 'anna', uid: UID, controller: true }],
    });
  });

  it('states what Kubernetes would otherwise choose for it', () => {
    expect(specIn(fresh())).toMatchObject({
      schedule: '*/5 * * * *',
      timeZone: 'Etc/UTC',
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: 200,
      successfulJobsHistoryLimit: 1,
      failedJobsHistoryLimit: 2,
      suspend: false,
      jobTemplate: {
        metadata: { annotations: { 'outlooksync.dev/credentials-version': 'secret-uid/1' } },
        spec: { backoffLimit: 1, activeDeadlineSeconds: 900, ttlSecondsAfterFinished: 600 },
      },
    });
  });

  it('has a time of its own for an H, and its time zone', () => {
    const spec = specOf({ schedule: 'H H * * *', timeZone: 'Europe/Berlin' });
    const { schedule, timeZone } = specIn(fresh({ provider: { spec } }));
    expect(schedule).toMatch(/^\d{1,2} \d{1,2} \* \* \*$/);
    expect(timeZone).toBe('Europe/Berlin');
  });

  it('repeats at once a run that died without a word, and none that had its say', () => {
    expect(specIn(fresh()).jobTemplate.spec['podFailurePolicy']).toEqual({
      rules: [
        { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        {
          action: 'FailJob',
          onExitCodes: { containerName: 'job', operator: 'In', values: [64, 70, 75, 76, 77] },
        },
      ],
    });
  });

  it('asks for as little as the restricted profile allows, and keeps logs out of the status', () => {
    const pod = specIn(fresh()).jobTemplate.spec.template.spec;
    expect(pod).toMatchObject({
      restartPolicy: 'Never',
      serviceAccountName: 'outlook-sync-job',
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(pod.containers[0]).toMatchObject({
      securityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
        readOnlyRootFilesystem: true,
      },
      terminationMessagePolicy: 'File',
      resources: { requests: { cpu: '50m', memory: '128Mi' } },
    });
  });

  it('tells the job whose mailbox it is, in a form that no value can break out of', () => {
    const spec = specOf({
      owner: { userId: '--standalone', workspaceId: 'team-7' },
      userPrincipalName: 'anna@contoso.onmicrosoft.com',
    });
    expect(containerIn(fresh({ provider: { spec } })).args).toEqual([
      'sync',
      '--email=anna@contoso.com',
      '--user-id=--standalone',
      '--workspace-id=team-7',
      `--provider-id=${UID}`,
      '--user-principal-name=anna@contoso.onmicrosoft.com',
    ]);
  });

  it('adopts the row that the spec names', () => {
    const providerId = '11111111-2222-4333-8444-555555555555';
    const { args } = containerIn(fresh({ provider: { spec: specOf({ providerId }) } }));
    expect(args).toContain(`--provider-id=${providerId}`);
  });

  it('hands the spec on in the job’s own words', () => {
    const sync = {
      maxMessages: 7,
      folders: { include: ['inbox', 'A/B'] },
      storeRawPayload: true,
      retries: 3,
    };
    const spec = specOf({ sync, auth: { tenantId: 'contoso.com', cloud: 'USGov' } });
    const values = Object.fromEntries(
      containerIn(fresh({ provider: { spec } })).env.map(({ name, value }) => [name, value]),
    );
    expect(values).toMatchObject({
      LOG_LEVEL: 'debug',
      OUTLOOK_TENANT_ID: 'contoso.com',
      OUTLOOK_CLOUD: 'USGov',
      OUTLOOK_AUTH_MODE: 'Delegated',
      OUTLOOK_SYNC_MAX_MESSAGES: '7',
      OUTLOOK_SYNC_FOLDERS_INCLUDE: 'inbox,A/B',
      OUTLOOK_SYNC_STORE_RAW_PAYLOAD: 'true',
      OUTLOOK_SYNC_SCHEDULER_RETRIES: '3',
      OUTLOOK_SYNC_TRIGGER: 'schedule',
      OUTLOOK_SYNC_DEADLINE_SECONDS: '720',
      OUTLOOK_PROVIDER_NAME: 'anna',
      OUTLOOK_PROVIDER_GENERATION: '1',
      OUTLOOK_PROVIDER_LEASE: CHILD,
      OUTLOOK_CREDENTIALS_VERSION: 'secret-uid/1',
    });
  });

  it('names Secrets and never says what is in them', () => {
    const { env } = containerIn(fresh());
    const references = env.filter(({ valueFrom }) => valueFrom !== undefined);
    expect(references.map(({ name, valueFrom }) => [name, valueFrom])).toEqual([
      ['OUTLOOK_JOB_NAME', { fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/job-name']" } }],
      ['OUTLOOK_POD_NAME', { fieldRef: { fieldPath: 'metadata.name' } }],
      ['DATABASE_URL', { secretKeyRef: { name: 'outlook-sync', key: 'DATABASE_URL' } }],
      ['OUTLOOK_CLIENT_ID', { secretKeyRef: { name: 'outlook-sync', key: 'OUTLOOK_CLIENT_ID' } }],
      ['OUTLOOK_CLIENT_SECRET', { secretKeyRef: { name: 'outlook-sync', key: 'OUTLOOK_CLIENT_SECRET' } }],
      [
        'OUTLOOK_TOKEN_ENCRYPTION_KEYS',
        { secretKeyRef: { name: 'outlook-sync', key: 'OUTLOOK_TOKEN_ENCRYPTION_KEYS' } },
      ],
      ['OUTLOOK_REFRESH_TOKEN', { secretKeyRef: { name: 'anna-outlook', key: 'refreshToken' } }],
    ]);
  });

  it('lets no value of a spec refer to a variable, and so to a Secret', () => {
    const theft = '$(DATABASE_URL)';
    const spec = specOf({
      owner: { userId: theft, workspaceId: `$${theft}` },
      sync: { folders: { include: [theft], exclude: [`a$${theft}`] } },
    });
    const scene = fresh({ provider: { spec } });
    const { args, env } = containerIn({
      ...scene,
      settings: { ...scene.settings, jobVariables: { A: theft } },
    });
    const texts = [...args, ...env.flatMap(({ value }) => value ?? [])];
    const expanded = texts.map((text) => text.replaceAll('$$', '').includes('$('));
    expect(expanded).not.toContain(true);
    expect(args).toContain('--user-id=$$(DATABASE_URL)');
    expect(args).toContain('--workspace-id=$$$$(DATABASE_URL)');
    expect(env.filter(({ value }) => value?.includes('$$(DATABASE_URL)')).map(({ name }) => name)).toEqual([
      'A',
      'OUTLOOK_SYNC_FOLDERS_INCLUDE',
      'OUTLOOK_SYNC_FOLDERS_EXCLUDE',
    ]);
  });

  it('names each variable once, and lets no setting of the operator’s stand in for a Secret', () => {
    const scene = fresh();
    const jobVariables = { DATABASE_URL: 'x', OUTLOOK_SYNC_MAX_MESSAGES: '1', NOTIFICATION_SINK_URL: '' };
    const { env } = containerIn({ ...scene, settings: { ...scene.settings, jobVariables } });
    const names = env.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(env.find(({ name }) => name === 'DATABASE_URL')).not.toHaveProperty('value');
    expect(env.find(({ name }) => name === 'OUTLOOK_SYNC_MAX_MESSAGES')).toHaveProperty('value', '100');
    expect(names).not.toContain('NOTIFICATION_SINK_URL');
  });

  it('needs no refresh token in Application mode', () => {
    const auth = { mode: 'Application', tenantId: 'contoso.com' };
    const spec = specOf({ auth, credentialsSecretRef: undefined });
    const { env } = containerIn(fresh({ provider: { spec }, credentialsSecret: undefined }));
    expect(env.map(({ name }) => name)).not.toContain('OUTLOOK_REFRESH_TOKEN');
    expect(env.map(({ name }) => name)).not.toContain('OUTLOOK_CREDENTIALS_VERSION');
  });

  it('is placed as the spec says, and keeps its own annotations', () => {
    const podTemplate = {
      annotations: { 'example.com/a': 'b', 'outlooksync.dev/provider': 'bert' },
      nodeSelector: { disk: 'ssd' },
      tolerations: [{ key: 'mail', operator: 'Exists' }],
      priorityClassName: 'low',
      resources: { limits: { memory: '1Gi' } },
    };
    const { template } = specIn(fresh({ provider: { spec: specOf({ podTemplate }) } })).jobTemplate.spec;
    expect(template).toMatchObject({
      metadata: { annotations: { 'example.com/a': 'b', 'outlooksync.dev/provider': 'anna' } },
      spec: {
        nodeSelector: { disk: 'ssd' },
        tolerations: [{ key: 'mail', operator: 'Exists' }],
        priorityClassName: 'low',
        containers: [{ resources: { limits: { memory: '1Gi' } } }],
      },
    });
  });
});

describe('a CronJob that is there', () => {
  const edited = (scene: Observed, change: (spec: CronJobSpec) => object): Observed => {
    const { cronJob } = scene;
    if (cronJob === null) throw new Error('There is no CronJob');
    const spec = JSON.parse(cronJob.specJson) as CronJobSpec;
    return { ...scene, cronJob: { ...cronJob, specJson: JSON.stringify({ ...spec, ...change(spec) }) } };
  };

  it('is left alone while it is what the spec asks for', () => {
    expect(isIdle(decide(atRest()))).toBe(true);
  });

  it.each<[string, Partial<Record<string, unknown>>]>([
    ['quantities in another form', { resources: { requests: { cpu: '1000m', memory: '134217728' } } }],
    ['a number as a quantity', { resources: { limits: { cpu: 2 } } }],
    ['lists with nothing in them', { tolerations: [], nodeSelector: {} }],
    [
      'deep placement',
      { affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } } },
    ],
  ])('is left alone with %s', (_, podTemplate) => {
    expect(isIdle(decide(atRest({ provider: { spec: specOf({ podTemplate }) } })))).toBe(true);
  });

  it('is left alone when others add to it', () => {
    const scene = edited(atRest(), () => ({ timeZoneNote: 'ours', startingNote: 1 }));
    expect(isIdle(decide(scene))).toBe(true);
  });

  it.each<[string, (spec: CronJobSpec) => object]>([
    ['a schedule', () => ({ schedule: '0 0 1 1 *' })],
    ['a suspension', () => ({ suspend: true })],
    ['a policy', () => ({ concurrencyPolicy: 'Allow' })],
    ['a field that was taken out', () => ({ startingDeadlineSeconds: undefined })],
    [
      'a privilege deep inside',
      ({ jobTemplate }) => {
        const changes = structuredClone(jobTemplate) as unknown as {
          spec: { template: { spec: { containers: { securityContext: unknown }[] } } };
        };
        for (const one of changes.spec.template.spec.containers)
          one.securityContext = { capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true };
        return { jobTemplate: changes };
      },
    ],
  ])('is repaired when by hand %s was changed', (_, change) => {
    const scene = edited(atRest(), change);
    const plan = decide(scene);
    expect(plan.actions.map(({ kind }) => kind)).toEqual(['applyCronJob']);
    expect(manifestOf(scene)).toEqual(manifestOf({ ...scene, cronJob: null }));
  });

  it('is written anew when its labels are gone', () => {
    const scene = atRest();
    const cronJob = scene.cronJob && { ...scene.cronJob, labels: {} };
    expect(manifestOf({ ...scene, cronJob })).toBeDefined();
  });

  it('is made again when somebody deleted it, and not while it is still going', () => {
    const scene = atRest();
    const going = scene.cronJob && { ...scene.cronJob, deletedAt: '2026-11-25T12:00:00Z' };
    expect(manifestOf({ ...scene, cronJob: going })).toBeUndefined();
    expect(manifestOf({ ...scene, cronJob: null })).toBeDefined();
  });

  it('follows the spec, also where a field goes away', () => {
    const before = atRest({ provider: { spec: specOf({ podTemplate: { priorityClassName: 'low' } }) } });
    const plan = decide(changed(before, { provider: { spec: specOf(), generation: 2 } }));
    expect(actionsOf(plan, 'applyCronJob')).toHaveLength(1);
    expect(JSON.stringify(plan.actions)).not.toContain('priorityClassName');
  });

  it('follows a field that goes away though all that is left is there', () => {
    const before = atRest({ provider: { spec: specOf({ podTemplate: { nodeSelector: { disk: 'ssd' } } }) } });
    const plan = decide(changed(before, { provider: { spec: specOf() } }));
    expect(actionsOf(plan, 'applyCronJob')).toHaveLength(1);
  });

  it('follows the Secret, so that the next run is made for its new state', () => {
    const manifest = manifestOf(changed(atRest(), { credentialsSecret: secret('2') }));
    expect(JSON.stringify(manifest)).toContain('secret-uid/2');
  });
});
