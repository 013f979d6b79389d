// A Pod's volumes as folders of this host: empty ones, and those with the content of objects and tokens.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { KubeClient } from '../../../../kube/client.ts';
import { isKubeError } from '../../../../kube/errors.ts';
import { type MapKind, NotYet, type ReadMap, mapReader } from './objectMaps.ts';
import { podField } from './podFields.ts';
import type { KeyItems, Pod, Projection, Volume } from './podSpec.ts';
import { requestToken } from './serviceAccountToken.ts';

interface VolumeWork {
  readonly client: KubeClient;
  readonly read: ReadMap;
  readonly pod: Pod;
  /** Ends what keeps tokens fresh. */
  readonly signal: AbortSignal;
}

interface NamedMap {
  readonly kind: MapKind;
  readonly name: string;
  readonly items?: KeyItems;
  readonly optional: boolean;
}

const TOKEN_RETRY_MS = 10_000;

/**
 * Fills a folder below `parent` for each volume and resolves to these folders by the volumes' names. Tokens are
 * replaced before they expire, until `signal` is aborted.
 * @throws NotYet (ContainerCreating) when an object is missing that is not optional
 */
export async function fillVolumes(
  parent: string,
  { client, pod, signal }: Omit<VolumeWork, 'read'>,
): Promise<ReadonlyMap<string, string>> {
  const work = { client, pod, signal, read: mapReader(client) };
  const folders = new Map<string, string>();
  for (const volume of pod.spec.volumes) {
    const folder = join(parent, volume.name);
    await mkdir(folder, { recursive: true });
    await fill(folder, volume, work);
    folders.set(volume.name, folder);
  }
  return folders;
}

async function fill(folder: string, volume: Volume, work: VolumeWork): Promise<void> {
  const { secret, configMap, downwardAPI, projected } = volume;
  if (secret !== undefined) {
    await writeMap(folder, { ...secret, kind: 'Secret', name: secret.secretName }, work);
  }
  if (configMap !== undefined) await writeMap(folder, { ...configMap, kind: 'ConfigMap' }, work);
  if (downwardAPI !== undefined) await project(folder, { downwardAPI }, work);
  for (const source of projected?.sources ?? []) await project(folder, source, work);
}

async function project(folder: string, source: Projection, work: VolumeWork): Promise<void> {
  const { serviceAccountToken, configMap, secret, downwardAPI } = source;
  if (serviceAccountToken !== undefined) await writeToken(folder, serviceAccountToken, work);
  if (configMap !== undefined) await writeMap(folder, { ...configMap, kind: 'ConfigMap' }, work);
  if (secret !== undefined) await writeMap(folder, { ...secret, kind: 'Secret' }, work);
  for (const { path, fieldRef } of downwardAPI?.items ?? []) {
    await writeWhole(join(folder, path), podField(work.pod, fieldRef?.fieldPath ?? '') ?? '');
  }
}

async function writeMap(folder: string, wanted: NamedMap, { read, pod }: VolumeWork): Promise<void> {
  const { kind, name, items, optional } = wanted;
  const map = await read(kind, pod.metadata.namespace, name);
  if (map === undefined && !optional) {
    throw new NotYet('ContainerCreating', `${kind.toLowerCase()} "${name}" not found`);
  }
  const paths = items ?? [...(map ?? new Map<string, Buffer>()).keys()].map((key) => ({ key, path: key }));
  for (const { key, path } of paths) {
    const value = map?.get(key);
    if (value !== undefined) await writeWhole(join(folder, path), value);
    else if (!optional) throw new NotYet('ContainerCreating', `${kind} "${name}" has no key "${key}"`);
  }
}

async function writeToken(
  folder: string,
  wanted: NonNullable<Projection['serviceAccountToken']>,
  { client, pod, signal }: VolumeWork,
): Promise<void> {
  const file = join(folder, wanted.path);
  const write = async (): Promise<number> => {
    const { token, refreshMs } = await requestToken(client, pod, wanted);
    await writeWhole(file, token);
    return refreshMs;
  };
  let timer: NodeJS.Timeout | undefined;
  const refreshIn = (ms: number): void => {
    if (signal.aborted) return;
    timer = setTimeout(() => {
      void write()
        .catch(() => TOKEN_RETRY_MS)
        .then(refreshIn);
    }, ms).unref();
  };
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  try {
    refreshIn(await write());
  } catch (error) {
    if (!isKubeError(error)) throw error;
    throw new NotYet('ContainerCreating', error.message);
  }
}

/** A reader sees the old content or the new one. */
async function writeWhole(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.partial`, content, { mode: 0o600 });
  await rename(`${path}.partial`, path);
}
