// Which folders are synced, the labels they give, and how far back mail is kept.
import { describe, expect, it } from 'vitest';
import { type FolderNode, selectFolders } from '../../../../job/plan/folders.ts';
import { historyStart, isHistory } from '../../../../job/plan/history.ts';
import { categoryColor, folderLabel } from '../../../../job/plan/labels.ts';

const node = (
  folderId: string,
  displayName: string,
  parent: string | null,
  wellKnownName: string | null = null,
): FolderNode => ({
  folderId,
  displayName,
  parentFolderId: parent,
  wellKnownName,
});

const tree = [
  node('root', 'Top of Information Store', null, 'msgfolderroot'),
  node('in', 'Posteingang', 'root', 'inbox'),
  node('in-p', 'Projects', 'in'),
  node('in-p-a', 'Aurora', 'in-p'),
  node('sent', 'Gesendete Elemente', 'root', 'sentitems'),
  node('junk', 'Junk-E-Mail', 'root', 'junkemail'),
  node('junk-x', 'Saved', 'junk'),
  node('bin', 'Gelöschte Elemente', 'root', 'deleteditems'),
  node('bin-p', 'Projects', 'bin'),
  node('sync', 'Synchronisierungsprobleme', 'root', 'syncissues'),
  node('conf', 'Konflikte', 'sync', 'conflicts'),
  node('own', 'Inbox', 'root'),
  node('slash', 'Invoices/2026', 'in'),
  node('out', 'Postausgang', 'root', 'outbox'),
  node('hist', 'Verlauf', 'root', 'conversationhistory'),
];

const tracked = (include: string[], exclude: string[], nodes = tree): string[] =>
  [...selectFolders(nodes, { include, exclude, complete: true })]
    .filter(([, disposition]) => disposition === 'tracked')
    .map(([id]) => id)
    .sort();

const all = ['in', 'in-p', 'in-p-a', 'own', 'sent', 'slash'];

describe('folders', () => {
  it('are all but Junk, Deleted, Outbox, sync issues and conversation history, by default', () => {
    expect(tracked([], [])).toEqual(all);
  });

  it.each([
    ['a well-known name', 'sentitems', ['sent']],
    ['a well-known name in any case', 'SentItems', ['sent']],
    ['an id', 'in-p', ['in-p', 'in-p-a']],
    ['a path of the mailbox’s own language', 'Posteingang/Projects', ['in-p', 'in-p-a']],
    ['a path that starts with a well-known name', 'inbox/projects/aurora', ['in-p-a']],
    ['a path with slashes around it', '/Gesendete Elemente/', ['sent']],
    ['a folder that is left out by default', 'junkemail', ['junk', 'junk-x']],
    ['a folder below one that is left out by default', 'deleteditems/Projects', ['bin-p']],
    ['a name with a slash in it', 'inbox/Invoices/2026', ['slash']],
    ['nothing that exists', 'Nowhere', []],
  ])('are included by %s, with all below', (_what, include, ids) => {
    expect(tracked([include], [])).toEqual(ids);
  });

  it('mean the Inbox by "inbox", whatever a folder of the user is called', () => {
    expect(tracked(['inbox'], [])).toEqual(['in', 'in-p', 'in-p-a', 'slash']);
  });

  it.each([
    ['inbox/Projects', ['in', 'own', 'sent', 'slash']],
    ['sent', all.filter((id) => id !== 'sent')],
    ['in-p-a', all.filter((id) => id !== 'in-p-a')],
  ])('are left out by an exclude of %s, with all below', (exclude, ids) => {
    expect(tracked([], [exclude])).toEqual(ids);
  });

  it('are left out where an exclude and an include both cover them', () => {
    expect(tracked(['inbox'], ['inbox/Projects'])).toEqual(['in', 'slash']);
    expect(tracked(['inbox/Projects'], ['inbox'])).toEqual([]);
  });

  it('wait for the list where their parents are not known yet', () => {
    const half = tree.filter(({ folderId }) => folderId !== 'in' && folderId !== 'root');
    const found = selectFolders(half, { include: [], exclude: [], complete: false });
    expect(found.get('in-p-a')).toBe('undecided');
  });

  it('end, where their parents go in a circle', () => {
    const circle = [node('a', 'A', 'b'), node('b', 'B', 'a')];
    expect([...selectFolders(circle, { include: [], exclude: [], complete: true }).keys()]).toEqual([
      'a',
      'b',
    ]);
  });
});

describe('labels of folders', () => {
  it.each([
    ['inbox', 'INBOX'],
    ['sentitems', 'SENT'],
    ['drafts', 'DRAFT'],
    ['archive', 'ARCHIVE'],
    ['junkemail', 'SPAM'],
    ['deleteditems', 'TRASH'],
    ['clutter', null],
    [null, null],
  ])('%s gives %s', (name, label) => {
    expect(folderLabel(name)).toBe(label);
  });
});

describe('colours', () => {
  it('are those of Outlook’s presets', () => {
    const hex = Array.from({ length: 25 }, (_, index) => categoryColor(`preset${index}`));
    expect(hex.every((one) => one !== null && /^#[0-9A-F]{6}$/.test(one))).toBe(true);
    expect(new Set(hex).size).toBe(25);
    for (const none of ['none', '', 'preset25', 'preset-1', 'red']) expect(categoryColor(none)).toBeNull();
  });
});

describe('history', () => {
  const now = new Date('2026-03-31T12:34:56.789Z');

  it.each([
    ['P30D', '2026-03-01T12:34:56.000Z'],
    ['P1Y', '2025-03-31T12:34:56.000Z'],
    ['P2W', '2026-03-17T12:34:56.000Z'],
    ['PT36H', '2026-03-30T00:34:56.000Z'],
    ['P1DT1M1S', '2026-03-30T12:33:55.000Z'],
  ])('%s before %s', (history, from) => {
    expect(historyStart(history, now)?.toISOString()).toBe(from);
  });

  it('is everything for All', () => {
    expect(historyStart('All', now)).toBeNull();
  });

  it('never starts later than a month ago for a month', () => {
    expect(historyStart('P1M', now)?.getTime()).toBeLessThanOrEqual(Date.UTC(2026, 2, 3, 12, 34, 56));
  });

  it.each([
    '',
    'P',
    'PT',
    'P0D',
    'PT0S',
    'all',
    '30',
    'P1.5D',
    'P1H',
    'PT1D',
    'P1D ',
    'P9999Y',
    'P999999999999999999999D',
  ])('%j is no history', (value) => {
    expect(isHistory(value)).toBe(false);
  });
});
