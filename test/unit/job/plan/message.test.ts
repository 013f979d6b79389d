// From an entry of Graph to what is known of a message, and to its row.
import { describe, expect, it } from 'vitest';
import { mergeContent, readEntry } from '../../../../job/plan/message.ts';
import { rememberPage, reducePage } from '../../../../job/plan/page.ts';

const person = (name: unknown, address: unknown): object => ({ emailAddress: { name, address } });

const whole = {
  id: 'AAA',
  parentFolderId: 'inbox-id',
  conversationId: 'thread',
  from: person('Anna', 'anna@contoso.com'),
  toRecipients: [person('Ben', 'ben@contoso.com'), person('', 'carl@contoso.com')],
  subject: 'Subject',
  bodyPreview: 'Preview',
  receivedDateTime: '2026-11-20T12:00:00Z',
  isRead: false,
  categories: ['Red'],
};

/** The row of an entry, as a new message in the Inbox. */
function rowOf(entry: object) {
  const read = readEntry({ ...whole, ...entry });
  if (read.kind !== 'message') throw new Error(read.kind);
  return mergeContent(null, read.fields, 'INBOX');
}

describe('the row of a message', () => {
  it('has what the unified inbox wants', () => {
    expect(rowOf({})).toEqual({
      threadId: 'thread',
      from: 'Anna <anna@contoso.com>',
      to: ['Ben <ben@contoso.com>', 'carl@contoso.com'],
      subject: 'Subject',
      snippet: 'Preview',
      internalDate: '2026-11-20T12:00:00.000',
      labels: ['INBOX', 'UNREAD', 'Red'],
    });
  });

  it.each([
    [person('Anna', 'anna@contoso.com'), 'Anna <anna@contoso.com>'],
    [person(null, 'anna@contoso.com'), 'anna@contoso.com'],
    [person(undefined, 'anna@contoso.com'), 'anna@contoso.com'],
    [person('  ', 'anna@contoso.com'), 'anna@contoso.com'],
    [person('Anna', null), 'Anna'],
    [person('Anna', undefined), 'Anna'],
    [person('Anna', '/O=CONTOSO/OU=X/CN=ANNA'), 'Anna </O=CONTOSO/OU=X/CN=ANNA>'],
    [person(null, null), null],
    [person(5, {}), null],
    [{ emailAddress: null }, null],
    [{}, null],
    [null, null],
    ['anna@contoso.com', null],
    [[person('Anna', 'a@b.c')], null],
  ])('from %j is %j', (from, text) => {
    expect(rowOf({ from }).from).toBe(text);
  });

  it('leaves out recipients that are none', () => {
    const toRecipients = [null, person('Ben', 'ben@contoso.com'), {}, person(null, null), 'x'];
    expect(rowOf({ toRecipients }).to).toEqual(['Ben <ben@contoso.com>']);
    for (const none of [null, 'x', {}, 5]) expect(rowOf({ toRecipients: none }).to).toEqual([]);
  });

  it.each([
    ['2026-11-20T12:00:00Z', '2026-11-20T12:00:00.000'],
    ['2026-11-20T12:00:00.1234567Z', '2026-11-20T12:00:00.123'],
    ['2026-11-20T13:00:00+01:00', '2026-11-20T12:00:00.000'],
    ['1969-07-20T20:17:00Z', '1969-07-20T20:17:00.000'],
    ['0001-01-01T00:00:00Z', null],
    ['0001-12-31T23:59:59Z', null],
    ['', null],
    ['yesterday', null],
    [null, null],
    [0, null],
    [{}, null],
  ])('received %j is %j', (receivedDateTime, internalDate) => {
    expect(rowOf({ receivedDateTime }).internalDate).toBe(internalDate);
  });

  it.each([
    [false, true],
    ['false', true],
    [true, false],
    ['true', false],
    [null, false],
    ['False?', false],
    [0, false],
  ])('isRead %j means unread: %j', (isRead, unread) => {
    expect(rowOf({ isRead }).labels.includes('UNREAD')).toBe(unread);
  });

  it('has null for text of the wrong kind', () => {
    const row = rowOf({ subject: 5, bodyPreview: ['x'], conversationId: {} });
    expect(row).toMatchObject({ subject: null, snippet: null, threadId: null });
  });
});

describe('labels', () => {
  it('are categories in their order, each once', () => {
    expect(rowOf({ categories: ['B', 'A', 'B', 'a'], isRead: true }).labels).toEqual([
      'INBOX',
      'B',
      'A',
      'a',
    ]);
  });

  it('never come from a category that bears a system label’s name', () => {
    const read = readEntry({
      ...whole,
      categories: ['INBOX', 'UNREAD', 'SENT', 'DRAFT', 'ARCHIVE', 'SPAM', 'TRASH', 'Inbox'],
      isRead: true,
    });
    expect(read.kind === 'message' && mergeContent(null, read.fields, null).labels).toEqual(['Inbox']);
  });

  it('leave out what is no name', () => {
    expect(
      rowOf({ categories: ['', ' ', null, 5, {}, 'x'.repeat(256), 'Größe, €'], isRead: true }).labels,
    ).toEqual(['INBOX', 'Größe, €']);
    expect(rowOf({ categories: null }).labels).toEqual(['INBOX', 'UNREAD']);
  });
});

