// The table of `kubectl get outlookproviders --watch`, and the wait for what it is to say in the end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { providerStatus, type ProviderStatus, readStatus } from '../../api/providerStatus.ts';
import * as z from 'zod';
import type { Screen } from '../screen.ts';
import { succeed } from './succeed.ts';
import { type ClusterWorld, TEAM } from './world.ts';

const LIMIT_MS = 180_000;
const POLL_MS = 300;

export interface Standing extends ProviderStatus {
  readonly name: string;
  readonly generation: number;
}

const listed = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), generation: z.number() }),
      status: z.unknown().optional(),
    }),
  ),
});

async function standings(world: ClusterWorld): Promise<Standing[]> {
  const text = await succeed(world.plane, ['get', 'outlookproviders', '-n', TEAM, '-o', 'json']);
  return listed.parse(JSON.parse(text)).items.map(({ metadata, status }) => ({
    ...providerStatus.parse(readStatus(status)),
    ...metadata,
  }));
}

/** Resolves when `holds`; rejects with what was waited for after three minutes, or when `signal` aborts. */
export async function until(
  { world, signal }: { world: ClusterWorld; signal: AbortSignal },
  what: string,
  holds: (all: readonly Standing[]) => boolean,
): Promise<readonly Standing[]> {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    signal.throwIfAborted();
    const all = await standings(world);
    if (holds(all)) return all;
    if (performance.now() > deadline) {
      const now = all.map(
        ({ name, phase, lastSyncError }) => `${name} ${phase ?? ''} ${lastSyncError ?? ''}`,
      );
      throw new Error(`Still not after ${LIMIT_MS / 1000} s: ${what}. ${now.join('; ')}`);
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

export const condition = (one: Standing | undefined, type: string): string | undefined =>
  one?.conditions?.find((each) => each.type === type)?.status;

/** Shows each row of the table as it changes, while `work` goes on. */
export async function watching<T>(world: ClusterWorld, screen: Screen, work: () => Promise<T>): Promise<T> {
  const args = ['get', 'outlookproviders', '-n', TEAM, '--watch'];
  screen.command(`kubectl ${args.join(' ')}`);
  const { kubectlFile, kubeconfig } = world.plane;
  const child = spawn(kubectlFile, [`--kubeconfig=${kubeconfig}`, ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const last = new Map<string, string>();
  const closed = once(child, 'close');
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [name = ''] = line.split(' ', 1);
    // A row whose ages alone have moved on is no news.
    const news = line.replaceAll(/\b\d+[smh]\w*/g, '').replaceAll(/ +/g, ' ');
    if (last.get(name) !== news) screen.line(`  ${line}`);
    last.set(name, news);
  });
  try {
    return await work();
  } finally {
    child.kill();
    await closed;
  }
}
