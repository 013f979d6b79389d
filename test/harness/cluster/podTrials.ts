// What tests of the process node do with single Pods, by kubectl, in a namespace of their own.
import type { Cluster } from './cluster.ts';

export interface TerminatedState {
  readonly exitCode: number;
  readonly reason: string;
  readonly message?: string;
}

interface ObservedContainer {
  readonly ready: boolean;
  readonly restartCount: number;
  readonly state: {
    readonly terminated?: TerminatedState;
    readonly waiting?: { readonly reason: string; readonly message?: string };
  };
  readonly lastState: { readonly terminated?: TerminatedState };
}

export interface ObservedStatus {
  readonly phase: string;
  readonly reason?: string;
  readonly message?: string;
  readonly containerStatuses?: readonly ObservedContainer[];
}

export interface PodTrials {
  readonly namespace: string;
  /** In the namespace; resolves to stdout, rejects with stderr for an exit code other than 0. */
  readonly kubectl: (args: readonly string[], input?: object) => Promise<string>;
  readonly create: (kind: string, name: string, content: object) => Promise<void>;
  /** Creates a Pod with a container `main` of TRIAL_IMAGE that is not restarted, and resolves to its name. */
  readonly createPod: (container: object, spec?: object, metadata?: object) => Promise<string>;
  /** Waits until the JSONPath, written as `{.path}=value`, holds for the Pod; half a minute at most. */
  readonly until: (pod: string, jsonPath: string) => Promise<ObservedStatus>;
  readonly phase: (pod: string, phase: string) => Promise<ObservedStatus>;
}

export const TRIAL_IMAGE = 'trial:1';

/** A container that runs this text by sh. */
export function script(text: string): { readonly command: readonly string[] } {
  return { command: ['/bin/sh', '-c', text] };
}

/** How the first container ended. */
export function endOf(status: ObservedStatus): TerminatedState | undefined {
  return status.containerStatuses?.[0]?.state.terminated;
}

/** Creates the namespace and waits until Pods can be created in it. */
export async function startTrials(cluster: Cluster, namespace: string): Promise<PodTrials> {
  const kubectl: PodTrials['kubectl'] = async (args, input) => {
    const options = input === undefined ? {} : { input: JSON.stringify(input) };
    const { code, stdout, stderr } = await cluster.kubectl(['-n', namespace, ...args], options);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  };
  const create = async (kind: string, name: string, content: object): Promise<void> => {
    await kubectl(['create', '-f', '-'], { apiVersion: 'v1', kind, metadata: { name }, ...content });
  };
  const until: PodTrials['until'] = async (pod, jsonPath) => {
    await kubectl(['wait', `pod/${pod}`, `--for=jsonpath=${jsonPath}`, '--timeout=30s']);
    const object: unknown = JSON.parse(await kubectl(['get', 'pod', pod, '-o', 'json']));
    return (object as { status: ObservedStatus }).status;
  };
  let count = 0;
  await kubectl(['create', 'namespace', namespace]);
  await kubectl(['wait', '--for=create', 'serviceaccount/default', '--timeout=30s']);
  return {
    namespace,
    kubectl,
    create,
    createPod: async (container, spec = {}, metadata = {}) => {
      count += 1;
      const name = `pod-${count}`;
      const containers = [{ name: 'main', image: TRIAL_IMAGE, ...container }];
      await create('Pod', name, {
        metadata: { name, ...metadata },
        spec: { restartPolicy: 'Never', containers, ...spec },
      });
      return name;
    },
    until,
    phase: (pod, phase) => until(pod, `{.status.phase}=${phase}`),
  };
}
