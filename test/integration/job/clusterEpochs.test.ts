// Holders of one Kubernetes Lease and the lease in Postgres: the younger does not wait for the elder, the elder gets
// nothing any more, and nobody else loses anything by it.
import { randomUUID } from 'node:crypto';
import type { DatabasePool } from 'slonik';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  acquireLease,
  askForPass,
  fenced,
  type KubernetesFence,
  type Lease,
  releaseLease,
  renewLease,
} from '../../../job/store/lease.ts';
import { openPool } from '../../../job/store/pool.ts';
import { resolveProvider } from '../../../job/store/provider.ts';
import { openScene, type Scene } from './scene.ts';

let scene: Scene;
let pool: DatabasePool;
let providerId: string;
beforeAll(async () => {
  scene = await openScene();
  pool = await openPool({ databaseUrl: scene.database.url });
});
beforeEach(async () => {
  const claim = { email: 'a@b.example', userId: randomUUID(), workspaceId: null, providerId: null };
  ({ id: providerId } = await resolveProvider(pool, claim));
});
afterAll(async () => {
  await pool.end();
  await scene.close();
});

async function acquire(holder: string, kubernetes?: KubernetesFence): Promise<Lease | string> {
  const taken = await acquireLease(pool, {
    providerId,
    holder,
    seconds: 600,
    ...(kubernetes && { kubernetes }),
  });
  return taken.acquired ? taken.lease : taken.holder;
}

async function acquired(holder: string, kubernetes?: KubernetesFence): Promise<Lease> {
  const lease = await acquire(holder, kubernetes);
  if (typeof lease === 'string') throw new Error(`${lease} holds it`);
  return lease;
}

const give = (lease: Lease): Promise<unknown> =>
  fenced(pool, lease, (transaction) => releaseLease(transaction, lease, true));

const lost = { code: 'LeaseLost' };
const one = { uid: 'one' };

describe('of one Lease', () => {
  it('a younger holder follows at once, and the elder is fenced', async () => {
    const elder = await acquired('elder', { ...one, epoch: 1 });
    const younger = await acquired('younger', { ...one, epoch: 3 });
    await expect(fenced(pool, elder, () => Promise.resolve())).rejects.toMatchObject(lost);
    await expect(renewLease(pool, elder)).rejects.toMatchObject(lost);
    await fenced(pool, younger, () => Promise.resolve());
  });

  it('an elder one is refused, whether the lease is held or free', async () => {
    const younger = await acquired('younger', { ...one, epoch: 2 });
    await expect(acquire('elder', { ...one, epoch: 1 })).rejects.toMatchObject(lost);
    await fenced(pool, younger, () => Promise.resolve());
    await give(younger);
    await expect(acquire('elder', { ...one, epoch: 1 })).rejects.toMatchObject(lost);
  });

  it('the same one may ask again: it may not know that it was given the lease', async () => {
    await acquired('same', { ...one, epoch: 2 });
    await acquired('same', { ...one, epoch: 2 });
  });

  it('a younger one waits for a run that Kubernetes knows nothing of', async () => {
    await give(await acquired('elder', { ...one, epoch: 1 }));
    await acquired('alone');
    expect(await acquire('younger', { ...one, epoch: 2 })).toBe('alone');
  });

  it('a younger one waits for another program', async () => {
    await acquired('elder', { ...one, epoch: 1 });
    await scene.database.query(
      `UPDATE email_providers SET "syncLeaseExpiresAt" = timezone('UTC', now()) + interval '1 hour' WHERE "id" = $1`,
      [providerId],
    );
    expect(await acquire('younger', { ...one, epoch: 2 })).toBe('another program');
  });
});

it('a Lease that was made anew starts from where Postgres stands', async () => {
  const before = await acquired('before', { ...one, epoch: 7 });
  expect(await acquire('anew', { uid: 'two', epoch: 1 })).toBe('before');
  await give(before);
  await acquired('anew', { uid: 'two', epoch: 1 });
});

it('only a holder can be asked for one more pass', async () => {
  expect(await askForPass(pool, providerId)).toBeNull();
  const lease = await acquired('holder', { ...one, epoch: 1 });
  expect(await askForPass(pool, providerId)).toBe('holder');
  const again = await fenced(pool, lease, (transaction) => releaseLease(transaction, lease, false));
  expect(again).toBe(true);
});

it('what else guards a lease is asked before anything is written', async () => {
  let held = true;
  const request = { providerId, holder: 'guarded', seconds: 600, isGuarded: () => held };
  const taken = await acquireLease(pool, request);
  if (!taken.acquired) throw new Error('It was free');
  await fenced(pool, taken.lease, () => Promise.resolve());
  held = false;
  await expect(fenced(pool, taken.lease, () => Promise.resolve())).rejects.toMatchObject(lost);
  await expect(renewLease(pool, taken.lease)).rejects.toMatchObject(lost);
  await expect(acquireLease(pool, request)).rejects.toMatchObject(lost);
});

it('a lease that is renewed all the time is never taken for lost', async () => {
  const lease = await acquired('busy', { ...one, epoch: 1 });
  const done = new AbortController();
  const renewing = (async () => {
    while (!done.signal.aborted) await renewLease(pool, lease);
  })();
  for (let writes = 0; writes < 300; writes += 1) await fenced(pool, lease, () => Promise.resolve());
  done.abort();
  await renewing;
});
