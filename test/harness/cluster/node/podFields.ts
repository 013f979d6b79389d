// What a Pod tells its containers about itself (the downward API). Pure.
import type { Pod } from './podSpec.ts';

export const POD_IP = '127.0.0.1';

/** The value of a field as `metadata.labels['a']` names it; undefined for one that the process node does not know. */
export function podField(pod: Pod, path: string): string | undefined {
  const [, map, key = ''] = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path) ?? [];
  if (map === 'labels') return pod.metadata.labels[key] ?? '';
  if (map === 'annotations') return pod.metadata.annotations[key] ?? '';
  const fields: Partial<Record<string, string>> = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace,
    'metadata.uid': pod.metadata.uid,
    'metadata.labels': lines(pod.metadata.labels),
    'metadata.annotations': lines(pod.metadata.annotations),
    'spec.nodeName': pod.spec.nodeName ?? '',
    'spec.serviceAccountName': pod.spec.serviceAccountName,
    'status.podIP': POD_IP,
    'status.podIPs': POD_IP,
    'status.hostIP': POD_IP,
    'status.hostIPs': POD_IP,
  };
  return fields[path];
}

function lines(map: Readonly<Record<string, string>>): string {
  return Object.entries(map)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .sort()
    .join('\n');
}
