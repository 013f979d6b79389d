// Takes out of kubectl's output what differs from one run to the next, and puts in what could as well stand there.

const NOW = '2026-11-25T10:00:00Z';
const LATER = '2026-11-26T06:30:00Z';
const UID = '5f6c1d2e-8a3b-4c7d-9e0f-1a2b3c4d5e6f';
const AGE = '5m';

const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;
const age = /^(?:\d+[smh])+$/;

const examples: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g, UID],
  [/(Credentials Version: .*)\/\d+/g, '$1/812'],
  [/(Resource Version: +)\d+/g, '$1943'],
  [/(Last Sync Duration: +)[\d.]+s/g, '$11.083s'],
  [/(outlook-sync-[a-z]+)-[0-9a-f]{10}-[a-z0-9]{5}\b/g, '$1-4f1c2a9b7e-x2x7q'],
  [/(outlook-sync-[a-z]+)-[0-9a-f]{10}\b/g, '$1-4f1c2a9b7e'],
  [/operator-[0-9a-f]{6}(?:_[0-9a-f]{8})?/g, 'outlook-sync-operator-7c9d5b6f4-x2x7q'],
];

export function alwaysTheSame(output: string, namespace: string): string {
  const text = examples.reduce(
    (before, [pattern, example]) => before.replaceAll(pattern, example),
    output.replaceAll(namespace, 'inbox'),
  );
  const lines = text
    .replaceAll(time, (found) => (Date.parse(found) > Date.now() ? LATER : NOW))
    .split('\n')
    .map((line) => line.trimEnd());
  const events = lines.indexOf('Events:');
  if (events >= 0) return [...lines.slice(0, events + 1), ...sortedTable(lines.slice(events + 1))].join('\n');
  return (/^NAME +[A-Z]/.test(text) ? table(lines) : lines).join('\n');
}

/** The order of Events that came in the same second is any. */
function sortedTable(lines: readonly string[]): string[] {
  const [header = '', , ...rows] = lines;
  const [first = '', ...others] = table([header, ...rows.filter((row) => row !== '')]);
  return [first, ...others.sort()];
}

/** The same table with other ages, and so with other widths. */
function table(lines: readonly string[]): string[] {
  const [header = ''] = lines;
  const starts = [...header.matchAll(/\S+(?: \S+)*/g)].map(({ index }) => index);
  const rows = lines.map((line) =>
    starts.map((start, column) => {
      const cell = line.slice(start, starts[column + 1]).trimEnd();
      return age.test(cell) ? AGE : cell;
    }),
  );
  const widths = starts.map((_start, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const indent = ' '.repeat(starts[0] ?? 0);
  return rows.map((row) =>
    `${indent}${row.map((cell, column) => cell.padEnd((widths[column] ?? 0) + 3)).join('')}`.trimEnd(),
  );
}
