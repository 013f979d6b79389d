// Secrets and ConfigMaps as what a container needs of them: bytes by key.
import * as z from 'zod';
import type { KubeClient } from '../../../../kube/client.ts';
import { isKubeError } from '../../../../kube/errors.ts';
import { configMaps, secrets } from '../../../../kube/resource.ts';

export type MapKind = 'Secret' | 'ConfigMap';
export type ObjectMap = ReadonlyMap<string, Buffer>;
/** Reads one object of a namespace; undefined when there is none. */
export type ReadMap = (kind: MapKind, namespace: string, name: string) => Promise<ObjectMap | undefined>;

const content = z.object({
  data: z.record(z.string(), z.string()).default({}),
  binaryData: z.record(z.string(), z.string()).default({}),
});

export function mapReader(client: KubeClient): ReadMap {
  return async (kind, namespace, name) => {
    try {
      const object = await client.get(kind === 'Secret' ? secrets : configMaps, { namespace, name });
      const { data, binaryData } = content.parse(object);
      const dataEncoding = kind === 'Secret' ? 'base64' : 'utf8';
      return new Map([
        ...Object.entries(data).map(([key, text]) => [key, Buffer.from(text, dataEncoding)] as const),
        ...Object.entries(binaryData).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const),
      ]);
    } catch (error) {
      if (isKubeError(error, 'notFound')) return undefined;
      throw error;
    }
  };
}

/** Why a container cannot start yet; the node tries again, as the kubelet does. */
export class NotYet extends Error {
  /** As a container's waiting state has it. */
  readonly reason: 'CreateContainerConfigError' | 'ContainerCreating';

  constructor(reason: NotYet['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}
