// How delta rounds of the simulated Graph look on the wire: pages, links, entries, ids, expiry.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SimulatedMailbox } from '../../harness/graph/mailbox.ts';
import {
  createProbe,
  errorCode,
  IMMUTABLE,
  itemsOf,
  link,
  type Item,
  type Probe,
} from '../../harness/graph/probe.ts';
import {
  startGraphSimulator,
  type GraphSimulator,
  type GraphSimulatorOptions,
} from '../../harness/graph/simulator.ts';

const EMAIL = 'ada@contoso.example';
const INBOX = '/me/mailFolders/inbox/messages/delta';
let simulator: GraphSimulator;
let mailbox: SimulatedMailbox;
let probe: Probe;

async function start(options: GraphSimulatorOptions = {}, messages = 60): Promise<void> {
  simulator = await startGraphSimulator(options);
  mailbox = simulator.addMailbox({ email: EMAIL, messages, folders: 'rich' });
  probe = createProbe(simulator, EMAIL);
}

function inInbox(): string[] {
  const inbox = mailbox.wellKnown('inbox')?.id;
  return mailbox
    .messages()
    .filter((message) => message.parentFolderId === inbox)
    .map((message) => message.id);
}

beforeEach(() => start());
afterEach(() => simulator.close());

describe('a first round', () => {
  it('lists the folder in pages of ten, or of the size preferred, with one kind of link each', async () => {
    const ten = await probe.get(INBOX);
    expect(itemsOf(ten)).toHaveLength(10);
    expect(link(ten, 'nextLink')).toContain('$skiptoken=');
    expect(link(ten, 'deltaLink')).toBeUndefined();
    const walk = await probe.walk(`${INBOX}?$top=3`, `${IMMUTABLE}, odata.maxpagesize=7`);
    expect(walk.pages[0]).toHaveLength(7);
    expect(walk.deltaLink).toContain('$deltatoken=');
    expect(walk.items.map((item) => item.id).sort()).toEqual(inInbox().sort());
  });

  it('bakes the options of the first request into the walk and holds the body back', async () => {
    const whole = await probe.walk(INBOX);
    expect(
      whole.items.every((item) => !('body' in item) && '@odata.etag' in item && 'bodyPreview' in item),
    ).toBe(true);
    const narrow = await probe.walk(`${INBOX}?$select=subject,body`);
    const keys = new Set(narrow.items.flatMap((item) => Object.keys(item)));
    expect([...keys].sort()).toEqual(['@odata.etag', '@odata.type', 'body', 'id', 'subject']);
  });

  it('gives mutable ids on every page that does not ask for immutable ones', async () => {
    const first = await probe.get(`${INBOX}?$select=subject`);
    const second = await probe.get(link(first, 'nextLink') ?? '', '');
    const known = new Set(inInbox());
    expect(itemsOf(first).every((item) => known.has(item.id))).toBe(true);
    expect(itemsOf(second).length).toBeGreaterThan(0);
    expect(itemsOf(second).some((item) => known.has(item.id))).toBe(false);
  });

  it('gives at most 5,000 messages under a filter, the newest first when asked', async () => {
    await simulator.close();
    await start({}, 12_000);
    const prefer = `${IMMUTABLE}, odata.maxpagesize=1000`;
    const filter = '$filter=receivedDateTime+ge+2000-01-01T00:00:00Z&$orderby=receivedDateTime+desc';
    const walk = await probe.walk(`${INBOX}?${filter}&$select=receivedDateTime`, prefer);
    expect(inInbox().length).toBeGreaterThan(5000);
    expect(walk.items).toHaveLength(5000);
    const times = walk.items.map((item) => String(item['receivedDateTime']));
    expect(times).toEqual([...times].sort().reverse());
  });
});

