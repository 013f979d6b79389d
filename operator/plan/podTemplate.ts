import { jobContainer } from '../../api/jobEnvironment.ts';
import type { ProviderSpec } from '../../api/providerSpec.ts';
import type { Trigger } from '../../api/resource.ts';
import { childLabels, runAnnotations } from './childMetadata.ts';
import { jobVariables, literal, TERMINATION_LOG } from './jobVariables.ts';
import type { Observed } from './observed.ts';

/** The pod of a run: what Kubernetes' restricted profile asks for, and no more. */

export interface RunOfJob {
  /** Null for the cleanup. */
  readonly trigger: Trigger | null;
  readonly args: readonly string[];
  /** Seconds after which the Job is ended from outside. */
  readonly deadlineSeconds: number;
}

const NOBODY = 65_532;

function container(observed: Observed, spec: ProviderSpec, run: RunOfJob): Record<string, unknown> {
  const { image, imagePullPolicy, command, resources } = observed.settings;
  return {
    name: jobContainer,
    image,
    imagePullPolicy,
    command: [...command],
    args: run.args.map(literal),
    env: jobVariables(observed, spec, run),
    resources: spec.podTemplate?.resources ?? resources,
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
    },
    terminationMessagePath: TERMINATION_LOG,
    // The other policy would put the end of the log into the pod's status.
    terminationMessagePolicy: 'File',
  };
}

function placement(spec: ProviderSpec): Record<string, unknown> {
  const { nodeSelector, tolerations, affinity, priorityClassName } = spec.podTemplate ?? {};
  return {
    ...(nodeSelector !== undefined && { nodeSelector }),
    ...(tolerations !== undefined && { tolerations }),
    ...(affinity !== undefined && { affinity }),
    ...(priorityClassName !== undefined && { priorityClassName }),
  };
}

export function podTemplate(observed: Observed, spec: ProviderSpec, run: RunOfJob): Record<string, unknown> {
  return {
    metadata: {
      labels: childLabels(observed.provider, run.trigger ?? undefined),
      annotations: { ...spec.podTemplate?.annotations, ...runAnnotations(observed) },
    },
    spec: {
      restartPolicy: 'Never',
      serviceAccountName: observed.settings.jobServiceAccount,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 30,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: NOBODY,
        runAsGroup: NOBODY,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      ...placement(spec),
      containers: [container(observed, spec, run)],
    },
  };
}
