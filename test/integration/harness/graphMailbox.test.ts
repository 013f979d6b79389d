// The content of a simulated mailbox: fixed by its seed, in the shapes of Graph, broken only where a test breaks it.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SimulatedMailbox } from '../../harness/graph/mailbox.ts';
import { createProbe, field, itemsOf, link, type Item, type Probe } from '../../harness/graph/probe.ts';
import { startGraphSimulator, type GraphSimulator } from '../../harness/graph/simulator.ts';

const EMAIL = 'ada@contoso.example';
let simulator: GraphSimulator;
let mailbox: SimulatedMailbox;
let probe: Probe;

beforeEach(async () => {
  simulator = await startGraphSimulator();
  mailbox = simulator.addMailbox({ email: EMAIL, messages: 400, folders: 'rich', locale: 'ja' });
  probe = createProbe(simulator, EMAIL);
});

afterEach(() => simulator.close());

describe('generated content', () => {
  it('is the same for the same seed and another for another', () => {
    const options = { email: EMAIL, messages: 50, folders: 'rich', seed: 7 } as const;
    expect(new SimulatedMailbox(options).messages()).toEqual(new SimulatedMailbox(options).messages());
    const other = new SimulatedMailbox({ ...options, seed: 8 });
    expect(other.messages()[0]).not.toEqual(new SimulatedMailbox(options).messages()[0]);
  });

  it('looks like mail: threads, drafts without sender, bare addresses, categories, previews within 255', () => {
    const messages = mailbox.messages();
    const texts = messages.map((message) => String(message.bodyPreview));
    expect(texts.every((text) => text.length <= 255 && text.isWellFormed())).toBe(true);
    const threads = new Set(messages.map((message) => message.conversationId));
    expect(threads.size).toBeLessThan(messages.length);
    const drafts = messages.filter((message) => message['isDraft'] === true);
    expect(drafts.length).toBeGreaterThan(0);
    expect(drafts.every((draft) => !('from' in draft))).toBe(true);
    const recipients = messages.flatMap((message) => message.toRecipients as { emailAddress: object }[]);
    expect(recipients.some((recipient) => !('name' in recipient.emailAddress))).toBe(true);
    expect(messages.some((message) => (message.categories as string[]).length > 1)).toBe(true);
    const years = new Set(messages.map((message) => String(message.receivedDateTime).slice(0, 4)));
    expect(years.size).toBeGreaterThan(2);
  });

  it('has localized folder names under well-known aliases, and duplicates and slashes in the user’s own', async () => {
    const inbox = await probe.get('/me/mailFolders/inbox');
    expect(inbox.body).toMatchObject({ displayName: '受信トレイ', isHidden: false });
    expect(inbox.body).not.toHaveProperty('wellKnownName');
    expect(mailbox.folderByPath('Inbox/Invoices/2026')).toBeDefined();
    expect(mailbox.folders().filter((folder) => folder.displayName === 'Receipts')).toHaveLength(2);
  });
});

async function wholeList(url: string): Promise<Item[]> {
  const items: Item[] = [];
  let next: string | undefined = url;
  while (next !== undefined) {
    const answer = await probe.get(next);
    items.push(...itemsOf(answer));
    next = link(answer, 'nextLink');
  }
  return items;
}

describe('lists', () => {
  it('span the whole mailbox, newest first, ten at a time', async () => {
    expect(itemsOf(await probe.get('/me/messages'))).toHaveLength(10);
    const items = await wholeList('/me/messages?$top=150&$select=receivedDateTime');
    expect(items.map((item) => item.id).sort()).toEqual(
      mailbox
        .messages()
        .map((one) => one.id)
        .sort(),
    );
    const times = items.map((item) => String(item['receivedDateTime']));
    expect(times).toEqual([...times].sort().reverse());
  });

  it('filter by time and read state, within a folder too', async () => {
    const from = '2026-01-01T00:00:00Z';
    const wanted = mailbox
      .messages()
      .filter(
        (one) =>
          String(one.receivedDateTime) >= from &&
          one.isRead === false &&
          one.parentFolderId === mailbox.wellKnown('inbox')?.id,
      )
      .map((one) => one.id);
    const filter = `$filter=receivedDateTime ge ${from} and isRead eq false`;
    const items = await wholeList(`/me/mailFolders/inbox/messages?${filter}&$top=50`);
    expect(wanted.length).toBeGreaterThan(5);
    expect(items.map((item) => item.id).sort()).toEqual(wanted.sort());
  });

  it('show the folder tree level by level, with counts', async () => {
    const top = await wholeList('/me/mailFolders?$top=5');
    const root = field((await probe.get('/me/mailFolders/msgfolderroot')).body, 'id');
    expect(top.every((folder) => folder['parentFolderId'] === root)).toBe(true);
    const below = await wholeList('/me/mailFolders/syncissues/childFolders');
    expect(below).toHaveLength(3);
    const inbox = mailbox.wellKnown('inbox');
    const unread = mailbox
      .messages()
      .filter((one) => one.parentFolderId === inbox?.id && one.isRead === false);
    expect(top.find((folder) => folder.id === inbox?.id)).toMatchObject({ unreadItemCount: unread.length });
  });
});

describe('acts of the owner', () => {
  it('send broken values over the wire as they are', async () => {
    const broken = mailbox.createMessage({
      folder: 'Inbox',
      subject: 'nul \u0000 and half \ud83d',
      isRead: 'true',
      receivedDateTime: null,
      toRecipients: null,
      omit: ['from', 'bodyPreview'],
    });
    const { body } = await probe.get(`/me/messages/${encodeURIComponent(broken.id)}`);
    expect(body).toMatchObject({
      subject: 'nul \u0000 and half \ud83d',
      isRead: 'true',
      receivedDateTime: null,
      toRecipients: null,
    });
    expect(body).not.toHaveProperty('from');
    expect(body).not.toHaveProperty('bodyPreview');
    expect(body).toMatchObject({ id: broken.id, parentFolderId: broken.parentFolderId });
    expect(mailbox.setRead(broken.id, true).isRead).toBe(true);
  });

  it('delete in two steps, folders as well as messages', () => {
    const { id } = mailbox.createMessage();
    mailbox.deleteMessage(id);
    expect(mailbox.message(id)?.parentFolderId).toBe(mailbox.wellKnown('deleteditems')?.id);
    mailbox.deleteMessage(id);
    expect(mailbox.message(id)).toBeUndefined();
    const folder = mailbox.createFolder({ displayName: 'Short-lived' });
    const inside = mailbox.createMessage({ folder: folder.id });
    mailbox.deleteFolder(folder.id);
    expect(mailbox.folders().find((one) => one.id === folder.id)?.parentFolderId).toBe(
      mailbox.wellKnown('deleteditems')?.id,
    );
    expect(mailbox.message(inside.id)).toBeDefined();
    mailbox.deleteFolder(folder.id);
    expect(mailbox.message(inside.id)).toBeUndefined();
  });
});
