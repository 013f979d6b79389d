// Several operators, of which one works: who leads, how that passes on, and that no two ever write.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SHARED_START_TIMEOUT_MS } from '../harness/cluster/shared.ts';
import { LEADER_LEASE, OPERATOR } from './access.ts';
import { type Lease, leases } from './kinds.ts';
import type { OperatorProcess } from './operatorProcess.ts';
import { standing } from './owner.ts';
import { type Stage, openStage } from './stage.ts';

const LEASE_SECONDS = 5;
const HANDOVER_MS = 2_000;

let stage: Stage;

beforeAll(async () => {
  stage = await openStage('leadership');
}, SHARED_START_TIMEOUT_MS);

afterAll(() => stage.close());

function start(identity: string): Promise<OperatorProcess> {
  const variables = {
    OUTLOOK_OPERATOR_LEASE_DURATION_SECONDS: String(LEASE_SECONDS),
    OUTLOOK_OPERATOR_LEASE_RENEW_SECONDS: String(LEASE_SECONDS - 2),
  };
  return stage.startOperator({ identity, variables });
}

/** Resolves to the Lease as soon as the operator holds it. */
function seeHeldBy({ identity }: OperatorProcess): Promise<Lease> {
  return stage.see(leases, {
    what: `the Lease held by ${identity}`,
    find: (seen) => {
      const lease = seen.get(LEADER_LEASE);
      return lease?.spec?.holderIdentity?.includes(identity) === true ? lease : undefined;
    },
  });
}

const acquiredAt = (lease: Lease): number => Date.parse(lease.spec?.acquireTime ?? '');

/** A provider that is to be worked on: suspended, so that only the operator has anything to do. */
async function work(): Promise<void> {
  const owner = await stage.addOwner({ messages: 0 });
  await stage.applyProvider(owner, { suspend: true });
  await stage.seeProvider(owner, 'acted on', (one) => standing(one, 'Scheduled') !== '');
}

/** By the audit log: which operators wrote, in the order of their writes; each run of writes once. */
async function writers(): Promise<string[]> {
  const writes = await stage.site.audit();
  const agents = writes
    .filter(
      ({ namespace, user, resource, code }) =>
        namespace === stage.namespace && user.endsWith(`:${OPERATOR}`) && resource !== 'leases' && code < 300,
    )
    .sort((a, b) => a.receivedAt.localeCompare(b.receivedAt))
    .map(({ userAgent }) => /operator-[a-z](?=_)/.exec(userAgent)?.[0] ?? userAgent);
  return agents.filter((agent, index) => agent !== agents[index - 1]);
}

test('one leads, the next takes over at once from one that ends, and in time from one that dies', async () => {
  const first = await start('operator-a');
  await first.leads();
  const second = await start('operator-b');
  await second.isStandingBy();
  await work();

  const endedAt = Date.now();
  const [code, handed] = await Promise.all([first.kill('SIGTERM'), seeHeldBy(second)]);
  expect(code).toBe(0);
  expect(acquiredAt(handed) - endedAt, 'handed over, not expired').toBeLessThan(HANDOVER_MS);
  await work();

  const third = await start('operator-c');
  await third.isStandingBy();
  const killedAt = Date.now();
  await second.kill('SIGKILL');
  const taken = await seeHeldBy(third);
  // The third may have looked at the Lease just before it was renewed for the last time.
  expect(acquiredAt(taken) - killedAt).toBeLessThan(LEASE_SECONDS * 1000 + 2_000);
  await work();

  // One that is stopped and wakes up when another leads has nothing to say any more.
  const fourth = await start('operator-d');
  await fourth.isStandingBy();
  third.signal('SIGSTOP');
  await seeHeldBy(fourth);
  const pending = work();
  third.signal('SIGCONT');
  expect(await third.ended()).toBe(1);
  await pending;
  await work();
  expect(await writers()).toEqual(['operator-a', 'operator-b', 'operator-c', 'operator-d']);
  expect(await fourth.kill('SIGTERM')).toBe(0);
});
