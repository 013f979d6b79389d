// What the documentation promises and a machine can check: that every error, reason, variable and metric is explained,
// that links lead somewhere, and that the commands it names exist.
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { operatorReasons } from '../../api/conditions.ts';
import { reasonMeanings } from '../../api/conditionReference.ts';
import { environment } from '../../api/environment.ts';
import { exitCodes } from '../../api/exitCodes.ts';
import { jobEnvironment } from '../../api/jobEnvironment.ts';
import { handedOnToJobs, operatorEnvironment } from '../../api/operatorEnvironment.ts';
import { webhookEnvironment } from '../../api/webhookEnvironment.ts';
import { errorTable } from '../../job/errors.ts';
import { Metrics } from '../../operator/metrics.ts';
import { providerMetrics } from '../../operator/providerMetrics.ts';
import { readSources } from '../architecture/sources.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const VARIABLE = /\b(?:OUTLOOK|NOTIFICATION)_[A-Z0-9_]*[A-Z0-9]\b/g;

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

/** All that the operator serves but what prom-client adds of the process itself. */
async function metricNames(): Promise<string[]> {
  const metrics = new Metrics({ workers: 1, leaseName: 'lease' });
  metrics.queueObserver();
  metrics.ask({
    unfinished: () => ({ totalMs: 0, longestMs: 0 }),
    isLeader: () => false,
    informers: () => [],
    backfills: () => ({ active: 0, waiting: 0 }),
  });
  const texts = [await metrics.registry.metrics()];
  for await (const piece of providerMetrics(() => [])) texts.push(piece);
  const served = [...texts.join('').matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);
  return served.filter((name) => !/^(process|nodejs)_/.test(name));
}

describe("the operator's manual", () => {
  const manual = textOf('docs/operations-of-the-operator.md');
  const sectionOf = (heading: string): string =>
    manual.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';

  it('explains every reason that is no error of a run, and no others', () => {
    const explained = [...entriesOf(sectionOf('Reasons')).keys()].filter((name) => !(name in errorTable));
    const reasons = Object.keys(reasonMeanings).filter((name) => !(name in errorTable));
    expect(explained.sort()).toEqual(reasons.sort());
  });

  it.each(Object.keys(operatorReasons))('says what to do about %s', (reason) => {
    const [, , meaning = '', remedy = ''] = entriesOf(sectionOf('Reasons')).get(reason)?.split('|') ?? [];
    expect(meaning.trim()).not.toBe('');
    expect(remedy.trim()).not.toBe('');
  });

  it('explains every metric that is served, and no others', async () => {
    const explained = [...entriesOf(sectionOf('Metrics')).keys()];
    expect(explained.sort()).toEqual((await metricNames()).sort());
  });

  it('alerts on metrics that are served', async () => {
    const named =
      sectionOf('Alerts').match(/\b(?:outlook|controller_runtime|leader_election)_[a-z_]+/g) ?? [];
    const served = await metricNames();
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((name) => !served.includes(name))).toEqual([]);
  });

  it.each([0, 1, exitCodes.usage, exitCodes.bug])('explains the exit code %i', (code) => {
    expect(sectionOf('Exit codes, probes and logs')).toMatch(new RegExp(`^\\| ${code} +\\|`, 'm'));
  });
});

it.each(Object.keys(environment))('the reference explains %s', (name) => {
  expect([...entriesOf(textOf('docs/reference/environment.md')).keys()]).toContain(name);
});

it.each(Object.keys(webhookEnvironment))('the reference of the webhook explains %s', (name) => {
  expect([...entriesOf(textOf('docs/reference/webhook-environment.md')).keys()]).toContain(name);
});

it.each(Object.keys(operatorEnvironment))('the reference of the operator explains %s', (name) => {
  expect([...entriesOf(textOf('docs/reference/operator-environment.md')).keys()]).toContain(name);
});

/** Those of the programs, and those that tests and scripts read for themselves. */
const sources = await readSources(ROOT);

function knownVariables(): Set<string> {
  const own = sources
    .filter(({ path }) => /^(test\/(harness|e2e)|scripts)\//.test(path))
    .flatMap(({ text }) => text.match(VARIABLE) ?? []);
  const tables = [environment, operatorEnvironment, webhookEnvironment].flatMap((table) =>
    Object.keys(table),
  );
  return new Set([...tables, ...handedOnToJobs, ...Object.values(jobEnvironment), ...own]);
}

describe.each(pages)('$file', (page) => {
  it('names no variable that does not exist', () => {
    const known = knownVariables();
    expect((page.text.match(VARIABLE) ?? []).filter((name) => !known.has(name))).toEqual([]);
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
