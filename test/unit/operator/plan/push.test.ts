// What a provider's runs are told of push, and the runs that are there for a subscription's sake.
import { describe, expect, it } from 'vitest';
import type { ProviderSpec } from '../../../../api/providerSpec.ts';
import { decide } from '../../../../operator/plan/decide.ts';
import type { Observed } from '../../../../operator/plan/observed.ts';
import {
  actionsOf,
  after,
  atRest,
  changed,
  CHILD,
  connectedStatus,
  failedStatus,
  fresh,
  isIdle,
  jobOf,
  settle,
  specOf,
  triggersOf,
  withStatus,
} from './scene.ts';
import { applied } from './world.ts';

const url = 'https://outlook.example.com/outlook-sync/webhooks/push';
const jobVariables = {
  OUTLOOK_PUSH_NOTIFICATION_URL: url,
  OUTLOOK_PUSH_SUBSCRIPTION_DURATION_MINUTES: '2880',
  OUTLOOK_PUSH_SUBSCRIPTION_RENEW_THRESHOLD_MINUTES: '120',
  OUTLOOK_PUSH_SYNC_MAX_MESSAGES: '30',
};
const { settings } = fresh();
const pushed = { ...settings, jobVariables };
const enabled = { push: { enabled: true } };
const withPush = (changes: Record<string, unknown> = {}): ProviderSpec => specOf({ ...enabled, ...changes });

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: unknown;
}

function variablesOf(observed: Observed): Map<string, Variable> {
  const [applies] = actionsOf(decide({ ...observed, cronJob: null }), 'applyCronJob');
  const spec = applies?.manifest['spec'] as {
    jobTemplate: { spec: { template: { spec: { containers: [{ env: Variable[] }] } } } };
  };
  const [{ env }] = spec.jobTemplate.spec.template.spec.containers;
  return new Map(env.map((one) => [one.name, one]));
}

const about = (variables: Map<string, Variable>): string[] =>
  [...variables.keys()].filter((name) => name.startsWith('OUTLOOK_PUSH_')).sort();

describe('the runs of a provider', () => {
  it('that asks for push are told of the webhook, and where its secrets are', () => {
    const variables = variablesOf(fresh({ settings: pushed, provider: { spec: withPush() } }));
    expect(variables.get('OUTLOOK_PUSH_NOTIFICATION_URL')).toHaveProperty('value', url);
    expect(about(variables)).toHaveLength(6);
    for (const key of ['OUTLOOK_PUSH_CLIENT_STATE_SECRET', 'OUTLOOK_PUSH_WEBHOOK_TOKEN'])
      expect(variables.get(key)).toEqual({
        name: key,
        valueFrom: { secretKeyRef: { name: 'outlook-sync', key, optional: true } },
      });
  });

  it.each<[string, Observed]>([
    ['does not ask for push', fresh({ settings: pushed })],
    ['asks for it, where there is no webhook', fresh({ provider: { spec: withPush() } })],
  ])('that %s are told nothing of it', (_, scene) => {
    expect(about(variablesOf(scene)).filter((name) => !name.includes('MAX_MESSAGES'))).toEqual([]);
  });

  it.each([true, false])('never have a secret of push as a value (push enabled: %s)', (isEnabled) => {
    const secrets = {
      OUTLOOK_PUSH_CLIENT_STATE_SECRET: 'topsecret',
      OUTLOOK_PUSH_WEBHOOK_TOKEN: 'topsecret',
    };
    const spec = specOf({ push: { enabled: isEnabled } });
    const all = { ...settings, jobVariables: { ...jobVariables, ...secrets } };
    const scene = fresh({ settings: all, provider: { spec } });
    expect(JSON.stringify([...variablesOf(scene)])).not.toContain('topsecret');
  });

  it('change with the spec, and with nothing else', () => {
    const scene = atRest({ settings: pushed, provider: { spec: withPush() } });
    expect(isIdle(decide(scene))).toBe(true);
    const off = changed(scene, { provider: { spec: specOf(), generation: 2 } });
    const [applies] = actionsOf(decide(off), 'applyCronJob');
    expect(JSON.stringify(applies?.manifest)).not.toContain('OUTLOOK_PUSH_NOTIFICATION_URL');
    expect(triggersOf(decide(off))).toEqual([]);
    expect(isIdle(decide(settle(off)))).toBe(true);
  });
});

const minute = 60_000;

/** Connected, five seconds after a run, with a subscription that ends in so many minutes. */
function subscribed(ends: number, schedule = '0 0 1 1 *', more: Partial<Observed> = {}): Observed {
  const status = { ...connectedStatus, subscription: { id: 'sub', expiresAt: after(ends * minute) } };
  return atRest({ settings: pushed, provider: { spec: withPush({ schedule }), status }, ...more });
}

