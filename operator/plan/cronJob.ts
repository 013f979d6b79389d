import { createHash } from 'node:crypto';
import type { ProviderSpec } from '../../api/providerSpec.ts';
import { group } from '../../api/resource.ts';
import { childAnnotations, childLabels, ownedBy, runAnnotations } from './childMetadata.ts';
import { covers } from './coverage.ts';
import { jobSpec, syncRun } from './job.ts';
import { childName } from './names.ts';
import type { Observed, ObservedCronJob } from './observed.ts';
import type { Manifest } from './plan.ts';
import { firingOf } from './schedule.ts';

/** The CronJob of a provider, for server-side apply: all fields that are ours, always. */

/** Of all that was wanted when it was applied last: tells of a field that is wanted no more. */
const manifestHash = `${group}/manifest-hash`;

/** A start that is later than this is given up: the next one is near, and more than a hundred missed ones stop all. */
const STARTING_DEADLINE_SECONDS = 200;

export function cronJobManifest(observed: Observed, spec: ProviderSpec, suspend: boolean): Manifest {
  const { provider } = observed;
  const { schedule, timeZone } = firingOf(provider, spec);
  const labels = childLabels(provider);
  const cronJobSpec = {
    schedule,
    timeZone,
    concurrencyPolicy: 'Forbid',
    startingDeadlineSeconds: STARTING_DEADLINE_SECONDS,
    successfulJobsHistoryLimit: 1,
    failedJobsHistoryLimit: 2,
    suspend,
    jobTemplate: {
      metadata: { labels: childLabels(provider, 'schedule'), annotations: runAnnotations(observed) },
      spec: jobSpec(observed, spec, syncRun(observed, spec, 'schedule')),
    },
  };
  const hash = createHash('sha256').update(JSON.stringify([labels, cronJobSpec]));
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: {
      name: childName(provider.name),
      namespace: provider.namespace,
      labels,
      annotations: { ...childAnnotations(provider), [manifestHash]: hash.digest('hex').slice(0, 32) },
      ownerReferences: ownedBy(provider, true),
    },
    spec: cronJobSpec,
  };
}

/** Whether the CronJob lacks anything of what is wanted, an owner included. */
export function needsApply(manifest: Manifest, cronJob: ObservedCronJob | null): boolean {
  if (cronJob === null) return true;
  const { controllerUid } = cronJob;
  if (controllerUid === null) return true;
  const { labels, annotations } = manifest.metadata;
  return !(
    covers(cronJob.labels, labels) &&
    covers(cronJob.annotations, annotations) &&
    covers(JSON.parse(cronJob.specJson), manifest['spec'])
  );
}