describe('a later round', () => {
  it('is empty at once after a walk, and may be asked again', async () => {
    const { deltaLink } = await probe.walk(INBOX);
    const again = await probe.walk(deltaLink);
    expect(again.items).toEqual([]);
    mailbox.createMessage({ subject: 'New' });
    expect((await probe.walk(deltaLink)).items).toMatchObject([{ subject: 'New' }]);
    expect((await probe.walk(deltaLink)).items).toMatchObject([{ subject: 'New' }]);
  });

  it('tells read toggles sparsely, and only where isRead is selected', async () => {
    await simulator.close();
    await start({ oddities: { sparseUpdates: 1 } });
    const [id = ''] = inInbox();
    const blind = await probe.walk(`${INBOX}?$select=subject`);
    const seeing = await probe.walk(`${INBOX}?$select=subject,isRead,categories`);
    const before = mailbox.message(id);
    mailbox.setRead(id, before?.isRead !== true);
    expect((await probe.walk(blind.deltaLink)).items).toEqual([]);
    const [entry] = (await probe.walk(seeing.deltaLink)).items;
    expect(Object.keys(entry ?? {}).sort()).toEqual([
      '@odata.etag',
      '@odata.type',
      'id',
      'isRead',
      'parentFolderId',
    ]);
    expect(mailbox.message(id)?.['lastModifiedDateTime']).toBe(before?.['lastModifiedDateTime']);
  });

  it('tells updates in full where nothing is odd, and absence as absence', async () => {
    await simulator.close();
    await start({ oddities: { sparseUpdates: 0 } });
    const [id = ''] = inInbox();
    const { deltaLink } = await probe.walk(`${INBOX}?$select=subject,isRead`);
    mailbox.updateMessage(id, { subject: null });
    expect((await probe.walk(deltaLink)).items).toMatchObject([
      { id, subject: null, isRead: mailbox.message(id)?.isRead },
    ]);
  });

  it('tells a move as removed there and whole here, under the same immutable id', async () => {
    const [id = ''] = inInbox();
    const archive = mailbox.wellKnown('archive')?.id ?? '';
    const source = await probe.walk(INBOX);
    const target = await probe.walk(`/me/mailFolders/${archive}/messages/delta`);
    mailbox.moveMessage(id, archive);
    expect((await probe.walk(source.deltaLink)).items).toEqual<Item[]>([
      { id, '@removed': { reason: 'deleted' } },
    ]);
    expect((await probe.walk(target.deltaLink)).items).toMatchObject([{ id, parentFolderId: archive }]);
  });

  it('changes a mutable id on a move; the old one is dead', async () => {
    const [id = ''] = inInbox();
    const path = `/me/messages/${encodeURIComponent(id)}?$select=subject`;
    const before = (await probe.get(path, '')).body as Item;
    const { deltaLink } = await probe.walk(INBOX, 'odata.maxpagesize=100');
    mailbox.moveMessage(id, 'archive');
    mailbox.moveMessage(id, 'inbox');
    const after = (await probe.get(path, '')).body as Item;
    expect(after.id).not.toBe(before.id);
    expect((await probe.get(`/me/messages/${encodeURIComponent(before.id)}`)).status).toBe(404);
    const { items } = await probe.walk(deltaLink, 'odata.maxpagesize=100');
    expect(items.map((item) => item.id).sort()).toEqual([before.id, after.id].sort());
  });

  it('tells removals and read state of what the filter leaves out, and nothing else of it', async () => {
    const old = mailbox.createMessage({ receivedDateTime: '2001-01-01T00:00:00Z' });
    const older = mailbox.createMessage({ receivedDateTime: '2001-01-01T00:00:00Z' });
    const { items, deltaLink } = await probe.walk(
      `${INBOX}?$filter=receivedDateTime+gt+2002-01-01T00:00:00Z`,
    );
    expect(items.some((item) => item.id === old.id)).toBe(false);
    mailbox.setCategories(old.id, ['Red category']);
    expect((await probe.walk(deltaLink)).items).toEqual([]);
    mailbox.setRead(old.id, true);
    mailbox.deleteMessage(older.id, { hard: true });
    const told = (await probe.walk(deltaLink)).items;
    expect(told).toHaveLength(2);
    expect(told.find((item) => item.id === old.id)).toMatchObject({ isRead: true });
    expect(told.find((item) => item.id === older.id)).toHaveProperty('@removed');
  });
});

