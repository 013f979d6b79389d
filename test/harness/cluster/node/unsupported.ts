// What a process on this host cannot be, so that a Pod is refused loudly rather than run as something else. Pure.
import type { Container, Pod, Volume } from './podSpec.ts';
import { parseQuantity } from './quantity.ts';

const VOLUMES = ['emptyDir', 'secret', 'configMap', 'downwardAPI', 'projected'];

/** Why the process node does not run this Pod; undefined when it does. */
export function unsupportedReason({ spec }: Pod): string | undefined {
  const reasons = [
    ...(spec.initContainers.length > 0 ? ['init containers'] : []),
    ...spec.volumes.flatMap(volumeReasons),
    ...spec.containers.flatMap(containerReasons),
  ];
  return reasons.length === 0 ? undefined : `The process node does not support: ${reasons.join('; ')}`;
}

function volumeReasons(volume: Volume): string[] {
  const [kind = 'no source'] = Object.keys(volume).filter((key) => key !== 'name');
  return VOLUMES.includes(kind) ? [] : [`volume ${volume.name} (${kind})`];
}

function containerReasons(container: Container): string[] {
  const { name, securityContext, lifecycle, env } = container;
  const probes = [container.startupProbe, container.readinessProbe, container.livenessProbe];
  const memory = container.resources.limits['memory'];
  return [
    ...(securityContext?.privileged === true ? [`privileged container ${name}`] : []),
    ...(lifecycle === undefined ? [] : [`lifecycle hooks of container ${name}`]),
    ...(probes.some((probe) => probe !== undefined && probe.httpGet === undefined)
      ? [`probes of container ${name} other than httpGet`]
      : []),
    ...env
      .filter(({ valueFrom }) => (valueFrom?.resourceFieldRef ?? valueFrom?.fileKeyRef) !== undefined)
      .map((one) => `source of the variable ${one.name} of container ${name}`),
    ...(memory !== undefined && parseQuantity(memory) === undefined ? [`memory limit ${memory}`] : []),
  ];
}
