import { exitCodes } from '../../api/exitCodes.ts';
import { jobContainer } from '../../api/jobEnvironment.ts';
import type { ProviderSpec } from '../../api/providerSpec.ts';
import type { Trigger } from '../../api/resource.ts';
import { childLabels, ownedBy, runAnnotations } from './childMetadata.ts';
import type { Observed, ObservedJob } from './observed.ts';
import type { Manifest } from './plan.ts';
import { podTemplate, type RunOfJob } from './podTemplate.ts';

/** The Jobs that the operator starts itself, and the part that they share with those of the CronJob. */

/** A run that had its say is not repeated at once; one that died without a word is, once. */
const podFailurePolicy = {
  rules: [
    { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
    {
      action: 'FailJob',
      onExitCodes: {
        containerName: jobContainer,
        operator: 'In',
        values: Object.values(exitCodes)
          .filter((code) => code !== exitCodes.ok)
          .sort((a, b) => a - b),
      },
    },
  ],
};

export function jobSpec(observed: Observed, spec: ProviderSpec, run: RunOfJob): Record<string, unknown> {
  return {
    backoffLimit: 1,
    activeDeadlineSeconds: run.deadlineSeconds,
    ttlSecondsAfterFinished: observed.settings.ttlSecondsAfterFinished,
    podFailurePolicy,
    template: podTemplate(observed, spec, run),
  };
}

function rowId({ provider }: Observed, spec: ProviderSpec): string {
  return spec.providerId ?? provider.uid;
}

export function syncRun(observed: Observed, spec: ProviderSpec, trigger: Trigger): RunOfJob {
  const { emailAddress, userPrincipalName, owner } = spec;
  const args = [
    'sync',
    `--email=${emailAddress}`,
    `--user-id=${owner.userId}`,
    ...(owner.workspaceId === undefined ? [] : [`--workspace-id=${owner.workspaceId}`]),
    `--provider-id=${rowId(observed, spec)}`,
    ...(userPrincipalName === undefined ? [] : [`--user-principal-name=${userPrincipalName}`]),
  ];
  return { trigger, args, deadlineSeconds: observed.settings.activeDeadlineSeconds };
}

export function syncJob(
  observed: Observed,
  spec: ProviderSpec,
  job: { name: string; trigger: Trigger },
): Manifest {
  return manifest(observed, job.name, {
    blocks: true,
    trigger: job.trigger,
    spec: jobSpec(observed, spec, syncRun(observed, spec, job.trigger)),
  });
}

/** Takes back what outlives the cluster's own garbage collection, before the provider goes. */
export function cleanupJob(observed: Observed, spec: ProviderSpec, name: string): Manifest {
  const { activeDeadlineSeconds, cleanupTimeoutMs } = observed.settings;
  const args = [
    'cleanup',
    `--provider-id=${rowId(observed, spec)}`,
    `--email=${spec.emailAddress}`,
    `--user-id=${spec.owner.userId}`,
    ...(spec.deletionPolicy === 'Retain' ? ['--retain'] : []),
  ];
  const patience = Math.max(1, Math.floor(cleanupTimeoutMs / 1000));
  const deadlineSeconds = Math.min(activeDeadlineSeconds, patience);
  return manifest(observed, name, {
    blocks: false,
    trigger: undefined,
    spec: jobSpec(observed, spec, { trigger: null, args, deadlineSeconds }),
  });
}

function manifest(
  observed: Observed,
  name: string,
  { blocks, trigger, spec }: { blocks: boolean; trigger: Trigger | undefined; spec: Record<string, unknown> },
): Manifest {
  const { provider } = observed;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      namespace: provider.namespace,
      labels: childLabels(provider, trigger),
      annotations: runAnnotations(observed),
      ownerReferences: ownedBy(provider, blocks),
    },
    spec,
  };
}

export const isSync = (job: ObservedJob): boolean => job.trigger !== null;

/** One that is being deleted still runs until it is gone. */
export const isActiveSync = (job: ObservedJob): boolean => isSync(job) && job.phase === 'active';