describe('a sparse update', () => {
  const stored = rowOf({});

  it.each([
    [{ isRead: true }, { labels: ['INBOX', 'Red'] }],
    [{ categories: ['Blue'] }, { labels: ['INBOX', 'UNREAD', 'Blue'] }],
    [{ categories: [] }, { labels: ['INBOX', 'UNREAD'] }],
    [{ subject: 'New' }, { subject: 'New' }],
    [{ subject: null }, { subject: null }],
    [{ from: null }, { from: null }],
    [{ toRecipients: [] }, { to: [] }],
    [{ bodyPreview: '' }, { snippet: '' }],
    [{ receivedDateTime: null }, { internalDate: null }],
    [{}, {}],
  ])('%j changes only what it names', (update, changed) => {
    const read = readEntry({ id: 'AAA', parentFolderId: 'inbox-id', ...update });
    expect(read).toMatchObject({ kind: 'message', complete: false, sufficient: false });
    expect(read.kind === 'message' && mergeContent(stored, read.fields, 'INBOX')).toEqual({
      ...stored,
      ...changed,
    });
  });
});

describe('an entry that cannot be stored', () => {
  it.each([
    [null],
    ['AAA'],
    [[]],
    [{ ...whole, id: undefined }],
    [{ ...whole, id: null }],
    [{ ...whole, id: '' }],
    [{ ...whole, id: 5 }],
    [{ ...whole, id: 'x'.repeat(5_000) }],
    [{ '@removed': { reason: 'deleted' } }],
  ])('%# is told with a reason that repeats none of its content', (entry) => {
    const read = readEntry(entry);
    expect(read.kind).toBe('unstorable');
    expect('reason' in read && read.reason).not.toMatch(/Subject|Anna|Preview/);
  });
});

describe('a page', () => {
  it('has each message once, the later entry’s keys winning', () => {
    const { messages } = reducePage([whole, { id: 'AAA', isRead: true }, { ...whole, id: 'aaa' }]);
    expect([...messages.keys()]).toEqual(['AAA', 'aaa']);
    expect(messages.get('AAA')).toMatchObject({
      complete: true,
      sufficient: true,
      fields: { subject: 'Subject', isRead: true },
    });
  });

  it('leaves to Graph what it shows both removed and present, in either order', () => {
    const gone = { id: 'AAA', '@removed': { reason: 'changed' } };
    for (const entries of [
      [whole, gone],
      [gone, whole],
      [gone, whole, gone],
    ]) {
      const page = reducePage(entries);
      expect([...page.contradictory]).toEqual(['AAA']);
      expect(page.messages.size + page.removed.size).toBe(0);
    }
  });
});

describe('the loop guard', () => {
  /** How many pages of a walk are accepted. */
  function accepted(page: (index: number) => { entries: unknown[]; nextLink: string }, most = 400): number {
    let memory: string[] | null = [];
    for (let index = 0; index < most; index += 1) {
      memory = rememberPage(memory, page(index));
      if (memory === null) return index;
      expect(memory.length).toBeLessThan(40);
    }
    return most;
  }

  it('ends identical pages under ever new links, but accepts three of them', () => {
    const count = accepted((index) => ({ entries: [whole], nextLink: `link-${index}` }));
    expect(count).toBeGreaterThanOrEqual(3);
    expect(count).toBeLessThan(10);
  });

  it('ends one link for ever, whatever its pages show', () => {
    const count = accepted((index) => ({ entries: [{ ...whole, id: `id-${index}` }], nextLink: 'link' }));
    expect(count).toBeGreaterThanOrEqual(2);
    expect(count).toBeLessThan(10);
  });

  it('ends a cycle of several pages', () => {
    const page = (index: number) => ({
      entries: [{ ...whole, id: `id-${index % 3}` }],
      nextLink: `link-${index}`,
    });
    expect(accepted(page)).toBeLessThan(40);
  });

  it('accepts ten empty pages in a row, and ends what is empty for ever', () => {
    const count = accepted((index) => ({ entries: [], nextLink: `link-${index}` }));
    expect(count).toBeGreaterThanOrEqual(10);
    expect(count).toBeLessThan(400);
  });

  it('does not mind a walk of thousands of different pages', () => {
    const page = (index: number) => ({
      entries: [{ ...whole, id: `id-${index}` }],
      nextLink: `link-${index}`,
    });
    expect(accepted(page, 5_000)).toBe(5_000);
  });

  it('does not mind a message that changes on page after page', () => {
    const page = (index: number) => ({
      entries: [{ ...whole, isRead: index % 2 === 0, '@odata.etag': `W/"${index}"` }],
      nextLink: `link-${index}`,
    });
    expect(accepted(page)).toBe(400);
  });
});
