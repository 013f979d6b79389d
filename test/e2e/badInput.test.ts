// What no schema can see becomes a condition with a reason, a message and an Event, and never a crash loop; what is
// put right is seen without a restart.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { labels, managedByOperator } from '../../api/resource.ts';
import * as kube from '../../kube/resource.ts';
import { SHARED_START_TIMEOUT_MS } from '../harness/cluster/shared.ts';
import { childrenOf, isOf } from './children.ts';
import { type Provider, cronJobs, events, leases, providers } from './kinds.ts';
import type { OperatorProcess } from './operatorProcess.ts';
import { type Owner, conditionOf, isReady, secretOf, standing } from './owner.ts';
import { type Stage, openStage } from './stage.ts';

let stage: Stage;
let operator: OperatorProcess;

beforeAll(async () => {
  stage = await openStage('bad-input');
  operator = await stage.startOperator();
  await operator.leads();
}, SHARED_START_TIMEOUT_MS);

afterAll(() => stage.close());

/** Ready is False for this reason, with words that name what is wrong, and an Event says so as well. */
async function seeTrouble(
  owner: Pick<Owner, 'name' | 'namespace'>,
  reason: string,
  words: string | RegExp,
  told = reason,
): Promise<Provider> {
  const provider = await stage.seeProvider(
    owner,
    `Ready is False for ${reason}`,
    (one) => standing(one, 'Ready') === `False ${reason}`,
  );
  expect(conditionOf(provider, 'Ready')?.message).toMatch(words);
  const event = await stage.see(events, {
    what: `an Event ${told} of ${owner.name}`,
    find: (seen) =>
      [...seen.values()].find((one) => one.regarding.name === owner.name && one.reason === told),
  });
  expect(event.type).toBe('Warning');
  expect(event.regarding.kind).toBe('OutlookProvider');
  return provider;
}

describe.concurrent('a Secret', () => {
  test('that does not exist is waited for', async () => {
    const owner = await stage.addOwner();
    await stage.client.delete(kube.secrets, owner);
    await stage.applyProvider(owner);
    await seeTrouble(owner, 'SecretNotFound', owner.name);
    await stage.apply(kube.secrets, secretOf(owner, owner.mailbox.refreshToken));
    await stage.seeProvider(owner, 'Ready once there is a Secret', isReady);
  });

  test('without the key that is needed is not enough', async () => {
    const owner = await stage.addOwner();
    await stage.client.delete(kube.secrets, owner);
    const { data: _data, ...empty } = secretOf(owner, '');
    await stage.apply(kube.secrets, empty);
    await stage.applyProvider(owner);
    await seeTrouble(owner, 'SecretKeyMissing', 'refreshToken');
    await stage.apply(kube.secrets, secretOf(owner, owner.mailbox.refreshToken));
    await stage.seeProvider(owner, 'Ready once the key is there', isReady);
  });
});

describe.concurrent('a row of email_providers', () => {
  const rowOf = (owner: Owner, type: string, userId: string) =>
    stage.database.query<{ id: string }>(
      `INSERT INTO email_providers ("type", "email", "userId", "isActive") VALUES ($1, $2, $3, true) RETURNING "id"`,
      [type, owner.mailbox.email, userId],
    );

  test.each([
    { of: 'another type', type: 'GMAIL', reason: 'ProviderTypeMismatch' },
    { of: 'another owner', type: 'OUTLOOK', userId: 'somebody-else', reason: 'OwnershipMismatch' },
  ])('of $of is not touched', async ({ type, userId, reason }) => {
    const owner = await stage.addOwner();
    const [row] = await rowOf(owner, type, userId ?? owner.userId);
    await stage.applyProvider(owner, { providerId: row?.id });
    const provider = await seeTrouble(owner, reason, /./, 'SyncFailed');
    expect(provider.status?.phase).toBe('Error');
    const messages = await stage.database.query(
      'SELECT 1 FROM external_email_messages WHERE "providerId" = $1',
      [row?.id],
    );
    expect(messages).toEqual([]);
    expect((await childrenOf(stage, owner)).jobs, 'no crash loop').toHaveLength(1);
  });
});

describe.concurrent('a name', () => {
  test('whose CronJob exists and is not ours is left alone', async () => {
    const taken = await stage.addOwner();
    await stage.applyProvider(taken);
    await stage.seeProvider(taken, 'Ready', isReady);
    const [cronJob] = (await childrenOf(stage, taken)).cronJobs;
    const name = cronJob?.metadata.name ?? '';
    // The same name again, but somebody else's: with no owner and no label.
    await stage.client.delete(providers, taken);
    await stage.see(cronJobs, { what: `${name} gone`, find: (seen) => (seen.has(name) ? undefined : true) });
    const foreign = {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name, namespace: stage.namespace },
      spec: {
        schedule: '0 0 29 2 *',
        suspend: true,
        jobTemplate: {
          spec: {
            template: { spec: { restartPolicy: 'Never', containers: [{ name: 'theirs', image: 'theirs' }] } },
          },
        },
      },
    };
    const theirs = await stage.client.create(cronJobs, stage.namespace, foreign);
    await stage.applyProvider(taken);
    await seeTrouble(taken, 'NameConflict', name);
    const after = await stage.read(cronJobs, name);
    expect(after).toEqual(theirs);
    await stage.client.delete(cronJobs, { namespace: stage.namespace, name });
    await stage.seeProvider(taken, 'Ready once the name is free', isReady);
  });

  test.each([63, 253])('of %i characters is a name like any other', async (length) => {
    const name = `n${'abcdefghi.'.repeat(26)}`.slice(0, length - 1).replace(/\.$/, 'x') + 'z';
    const owner = await stage.addOwner({ name });
    expect(name).toHaveLength(length);
    await stage.applyProvider(owner);
    await stage.seeProvider(owner, 'Ready', isReady);
    await stage.assertMirrored(owner);
    const {
      cronJobs: [cronJob],
      jobs: [job],
    } = await childrenOf(stage, owner);
    expect(cronJob?.metadata.name.length).toBeLessThanOrEqual(52);
    expect(job?.metadata.name.length).toBeLessThanOrEqual(63);
    await stage.client.delete(providers, owner);
    await stage.see(providers, { what: 'gone', find: (seen) => (seen.has(name) ? undefined : true) });
  });
});

