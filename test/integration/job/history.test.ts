// How far back mail is kept, and Graph’s cap on filtered walks.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectedRows } from '../../harness/mirror.ts';
import { openScene, type Scene, type User } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

const day = 24 * 3_600_000;

const history = (value: string) => ({ env: { OUTLOOK_SYNC_HISTORY: value } });

/** Adds messages to a folder, one per age in days. Returns their ids. */
function aged(user: User, folder: string, ages: readonly number[]): string[] {
  return ages.map((age) => {
    const receivedDateTime = new Date(Date.now() - age * day).toISOString().replace(/\.\d+/, '');
    return user.mailbox.createMessage({ folder, receivedDateTime, subject: `${age} days old` }).id;
  });
}

const storedIds = async (user: User): Promise<string[]> =>
  (await user.messages()).map(({ externalMessageId }) => externalMessageId);

describe('a history of 30 days', () => {
  it('keeps what is younger, in every folder', async () => {
    const user = scene.addUser();
    const inbox = aged(user, 'inbox', [0, 1, 29, 31, 400]);
    const sent = aged(user, 'sentitems', [5, 60]);
    scene.graph.clearRequests();
    const { summary } = await user.synced(history('P30D'));
    expect(summary).toMatchObject({ cursor: 'Steady', upserted: 4 });
    expect(await storedIds(user)).toEqual([...inbox.slice(0, 3), ...sent.slice(0, 1)].sort());
    const begun = scene.graph.requests.filter(
      ({ path, query }) =>
        path.includes('mailFolders/') && path.endsWith('/messages/delta') && query.includes('$select'),
    );
    expect(begun.length).toBeGreaterThan(2);
    for (const { query } of begun)
      expect(query).toMatch(/\$filter=receivedDateTime ge \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/);
  });

  it('is not widened by what Graph tells of older messages', async () => {
    const user = scene.addUser();
    const [, old = ''] = aged(user, 'inbox', [1, 60]);
    await user.synced(history('P30D'));
    user.mailbox.setRead(old, true);
    user.mailbox.moveMessage(old, 'archive');
    const { summary } = await user.synced(history('P30D'));
    expect(summary).toMatchObject({ upserted: 0, removed: 0, quarantined: 0 });
    expect(await user.message(old)).toBeUndefined();
  });

  it('that becomes All brings the rest, and becoming shorter sweeps what is too old', async () => {
    const user = scene.addUser();
    const ids = aged(user, 'inbox', [1, 20, 60, 700]);
    await user.synced(history('P30D'));
    expect(await storedIds(user)).toEqual(ids.slice(0, 2).sort());
    const rows = await user.messages();
    expect((await user.synced(history('All'))).summary).toMatchObject({
      upserted: 2,
      removed: 0,
      cursor: 'Steady',
    });
    expect(await storedIds(user)).toEqual([...ids].sort());
    expect(
      (await user.messages()).filter(({ externalMessageId }) => ids.slice(0, 2).includes(externalMessageId)),
    ).toEqual(rows);
    expect((await user.synced(history('P1W'))).summary).toMatchObject({
      upserted: 0,
      removed: 3,
      cursor: 'Steady',
    });
    expect(await storedIds(user)).toEqual(ids.slice(0, 1));
    expect((await user.synced(history('P1W'))).summary).toMatchObject({ upserted: 0, removed: 0 });
  });

  it('does not keep Graph from refusing the filter: then the folder is walked whole and cut here', async () => {
    const user = scene.addUser();
    const ids = aged(user, 'inbox', [1, 60]);
    const mend = scene.graph.faults.add({
      when: ({ path, query, mailbox }) =>
        mailbox === user.mailbox.email && path.endsWith('/messages/delta') && query.includes('$filter'),
      reply: {
        status: 400,
        body: { error: { code: 'ErrorInvalidUrlQuery', message: 'The $filter is not supported.' } },
      },
      times: Infinity,
    });
    const { summary } = await user.synced(history('P30D'));
    mend();
    expect(summary).toMatchObject({ cursor: 'Steady' });
    expect(await storedIds(user)).toEqual(ids.slice(0, 1));
  });

  it('reaches beyond Graph’s cap of 5,000 messages in a filtered walk', async () => {
    const user = scene.addUser({ messages: 11_000, newestMessageAt: Date.now() - day });
    const expected = expectedRows(user.mailbox).filter(
      ({ internalDate }) => internalDate !== null && Date.parse(internalDate) > Date.now() - 3_650 * day,
    );
    const inbox = user.mailbox.wellKnown('inbox');
    expect(inbox?.totalItemCount).toBeGreaterThan(5_000);
    const env = { OUTLOOK_SYNC_HISTORY: 'P3650D', OUTLOOK_SYNC_PAGE_SIZE: '1000' };
    const { summary } = await user.synced({ env });
    expect(summary).toMatchObject({ cursor: 'Steady', quarantined: 0 });
    expect(await storedIds(user)).toEqual(expected.map(({ externalMessageId }) => externalMessageId));
  });
});

describe('a message without a usable date', () => {
  it('is kept: nothing says that it is old', async () => {
    const user = scene.addUser();
    const { id } = user.mailbox.createMessage({ receivedDateTime: '0001-01-01T00:00:00Z' });
    await user.synced();
    expect(await user.message(id)).toMatchObject({ internalDate: null });
  });
});