const at = (scene: Observed, minutes: number): Observed => ({
  ...scene,
  now: new Date(Date.parse(after(0)) + minutes * minute),
});

describe('a subscription that ends before the schedule fires', () => {
  it('is renewed by a run half an hour before its end, and until then nothing is written', () => {
    const scene = subscribed(2880);
    expect(isIdle(decide(scene))).toBe(true);
    expect(isIdle(decide(at(scene, 2849)))).toBe(true);
    expect(decide(at(scene, 2849)).requeueAfterMs).toBe(minute);
    expect(triggersOf(decide(at(scene, 2850)))).toEqual(['push']);
  });

  it('has one such run for each of its ends, whatever came of it', () => {
    const due = at(subscribed(2880), 2850);
    const plan = decide(due);
    const [job] = actionsOf(plan, 'createJob');
    const lastJob = job?.manifest.metadata.name ?? '';
    const running = applied(due, plan);
    expect(isIdle(decide(running))).toBe(true);
    const ended = { ...running, jobs: running.jobs.map((one) => ({ ...one, phase: 'complete' as const })) };
    expect(isIdle(decide(at(ended, 2851)))).toBe(true);
    const swept = at(
      withStatus({ ...running, jobs: [] }, { lastJob, lastAttemptAt: after(2850 * minute) }),
      2890,
    );
    expect(triggersOf(decide(settle(swept)))).toEqual([]);
    const renewed = withStatus(swept, { subscription: { id: 'sub', expiresAt: after(5760 * minute) } });
    expect(triggersOf(decide(at(renewed, 5731)))).toEqual(['push']);
  });

  it('that Graph grants for a short time is renewed when a run would renew it, at half of its life', () => {
    const scene = subscribed(45);
    expect(triggersOf(decide(at(scene, 22)))).toEqual([]);
    expect(triggersOf(decide(at(scene, 25)))).toEqual(['push']);
  });

  it('is not looked after before the threshold of the runs, which would leave it', () => {
    const few = { ...jobVariables, OUTLOOK_PUSH_SUBSCRIPTION_RENEW_THRESHOLD_MINUTES: '10' };
    const scene = subscribed(2880, '0 0 1 1 *', { settings: { ...settings, jobVariables: few } });
    expect(triggersOf(decide(at(scene, 2870)))).toEqual([]);
    expect(triggersOf(decide(at(scene, 2871)))).toEqual(['push']);
  });

  it('and did so while the operator was away has its run as soon as it is back', () => {
    expect(triggersOf(decide(at(subscribed(2880), 3000)))).toEqual(['push']);
  });

  it('has no more runs for it once one has begun after its end', () => {
    const scene = at(withStatus(subscribed(2880), { lastAttemptAt: after(2900 * minute) }), 3000);
    expect(triggersOf(decide(scene))).toEqual([]);
  });

  it('waits for the run under way', () => {
    expect(triggersOf(decide(at(subscribed(2880, undefined, { jobs: [jobOf()] }), 2850)))).toEqual([]);
  });

  const idle: [string, Observed][] = [
    [
      'the schedule fires in time',
      withStatus(subscribed(2880, '*/5 * * * *'), { lastAttemptAt: after(2845 * minute) }),
    ],
    ['push is not enabled any more', changed(subscribed(2880), { provider: { spec: specOf() } })],
    ['there is no webhook any more', { ...subscribed(2880), settings }],
    [
      'the provider is suspended',
      changed(subscribed(2880), { provider: { spec: withPush({ suspend: true }) } }),
    ],
    ['the grant is dead', withStatus(subscribed(2880), failedStatus('ReauthorizationRequired'))],
  ];
  it.each(idle)('has no run of its own where %s', (_, scene) => {
    expect(triggersOf(decide(at(scene, 2850)))).toEqual([]);
  });
});

it('that Graph refuses a subscription makes nobody less ready', () => {
  const refused = {
    type: 'PushSubscribed',
    status: 'False' as const,
    reason: 'SubscriptionFailed',
    message: 'Graph says no',
    observedGeneration: 1,
    lastTransitionTime: after(-5000),
  };
  const scene = withStatus(subscribed(2880), { conditions: [refused] });
  expect(isIdle(decide(scene))).toBe(true);
});

const FINALIZER = 'outlooksync.dev/cleanup';
const finalizersAfter = (observed: Observed) => actionsOf(decide(observed), 'setFinalizers')[0]?.finalizers;

