// Providers as the operator sees them, made up for its decisions: all is well unless something else is said.
import { type ProviderSpec, providerSpec } from '../../../../api/providerSpec.ts';
import type { ProviderStatus } from '../../../../api/providerStatus.ts';
import { decide } from '../../../../operator/plan/decide.ts';
import type {
  Observed,
  ObservedJob,
  ObservedOwned,
  ObservedPod,
  ObservedProvider,
} from '../../../../operator/plan/observed.ts';
import type { Action, Plan } from '../../../../operator/plan/plan.ts';
import { applied } from './world.ts';

export const UID = '5f0c6b4e-3c1d-4a7e-9b52-0a6f1d2c3e4f';
export const CHILD = 'outlook-sync-anna';
export const NOW = '2026-11-25T12:00:00Z';

/** Milliseconds after `NOW`, as the API server writes times. */
export const after = (ms: number): string =>
  new Date(Date.parse(NOW) + ms).toISOString().replace('.000Z', 'Z');

const minutes = (count: number): string => after(count * 60_000);
export { minutes };

export const secret = (resourceVersion = '1'): ObservedOwned => ({
  uid: 'secret-uid',
  resourceVersion,
  controllerUid: null,
});

export function specOf(changes: Record<string, unknown> = {}): ProviderSpec {
  return providerSpec.parse({
    emailAddress: 'anna@contoso.com',
    owner: { userId: 'user-42' },
    credentialsSecretRef: { name: 'anna-outlook' },
    schedule: '*/5 * * * *',
    ...changes,
  });
}

type Parts = Partial<Omit<Observed, 'provider'>> & { readonly provider?: Partial<ObservedProvider> };

/** A provider that was just made. */
export function fresh({ provider, ...rest }: Parts = {}): Observed {
  return {
    now: new Date(NOW),
    settings: {
      image: 'registry.example/outlook-sync:1',
      imagePullPolicy: 'IfNotPresent',
      command: ['node', 'job.js'],
      jobSecretName: 'outlook-sync',
      jobServiceAccount: 'outlook-sync-job',
      jobVariables: { LOG_LEVEL: 'debug' },
      activeDeadlineSeconds: 900,
      ttlSecondsAfterFinished: 600,
      cleanupTimeoutMs: 300_000,
      resources: { requests: { cpu: '50m', memory: '128Mi' } },
    },
    duplicateOf: null,
    cronJob: null,
    lease: null,
    jobs: [],
    pods: [],
    credentialsSecret: secret(),
    jobSecret: secret(),
    mayBackfill: true,
    namespaceTerminating: false,
    ...rest,
    provider: {
      namespace: 'mail',
      name: 'anna',
      uid: UID,
      resourceVersion: '100',
      generation: 1,
      createdAt: NOW,
      deletedAt: null,
      finalizers: [],
      annotations: {},
      spec: specOf(),
      problems: [],
      status: {},
      ...provider,
    },
  };
}

/** What a first run that went well has left, five seconds ago. */
export const connectedStatus: ProviderStatus = {
  phase: 'Connected',
  providerId: UID,
  lastAttemptAt: after(-20_000),
  lastSyncedAt: after(-5_000),
  lastJob: `${CHILD}-29401230`,
  lastTrigger: 'schedule',
  cursor: 'Steady',
  consecutiveFailures: 0,
  credentialsVersion: 'secret-uid/1',
  conditions: [
    {
      type: 'Synced',
      status: 'True',
      reason: 'Succeeded',
      message: 'Wrote 3 messages',
      observedGeneration: 1,
      lastTransitionTime: after(-5_000),
    },
  ],
};

