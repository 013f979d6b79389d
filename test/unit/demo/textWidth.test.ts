import { describe, expect, it } from 'vitest';
import { tableLines } from '../../../demo/table.ts';
import { fit, oneLine, textWidth } from '../../../demo/textWidth.ts';

describe('the width of a text', () => {
  it.each([
    ['Hello', 5],
    ['', 0],
    ['Größe', 5],
    ['Gro\u0308ße', 5],
    ['佐藤 花子', 9],
    ['【重要】', 8],
    ['한국어', 6],
    ['Ｆ', 2],
    ['🌸', 2],
    ['👩🏽‍🚒', 2],
    ['🇯🇵', 2],
    ['✉️', 2],
    ['a\u200bb', 2],
    ['—…●', 3],
    // A virama joins signs and takes no cell of its own, a vowel sign beside its letter takes one.
    ['का', 2],
    ['क्ष', 2],
    ['שלום', 4],
  ])('%s takes %d cells', (text, cells) => {
    expect(textWidth(text)).toBe(cells);
  });
});

describe('fitting', () => {
  it.each([
    ['abc', 5, 'abc  '],
    ['abcde', 5, 'abcde'],
    ['abcdef', 5, 'abcd…'],
    ['佐藤花子', 5, '佐藤…'],
    ['佐藤花子', 6, '佐藤… '],
    ['👩🏽‍🚒👩🏽‍🚒👩🏽‍🚒', 4, '👩🏽‍🚒… '],
    ['ab', 1, '…'],
  ])('%s into %d cells gives "%s"', (text, cells, shown) => {
    expect(fit(text, cells)).toBe(shown);
    expect(textWidth(shown)).toBe(cells);
  });
});

it('a text of others cannot move the cursor or break the line', () => {
  expect(oneLine('a\r\nb\x1b[31m\tc\u200c\u00a0\u202ed \u2028')).toBe('a b [31m c d');
});

it('a table is aligned, and gives way where it is too wide', () => {
  const columns = [
    { title: 'Who', most: 6 },
    { title: 'What' },
    { title: 'N', most: 3, right: true },
  ] as const;
  const rows = [
    [{ text: '佐藤 花子' }, { text: 'short' }, { text: '7' }],
    [{ text: 'Ada' }, { text: 'something that is too long' }, { text: '100' }],
  ];
  expect(tableLines(columns, rows, 30)).toEqual([
    'Who     What                 N',
    '──────  ─────────────────  ───',
    '佐藤 …  short                7',
    'Ada     something that i…  100',
  ]);
});