describe.concurrent('two providers', () => {
  test('for one mailbox: the older one has it, the younger one when the older one is gone', async () => {
    const owner = await stage.addOwner();
    await stage.applyProvider(owner);
    await stage.seeProvider(owner, 'Ready', isReady);
    const twin = { ...owner, name: `${owner.name}-twin` };
    await stage.apply(kube.secrets, secretOf(twin, owner.mailbox.refreshToken));
    const upper = {
      emailAddress: owner.mailbox.email.toUpperCase(),
      credentialsSecretRef: { name: twin.name },
    };
    await stage.applyProvider(twin, upper);
    await seeTrouble(twin, 'DuplicateProvider', owner.name);
    expect((await childrenOf(stage, twin)).jobs).toEqual([]);
    expect(isReady((await stage.read(providers, owner.name)) as Provider)).toBe(true);
    await stage.client.delete(providers, owner);
    await stage.seeProvider(twin, 'Ready once it is the only one', isReady);
  });

  test('for one row: the older one has it', async () => {
    const providerId = crypto.randomUUID();
    const [owner, other] = [await stage.addOwner(), await stage.addOwner()];
    await stage.applyProvider(owner, { providerId });
    await stage.seeProvider(owner, 'Ready', isReady);
    await stage.applyProvider(other, { providerId: providerId.toUpperCase() });
    await seeTrouble(other, 'DuplicateProvider', owner.name);
  });
});

describe.concurrent('what was changed by hand', () => {
  async function settled(): Promise<Owner> {
    const owner = await stage.addOwner();
    await stage.applyProvider(owner);
    await stage.seeProvider(owner, 'Ready', isReady);
    return owner;
  }

  test('in a CronJob is put right', async () => {
    const owner = await settled();
    const [before] = (await childrenOf(stage, owner)).cronJobs;
    if (before === undefined) throw new Error('No CronJob');
    await stage.kubectl(
      'patch',
      'cronjob',
      before.metadata.name,
      '--type=merge',
      '--patch',
      JSON.stringify({
        metadata: { labels: { [labels.managedBy]: managedByOperator } },
        spec: { schedule: '1 1 1 1 1', concurrencyPolicy: 'Allow', suspend: true },
      }),
    );
    const restored = await stage.see(cronJobs, {
      what: 'the CronJob as it was',
      find: (seen) =>
        [...seen.values()].find((one) => isOf(owner, one) && one.spec.schedule === before.spec.schedule),
    });
    expect(restored.spec).toEqual(before.spec);
  });

  test('by deleting a CronJob or a Lease is made anew', async () => {
    const owner = await settled();
    const {
      cronJobs: [cronJob],
      leases: [lease],
    } = await childrenOf(stage, owner);
    const uids = [cronJob?.metadata.uid, lease?.metadata.uid];
    await stage.kubectl('delete', 'cronjob', cronJob?.metadata.name ?? '');
    await stage.kubectl('delete', 'lease', lease?.metadata.name ?? '');
    await stage.see(cronJobs, {
      what: 'a new CronJob',
      find: (seen) => [...seen.values()].find((one) => isOf(owner, one) && !uids.includes(one.metadata.uid)),
    });
    await stage.see(leases, {
      what: 'a new Lease',
      find: (seen) => [...seen.values()].find((one) => isOf(owner, one) && !uids.includes(one.metadata.uid)),
    });
  });

  test('in a status is put right as far as it is the operator’s', async () => {
    const owner = await settled();
    const before = await stage.read(providers, owner.name);
    const theirs = {
      type: 'Theirs',
      status: 'True',
      reason: 'Mine',
      message: '',
      lastTransitionTime: '2020-01-01T00:00:00Z',
    };
    await stage.kubectl(
      'patch',
      'olp',
      owner.name,
      '--subresource=status',
      '--type=merge',
      '--patch',
      JSON.stringify({
        status: { nextSyncAt: '2001-01-01T00:00:00Z', observedGeneration: 99, conditions: [theirs] },
      }),
    );
    const after = await stage.seeProvider(
      owner,
      'its own again',
      (one) => isReady(one) && one.status?.nextSyncAt === before?.status?.nextSyncAt,
    );
    expect(after.status?.observedGeneration).toBe(before?.metadata.generation);
    expect(conditionOf(after, 'Theirs')).toMatchObject(theirs);
  });
});

test('the operator has lived through all of it', () => {
  expect(operator.isRunning()).toBe(true);
  expect(operator.log().filter(({ level }) => level === 'fatal' || level === 60)).toEqual([]);
});
