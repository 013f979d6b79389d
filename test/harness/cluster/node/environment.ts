// The variables of a container, from all sources that a Pod may name, in the kubelet's order and with its words.
import { type MapKind, NotYet, type ObjectMap, type ReadMap } from './objectMaps.ts';
import { expand } from './expansion.ts';
import { podField } from './podFields.ts';
import type { Container, Pod } from './podSpec.ts';

type Variables = Partial<Record<string, string>>;
type EnvVar = Container['env'][number];
type MapSource = Container['envFrom'][number];

/** @throws NotYet (CreateContainerConfigError) when a Secret, ConfigMap or key is missing that is not optional */
export async function resolveEnvironment(pod: Pod, container: Container, read: ReadMap): Promise<Variables> {
  const resolved: Variables = {};
  for (const source of container.envFrom) Object.assign(resolved, await fromMap(pod, source, read));
  for (const variable of container.env) {
    const value = await valueOf(pod, variable, read, resolved);
    if (value !== undefined) resolved[variable.name] = value;
  }
  return resolved;
}

async function fromMap(pod: Pod, source: MapSource, read: ReadMap): Promise<Variables> {
  const [kind, ref] =
    source.secretRef === undefined
      ? (['ConfigMap', source.configMapRef] as const)
      : (['Secret', source.secretRef] as const);
  if (ref === undefined) return {};
  const map = required(await read(kind, pod.metadata.namespace, ref.name), kind, ref);
  const entries = [...(map ?? [])].map(([key, value]) => [`${source.prefix}${key}`, value.toString('utf8')]);
  return Object.fromEntries(entries) as Variables;
}

async function valueOf(
  pod: Pod,
  { value, valueFrom }: EnvVar,
  read: ReadMap,
  before: Variables,
): Promise<string | undefined> {
  if (valueFrom === undefined) return expand(value, before);
  if (valueFrom.secretKeyRef !== undefined) return fromKey(pod, 'Secret', valueFrom.secretKeyRef, read);
  if (valueFrom.configMapKeyRef !== undefined)
    return fromKey(pod, 'ConfigMap', valueFrom.configMapKeyRef, read);
  const path = valueFrom.fieldRef?.fieldPath ?? '';
  const field = podField(pod, path);
  if (field === undefined) throw new NotYet('CreateContainerConfigError', `unsupported fieldPath: ${path}`);
  return field;
}

async function fromKey(
  pod: Pod,
  kind: MapKind,
  ref: { readonly name: string; readonly key: string; readonly optional: boolean },
  read: ReadMap,
): Promise<string | undefined> {
  const { namespace } = pod.metadata;
  const value = required(await read(kind, namespace, ref.name), kind, ref)?.get(ref.key);
  if (value !== undefined || ref.optional) return value?.toString('utf8');
  throw new NotYet(
    'CreateContainerConfigError',
    `couldn't find key ${ref.key} in ${kind} ${namespace}/${ref.name}`,
  );
}

function required(
  map: ObjectMap | undefined,
  kind: MapKind,
  { name, optional }: { readonly name: string; readonly optional: boolean },
): ObjectMap | undefined {
  if (map !== undefined || optional) return map;
  throw new NotYet('CreateContainerConfigError', `${kind.toLowerCase()} "${name}" not found`);
}
