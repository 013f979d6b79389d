// That whoever looks a reason up in docs/troubleshooting.md finds it: every reason has its entry, and every entry a reason.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { reasonMeanings } from '../../../api/conditionReference.ts';
import { errorTable } from '../../../job/errors.ts';

const page = await readFile(join(import.meta.dirname, '../../../docs/troubleshooting.md'), 'utf8');

/** The text below each heading of the third level, by heading, as one line. */
const entries = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((part) => {
      const [heading = '', ...lines] = part.split('\n');
      return [heading, (lines.join('\n').split(/^## /m)[0] ?? '').replaceAll('\n', ' ')];
    }),
);

it('has an entry for every reason, and none for what is no reason', () => {
  expect([...entries.keys()].sort()).toEqual(Object.keys(reasonMeanings).sort());
});

it('has each entry once, and leads to it from the top', () => {
  const headings = [...page.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading);
  expect(headings).toHaveLength(entries.size);
  for (const heading of entries.keys()) expect(page).toContain(`[${heading}](#${heading.toLowerCase()})`);
});

it.each(Object.entries(reasonMeanings))(
  'says of %s what it means, where it shows and what to do',
  (reason, meaning) => {
    const text = entries.get(reason);
    expect(text).toContain(meaning);
    expect(text).toMatch(/\*\*Shows:\*\* [^.]{5,}/);
    expect(text).toMatch(/```sh \S.+```/);
    expect(text).toMatch(/\*\*Do:\*\* \S.{5,}/);
  },
);

it.each(Object.entries(errorTable))('says of %s how a run exits with it', (code, { exit }) => {
  expect(entries.get(code)).toContain(`exit code ${exit}.`);
});
