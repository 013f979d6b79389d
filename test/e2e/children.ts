// What there is of one provider in the API server, found by what the operator writes on all that it makes.
import { annotations } from '../../api/resource.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { Resource } from '../../kube/resource.ts';
import { type CronJob, type Job, type Lease, type Pod, cronJobs, jobs, leases, ours, pods } from './kinds.ts';
import type { Owner } from './owner.ts';
import type { Stage } from './stage.ts';

export interface Children {
  readonly cronJobs: readonly CronJob[];
  readonly leases: readonly Lease[];
  /** In the order of their creation. */
  readonly jobs: readonly Job[];
  readonly pods: readonly Pod[];
}

type Named = Pick<Owner, 'name' | 'namespace'>;

export async function childrenOf(stage: Stage, owner: Named): Promise<Children> {
  const of = async <T extends KubeObject>(resource: Resource<T>): Promise<readonly T[]> => {
    const { items } = await stage.client.list(resource, { namespace: owner.namespace, labelSelector: ours });
    return items.filter((item) => isOf(owner, item)).sort(byAge);
  };
  const [made, held, started, ran] = await Promise.all([of(cronJobs), of(leases), of(jobs), of(pods)]);
  return { cronJobs: made, leases: held, jobs: started, pods: ran };
}

export function isOf({ name }: Pick<Owner, 'name'>, object: KubeObject): boolean {
  return object.metadata.annotations?.[annotations.provider] === name;
}

/** Resolves when nothing of the provider is left, itself included. */
export async function seeGone(stage: Stage, owner: Named, resources: readonly Resource[]): Promise<void> {
  for (const resource of resources) {
    await stage.see(resource, {
      what: `no ${resource.kind} of ${owner.name}`,
      namespace: owner.namespace,
      find: (seen) => {
        const left = [...seen.values()].some((one) => one.metadata.name === owner.name || isOf(owner, one));
        return left ? undefined : true;
      },
    });
  }
}

const byAge = (a: KubeObject, b: KubeObject): number =>
  (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '') ||
  a.metadata.name.localeCompare(b.metadata.name);