describe('a provider that may have a subscription', () => {
  it('is held by the finalizer while it asks for push, and until the subscription is gone', () => {
    expect(finalizersAfter(fresh({ settings: pushed, provider: { spec: withPush() } }))).toEqual([FINALIZER]);
    const on = subscribed(2880);
    expect(on.provider.finalizers).toEqual([FINALIZER]);
    const off = settle(changed(on, { provider: { spec: specOf(), generation: 2 } }));
    expect(off.provider.finalizers).toEqual([FINALIZER]);
    const { subscription: _, ...rest } = off.provider.status;
    expect(finalizersAfter(changed(off, { provider: { status: rest } }))).toEqual([]);
    expect(finalizersAfter(fresh({ provider: { spec: withPush() } }))).toBeUndefined();
  });
});

const goingFrom = (scene: Observed, parts: Parameters<typeof changed>[1] = {}): Observed =>
  changed(changed(scene, { cronJob: null, provider: { deletedAt: after(0) } }), parts);

function cleanupOf(observed: Observed): { args: readonly string[]; env: readonly Variable[] } {
  const [created] = actionsOf(decide(observed), 'createJob');
  const spec = created?.manifest['spec'] as {
    template: { spec: { containers: [{ args: readonly string[]; env: readonly Variable[] }] } };
  };
  return spec.template.spec.containers[0];
}

describe('the cleanup after a provider with a subscription', () => {
  const names = (env: readonly Variable[]): string[] => env.map(({ name }) => name);

  it('leaves rows that are to be kept, and no missing Secret keeps it from starting', () => {
    const { args, env } = cleanupOf(goingFrom(subscribed(2880)));
    expect(args).toContain('--retain');
    const references = env.map(
      ({ valueFrom }) => (valueFrom ?? {}) as { secretKeyRef?: { optional?: boolean } },
    );
    const secrets = references.flatMap((one) => one.secretKeyRef ?? []);
    expect(secrets.map(({ optional }) => optional)).toEqual([true, true, true, true, true]);
    expect(names(env)).toEqual(
      expect.arrayContaining([
        'DATABASE_URL',
        'OUTLOOK_CLIENT_ID',
        'OUTLOOK_CLIENT_SECRET',
        'OUTLOOK_TOKEN_ENCRYPTION_KEYS',
        'OUTLOOK_REFRESH_TOKEN',
        'OUTLOOK_AUTH_MODE',
        'OUTLOOK_TENANT_ID',
        'OUTLOOK_CLOUD',
        'OUTLOOK_PUSH_NOTIFICATION_URL',
      ]),
    );
    expect(names(env)).not.toContain('OUTLOOK_SYNC_MAX_MESSAGES');
  });

  it('waits for the database where rows are to go', () => {
    const spec = withPush({ deletionPolicy: 'Delete' });
    const { args, env } = cleanupOf(goingFrom(subscribed(2880), { provider: { spec } }));
    expect(args).not.toContain('--retain');
    const optional = env.filter(({ valueFrom }) =>
      JSON.stringify(valueFrom ?? null).includes('"optional":true'),
    );
    expect(names(optional)).not.toContain('DATABASE_URL');
    expect(names(optional)).toContain('OUTLOOK_REFRESH_TOKEN');
  });

  it('unsubscribes also where push was turned off and no run came since', () => {
    const off = goingFrom(subscribed(2880), { provider: { spec: specOf() } });
    expect(cleanupOf(off).args).toContain('--retain');
    expect(names(cleanupOf(off).env)).toContain('OUTLOOK_CLIENT_ID');
  });

  it('is not started where no run ever was', () => {
    const never = fresh({ settings: pushed, provider: { spec: withPush(), finalizers: [FINALIZER] } });
    const plan = decide(goingFrom(never));
    expect(plan.actions).toEqual([{ kind: 'setFinalizers', finalizers: [] }]);
    expect(plan.events).toEqual([]);
  });

  it('is not started without the Secret that it takes, and that is told', () => {
    const plan = decide(goingFrom(subscribed(2880), { jobSecret: null }));
    expect(plan.actions).toEqual([{ kind: 'setFinalizers', finalizers: [] }]);
    expect(plan.events.map(({ reason }) => reason)).toEqual(['CleanupFailed']);
  });

  it('comes after the runs', () => {
    const scene = changed(subscribed(2880), { jobs: [jobOf()], provider: { deletedAt: after(0) } });
    expect(decide(scene).actions.map(({ kind }) => kind)).toEqual(['deleteCronJob', 'deleteJob']);
    expect(decide(scene).actions[0]).toHaveProperty('name', CHILD);
  });
});