/** What a run that failed has left. */
export function failedStatus(code: string, changes: ProviderStatus = {}): ProviderStatus {
  const { lastSyncedAt: _, ...rest } = connectedStatus;
  const message = 'It went wrong';
  return {
    ...rest,
    phase: 'Error',
    lastSyncError: `${code}: ${message}`,
    lastSyncErrorAt: after(-5_000),
    consecutiveFailures: 1,
    conditions: ['Synced', 'CredentialsValid'].map((type) => ({
      type,
      status: 'False',
      reason: code,
      message,
      observedGeneration: 1,
      lastTransitionTime: after(-5_000),
    })),
    ...changes,
  };
}

/** One that the operator has dealt with: it has its CronJob and its Lease, and nothing is to be done. */
export function atRest(parts: Parts = {}): Observed {
  const status = parts.provider?.status ?? connectedStatus;
  const { provider, ...rest } = parts;
  const settled = settle(fresh({ ...rest, provider: { ...provider, status } }));
  return settled;
}

/** The state once the operator has nothing left to do. */
export function settle(observed: Observed): Observed {
  let state = observed;
  for (let round = 0; round < 5; round += 1) {
    const plan = decide(state);
    if (isIdle(plan)) return state;
    state = applied(state, plan);
  }
  throw new Error(`Never at rest: ${JSON.stringify(decide(state), null, 1)}`);
}

export const isIdle = ({ actions, status, events }: Plan): boolean =>
  actions.length === 0 && status === null && events.length === 0;

/** The same, with something changed. */
export function changed(observed: Observed, { provider, ...rest }: Parts): Observed {
  return { ...observed, ...rest, provider: { ...observed.provider, ...provider } };
}

/** The same, with other results of the job in its status. */
export function withStatus(observed: Observed, status: ProviderStatus): Observed {
  const { conditions = [], ...fields } = status;
  const before = observed.provider.status;
  const kept = (before.conditions ?? []).filter(({ type }) => !conditions.some((one) => one.type === type));
  const merged = { ...before, ...fields, conditions: [...kept, ...conditions] };
  return changed(observed, { provider: { status: merged } });
}

export function jobOf(changes: Partial<ObservedJob> = {}): ObservedJob {
  return {
    name: `${CHILD}-29401300`,
    uid: 'job-uid',
    createdAt: after(-60_000),
    deletedAt: null,
    trigger: 'schedule',
    generation: 1,
    credentialsVersion: 'secret-uid/1',
    phase: 'active',
    finishedAt: null,
    failureReason: null,
    ...changes,
  };
}

export function podOf(changes: Partial<ObservedPod> = {}): ObservedPod {
  return {
    name: `${CHILD}-29401300-x7k2p`,
    uid: 'pod-uid',
    jobName: `${CHILD}-29401300`,
    createdAt: after(-60_000),
    phase: 'Running',
    reason: null,
    disrupted: false,
    waitingReason: null,
    waitingMessage: null,
    exitCode: null,
    terminatedReason: null,
    terminationMessage: null,
    finishedAt: null,
    ...changes,
  };
}

export type Kind = Action['kind'];

export function actionsOf<K extends Kind>({ actions }: Plan, kind: K): Extract<Action, { kind: K }>[] {
  return actions.filter((one): one is Extract<Action, { kind: K }> => one.kind === kind);
}

/** Of the Jobs that a plan starts, why. */
export function triggersOf(plan: Plan): unknown[] {
  return actionsOf(plan, 'createJob').map(
    ({ manifest }) => (manifest.metadata['labels'] as Record<string, unknown>)['outlooksync.dev/trigger'],
  );
}

/** A condition of a plan's status, as `True Succeeded`. */
export function told(plan: Plan, type: string): string | undefined {
  const found = plan.status?.conditions?.find((one) => one.type === type);
  return found && `${found.status} ${found.reason}`;
}

export const eventNames = ({ events }: Plan): string[] =>
  events.map(({ type, reason }) => `${type} ${reason}`);

/** A condition's status and reason. */
export const standing = (observed: Observed, type: string): string | undefined => {
  const found = observed.provider.status.conditions?.find((one) => one.type === type);
  return found && `${found.status} ${found.reason}`;
};
