// The run's shared control plane, as a test file gets it.
import { get } from 'node:http';
import { text } from 'node:stream/consumers';
import { inject } from 'vitest';
import { type Cluster, kubectlOf } from './cluster.ts';
import type { SharedAccess, SharedAnswer } from './sharedServer.ts';

/** Not to be disturbed: other files use it at the same time, each in namespaces of its own. */
export interface SharedControlPlane extends Cluster, Omit<SharedAccess, 'error'> {}

/**
 * How long a hook that calls sharedControlPlane() may take: `beforeAll(..., SHARED_START_TIMEOUT_MS)`. Once on a
 * machine the programs may have to be built first.
 */
export const SHARED_START_TIMEOUT_MS = 1_800_000;

/** Starts it if this is the run's first call. Rejects with the reason when there can be none. */
export async function sharedControlPlane(): Promise<SharedControlPlane> {
  const answer = await ask(inject('sharedControlPlane'));
  if (answer.error !== undefined) throw new Error(answer.error);
  return {
    ...answer,
    kubectl: kubectlOf(answer.kubectlFile, answer.kubeconfig),
    runsPods: 'process-node',
  };
}

/** Waits as long as it takes, which fetch() would not. */
async function ask(url: string): Promise<SharedAnswer> {
  const body = await new Promise<string>((done, fail) => {
    get(url, { agent: false }, (response) => {
      text(response).then(done, fail);
    }).on('error', fail);
  });
  return JSON.parse(body) as SharedAnswer;
}
