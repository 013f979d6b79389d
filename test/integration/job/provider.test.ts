// Which row of email_providers a run is for, and which rows it refuses without touching them.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openScene, type Scene, type User } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

interface Columns {
  type?: string;
  email?: string;
  isActive?: boolean | null;
  userId?: string;
  workspaceId?: string | null;
}

/** Adds a row for the user, as another program of the inbox would, with columns changed. */
async function addRow(user: User, columns: Columns = {}): Promise<string> {
  const {
    type = 'OUTLOOK',
    email = user.mailbox.email,
    isActive = true,
    userId = user.userId,
    workspaceId = null,
  } = columns;
  const id = randomUUID();
  await scene.database.query(
    `INSERT INTO email_providers ("id", "type", "email", "isActive", "userId", "workspaceId", "displayName")
     VALUES ($1, $2, $3, $4, $5, $6, 'Mine')`,
    [id, type, email, isActive, userId, workspaceId],
  );
  return id;
}

/** A row to the byte, and the transaction that wrote it last. */
async function snapshot(id: string): Promise<unknown[]> {
  return scene.database.query(
    'SELECT p::text AS "row", xmin::text, ctid::text FROM email_providers p WHERE "id" = $1',
    [id],
  );
}

describe('a row that', () => {
  it.each<[string, Columns, string]>([
    ['is of Gmail', { type: 'GMAIL' }, 'ProviderTypeMismatch'],
    ['is of plain SMTP', { type: 'CUSTOM_SMTP' }, 'ProviderTypeMismatch'],
    ['is not active', { isActive: false }, 'ProviderInactive'],
    ['is another user’s', { userId: 'somebody-else' }, 'OwnershipMismatch'],
    ['is of a workspace', { workspaceId: 'team-7' }, 'OwnershipMismatch'],
    ['has another e-mail address', { email: 'ben@contoso.example' }, 'OwnershipMismatch'],
  ])('%s is refused with 77 and left as it is', async (_what, columns, code) => {
    const user = scene.addUser({ messages: 3 });
    const id = await addRow(user, columns);
    const before = await snapshot(id);
    scene.graph.clearRequests();
    const outcome = await user.sync({ more: ['--provider-id', id] });
    expect(outcome.code, outcome.stderr).toBe(77);
    expect(outcome.summary).toMatchObject({ status: 'error', providerId: id, error: { code }, attempts: 1 });
    expect(await snapshot(id)).toEqual(before);
    expect(
      await scene.database.query('SELECT FROM outlook_sync_state WHERE "providerId" = $1', [id]),
    ).toEqual([]);
    expect(scene.graph.requests.length + scene.graph.tokenRequests.length).toBe(0);
  });

  it('is of another workspace than the one given is refused', async () => {
    const user = scene.addUser();
    const id = await addRow(user, { workspaceId: 'team-7' });
    for (const workspace of ['team-8', 'TEAM-7']) {
      const { summary, code } = await user.sync({ more: ['--provider-id', id, '--workspace-id', workspace] });
      expect({ code, error: summary.error?.code }).toEqual({ code: 77, error: 'OwnershipMismatch' });
    }
    const given = await user.synced({ more: ['--provider-id', id, '--workspace-id', 'team-7'] });
    expect(given.summary['providerId']).toBe(id);
  });
});

describe('with --provider-id', () => {
  it('that row is synced, its own columns kept', async () => {
    const user = scene.addUser({ messages: 5 });
    const id = await addRow(user);
    const { summary } = await user.synced({ more: ['--provider-id', id.toUpperCase()] });
    expect(summary['providerId']).toBe(id);
    expect(await user.provider()).toMatchObject({ id, displayName: 'Mine', type: 'OUTLOOK', isActive: true });
  });

  it('the e-mail address is compared without case', async () => {
    const user = scene.addUser();
    const id = await addRow(user, { email: user.mailbox.email.toUpperCase() });
    await user.synced({ more: ['--provider-id', id] });
    expect(await user.provider()).toMatchObject({ email: user.mailbox.email.toUpperCase() });
  });

  it('that names nobody, a row is made under that id', async () => {
    const user = scene.addUser({ messages: 5 });
    const id = randomUUID();
    const { summary } = await user.synced({ more: ['--provider-id', id, '--workspace-id', 'team-7'] });
    expect(summary['providerId']).toBe(id);
    expect(await user.provider()).toMatchObject({
      id,
      type: 'OUTLOOK',
      email: user.mailbox.email,
      isActive: true,
      workspaceId: 'team-7',
      status: 'connected',
    });
    await user.synced({ more: ['--provider-id', id, '--workspace-id', 'team-7'] });
  });
});

describe('without --provider-id', () => {
  it('the OUTLOOK row of that address and user is synced, the address compared without case', async () => {
    const user = scene.addUser();
    const other = await addRow(user, { userId: 'somebody-else-2' });
    const gmail = await addRow(user, { type: 'GMAIL' });
    const id = await addRow(user, { email: user.mailbox.email.toUpperCase() });
    const untouched = [await snapshot(other), await snapshot(gmail)];
    expect((await user.synced()).summary['providerId']).toBe(id);
    expect([await snapshot(other), await snapshot(gmail)]).toEqual(untouched);
  });

  it('a new, active row is made, once', async () => {
    const user = scene.addUser();
    const first = await user.synced();
    const second = await user.synced();
    expect(second.summary['providerId']).toBe(first.summary['providerId']);
    expect(await user.provider()).toMatchObject({ type: 'OUTLOOK', isActive: true, workspaceId: null });
  });

  it('two runs at once make one row', async () => {
    const user = scene.addUser({ messages: 20 });
    const both = await Promise.all([user.sync(), user.sync()]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    const { id } = await user.provider();
    expect(both.map(({ summary }) => summary['providerId'])).toEqual([id, id]);
  });

  it('a row that is not active is refused, not replaced', async () => {
    const user = scene.addUser();
    const id = await addRow(user, { isActive: false });
    const { summary, code } = await user.sync();
    expect({ code, error: summary.error?.code }).toEqual({ code: 77, error: 'ProviderInactive' });
    expect((await user.provider()).id).toBe(id);
  });

  it('no workspace is the same as null, and another one is refused', async () => {
    const user = scene.addUser();
    await addRow(user, { workspaceId: 'team-7' });
    const { summary, code } = await user.sync();
    expect({ code, error: summary.error?.code }).toEqual({ code: 77, error: 'OwnershipMismatch' });
    await user.synced({ more: ['--workspace-id', 'team-7'] });
  });
});