describe('the folder list', () => {
  it('is flat, with real ids and local names, and tells adds, renames, moves and removals', async () => {
    const { items, deltaLink } = await probe.walk('/me/mailFolders/delta');
    expect(items.map((item) => item.id).sort()).toEqual(
      mailbox
        .folders()
        .map((folder) => folder.id)
        .sort(),
    );
    const added = mailbox.createFolder({ displayName: 'Added' });
    const gone = mailbox.folderByPath('archive/2024')?.id ?? '';
    const moved = mailbox.folderByPath('Inbox/Projects/Aurora')?.id ?? '';
    const bin = mailbox.wellKnown('deleteditems')?.id;
    mailbox.renameFolder(mailbox.wellKnown('inbox')?.id ?? '', 'Eingang');
    mailbox.deleteFolder(gone, { hard: true });
    mailbox.deleteFolder(moved);
    const told = new Map((await probe.walk(deltaLink)).items.map((item) => [item.id, item]));
    expect(told.size).toBe(4);
    expect(told.get(added.id)).toMatchObject({ displayName: 'Added' });
    expect(told.get(gone)).toEqual({ id: gone, '@removed': { reason: 'deleted' } });
    expect(told.get(moved)).toMatchObject({ parentFolderId: bin });
    expect(told.get(mailbox.wellKnown('inbox')?.id ?? '')).toMatchObject({ displayName: 'Eingang' });
    expect((await probe.get(`/me/mailFolders/${gone}/messages/delta`)).status).toBe(404);
  });
});

describe('expiry', () => {
  it.each([
    ['410', 410, 'SyncStateNotFound', false],
    ['410-location', 410, 'SyncStateNotFound', true],
    ['400', 400, 'syncStateNotFound', false],
  ] as const)(
    'in the form %s: nextLinks and deltaLinks alike, of that folder alone',
    async (form, status, code, located) => {
      mailbox.setTokenExpiryForm(form);
      const next = link(await probe.get(INBOX), 'nextLink') ?? '';
      const { deltaLink } = await probe.walk(INBOX);
      const drafts = await probe.walk('/me/mailFolders/drafts/messages/delta');
      mailbox.expireDeltaTokens({ folderId: mailbox.wellKnown('inbox')?.id ?? '' });
      for (const url of [next, deltaLink]) {
        const answer = await probe.get(url);
        expect([answer.status, errorCode(answer)]).toEqual([status, code]);
        const location = answer.headers.get('location');
        expect(location !== null).toBe(located);
        if (location !== null) expect(itemsOf(await probe.get(location))).toHaveLength(10);
      }
      expect((await probe.get(drafts.deltaLink)).status).toBe(200);
    },
  );
});

describe('oddities and link forms', () => {
  it('repeats entries and pages, gives empty pages and string booleans, and still ends', async () => {
    await simulator.close();
    await start({ oddities: { duplicateEntries: 1, duplicatePages: 1, emptyPages: 0.5, stringBooleans: 1 } });
    const { pages, items } = await probe.walk(INBOX);
    expect(pages.some((page) => page.length === 0)).toBe(true);
    expect(pages.some((page) => page.length > new Set(page.map((item) => item.id)).size)).toBe(true);
    expect(items.every((item) => typeof item['isRead'] === 'string')).toBe(true);
    expect([...new Set(items.map((item) => item.id))].sort()).toEqual(inInbox().sort());
  });

  it('gives relative links on demand, and no immutable ids where they are not to be had', async () => {
    await simulator.close();
    await start({ relativeLinks: true, immutableIds: false });
    const answer = await probe.get(INBOX);
    expect(link(answer, 'nextLink')).toMatch(/^\/v1\.0\/me\/mailFolders\/inbox\/messages\/delta\?/);
    const known = new Set(inInbox());
    expect((await probe.walk(INBOX)).items.some((item) => known.has(item.id))).toBe(false);
  });
});
