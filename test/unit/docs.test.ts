// What the documentation promises and a machine can check: that every error and variable is explained, that links
// lead somewhere, and that the commands it names exist.
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { environment } from '../../api/environment.ts';
import { exitCodes } from '../../api/exitCodes.ts';
import { errorTable } from '../../job/errors.ts';

const ROOT = join(import.meta.dirname, '..', '..');

interface Page {
  readonly file: string;
  readonly text: string;
}

const names = await readdir(join(ROOT, 'docs'), { recursive: true });
const files = ['README.md', 'CONTRIBUTING.md', ...names.map((name) => join('docs', name))];
const pages: readonly Page[] = await Promise.all(
  files
    .filter((file) => file.endsWith('.md'))
    .sort()
    .map(async (file) => ({ file, text: await readFile(join(ROOT, file), 'utf8') })),
);

const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')));

function textOf(file: string): string {
  const page = pages.find((one) => one.file === file);
  if (page === undefined) throw new Error(`There is no ${file}`);
  return page.text;
}

/** The first cells of a page's table rows that are code, with the whole row. */
function entriesOf(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^\| `([^`]+)` .*$/gm)].map(([row, name = '']) => [name, row]));
}

/** The anchor that a heading has on the usual forges: lower case, blanks to hyphens, other signs dropped. */
function anchorsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

const linksOf = ({ text }: Page): string[] =>
  [...text.replaceAll(/```.*?```/gs, '').matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);

describe('the operating manual', () => {
  const manual = textOf('docs/operations-of-the-job.md');
  const sections = manual.split(/^### (?=Exit )/m);

  it.each(Object.entries(errorTable))('explains %s, under its exit code', (code, { exit, retry }) => {
    const section = sections.find((one) => one.startsWith(`Exit ${exit}:`)) ?? '';
    const row = entriesOf(section).get(code);
    expect(row?.split('|').length).toBeGreaterThan(4);
    const [, , retried = ''] = row?.split('|') ?? [];
    if (/^ (yes|no) +$/.test(retried)) expect(retried.trim()).toBe(retry === 'retry' ? 'yes' : 'no');
    else expect(retry).toBe('terminal');
  });

  it('explains no error that does not exist', () => {
    const explained = sections
      .slice(1)
      .flatMap((section) => [...entriesOf(section.split(/^## /m)[0] ?? '').keys()]);
    expect(explained.sort()).toEqual(Object.keys(errorTable).sort());
  });

  it.each(Object.values(exitCodes))('explains the exit code %i', (code) => {
    expect(manual).toMatch(new RegExp(`^\\| ${code} +\\|`, 'm'));
  });
});

it.each(Object.keys(environment))('the reference explains %s', (name) => {
  expect([...entriesOf(textOf('docs/reference/environment.md')).keys()]).toContain(name);
});

describe.each(pages)('$file', (page) => {
  it('names no variable that does not exist', () => {
    const named = page.text.match(/\b(?:OUTLOOK|NOTIFICATION)_[A-Z_]*[A-Z]\b/g) ?? [];
    expect(named.filter((name) => !(name in environment))).toEqual([]);
  });

  it('has links that lead somewhere', () => {
    const dead = linksOf(page).filter((link) => {
      if (/^https:\/\//.test(link)) return URL.parse(link) === null;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page.file : relative(ROOT, join(ROOT, dirname(page.file), path));
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !anchorsOf(textOf(target)).has(anchor);
    });
    expect(dead).toEqual([]);
  });

  it('names no command that does not exist', () => {
    const commands = [...page.text.matchAll(/npm run ([\w-]+)/g)].map(([, name = '']) => name);
    expect(commands.filter((name) => !(name in scripts))).toEqual([]);
  });
});

it('the decisions are listed, each once and in order', async () => {
  const decisions = (await readdir(join(ROOT, 'docs', 'decisions')))
    .filter((name) => /^\d{4}-/.test(name))
    .sort();
  const listed = linksOf({ file: '', text: textOf('docs/decisions/README.md') });
  expect(listed).toEqual(decisions);
  expect(decisions.map((name) => Number(name.slice(0, 4)))).toEqual(decisions.map((_, index) => index + 1));
});
