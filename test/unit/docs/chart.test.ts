// What the documentation says of the chart: that each of its alerts has an entry, and that values it names exist.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';

const ROOT = join(import.meta.dirname, '../../..');
const read = (path: string): Promise<string> => readFile(join(ROOT, path), 'utf8');

const alertsFile = z.object({
  rules: z.array(z.object({ alert: z.string(), severity: z.string(), of: z.string().optional() })),
});

it('every alert has its entry under its name, with its severity, and no other has', async () => {
  const page = await read('docs/metrics-and-alerts.md');
  const { rules } = alertsFile.parse(parse(await read('charts/outlook-sync/files/alerts.yaml')));
  const headings = [...page.matchAll(/^### (Outlook\w+)$/gm)].map(([, name]) => name);
  expect(headings).toEqual(rules.map(({ alert }) => alert));
  const listed = [...page.matchAll(/^\| \[(\w+)\]\(#\w+\) +\| (\w+) +\| (\w*) *\|$/gm)];
  const asListed = listed.map(([, alert, severity, webhook]) => ({
    alert,
    severity,
    webhook: webhook === 'yes',
  }));
  expect(asListed).toEqual(
    rules.map(({ alert, severity, of }) => ({ alert, severity, webhook: of === 'webhook' })),
  );
});

it('every entry of an alert says what it means, why, and what to do', async () => {
  const page = await read('docs/metrics-and-alerts.md');
  const entries = page.split(/^### (?=Outlook)/m).slice(1);
  expect(entries.length).toBeGreaterThan(0);
  for (const entry of entries) expect(entry).toMatch(/\*\*Means:\*\* .+\*\*Causes:\*\* .+\*\*Do:\*\*/s);
});

/** Paths of values with dots, as `--set` takes them, and the beginnings of such. */
function pathsOf(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path];
  const below = Object.entries(value).flatMap(([name, one]) =>
    pathsOf(one, path === '' ? name : `${path}.${name}`),
  );
  return path === '' ? below : [path, ...below];
}

/** In code only, and of `--set a.b=c,d.e=f` both. The figures of benchmarks.md look alike and are none. */
function valuesNamedIn(text: string, tops: readonly string[]): string[] {
  const code = text.match(/```.*?```|`[^`\n]+`/gs) ?? [];
  const name = new RegExp(`(?<![\\w./{-])(?:${tops.join('|')})\\.[a-zA-Z][\\w.]*\\w`, 'g');
  return code.flatMap((piece) => piece.match(name) ?? []);
}

it('every value of the chart that is named exists', async () => {
  const values = parse(await read('charts/outlook-sync/values.yaml')) as Record<string, unknown>;
  const known = new Set(pathsOf(values));
  const nested = Object.keys(values).filter((top) => [...known].some((path) => path.startsWith(`${top}.`)));
  const pages = (await readdir(join(ROOT, 'docs'))).filter(
    (name) => name.endsWith('.md') && name !== 'benchmarks.md',
  );
  const named = await Promise.all(
    pages.map(async (page) =>
      valuesNamedIn(await read(`docs/${page}`), nested).map((value) => ({ page, value })),
    ),
  );
  expect(named.flat().length).toBeGreaterThan(20);
  expect(named.flat().filter(({ value }) => !known.has(value))).toEqual([]);
});
