// What a benchmark finds: figures with their goals, as a table for people and as one line of JSON for programs.

export interface Figure {
  /** Its name in the JSON; null for one that only the table shows. */
  readonly key: string | null;
  readonly title: string;
  readonly value: number;
  readonly unit?: string;
  readonly goal?: Goal;
  /** Least and most over the rounds. */
  readonly range?: readonly [number, number];
  /** What it was measured on. */
  readonly detail: string;
}

type Goal = { readonly atLeast: number } | { readonly atMost: number };

function isMet(value: number, goal: Goal): boolean {
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost;
}

/** Three significant digits, and no fewer than the digits before the point. */
function shown(value: number): string {
  const rounded = value >= 1000 ? Math.round(value) : Number(value.toPrecision(3));
  return rounded.toLocaleString('en-US', { maximumFractionDigits: 3 });
}

const shownGoal = (goal: Goal): string =>
  'atLeast' in goal ? `>= ${shown(goal.atLeast)}` : `<= ${shown(goal.atMost)}`;

function cells({ title, value, unit, goal, range, detail }: Figure): string[] {
  const verdict = goal === undefined ? '' : isMet(value, goal) ? 'met' : '** NOT met **';
  const figure = `${shown(value)}${unit === undefined ? '' : ` ${unit}`}`;
  const spread = range === undefined ? '' : `${shown(range[0])} .. ${shown(range[1])}`;
  return [title, goal === undefined ? '' : shownGoal(goal), figure, spread, verdict, detail];
}

/** A readable table, with a last line that says how many goals are not met. */
export function table(heading: string, figures: readonly Figure[]): string {
  const rows = [['', 'goal', 'figure', 'min .. max', '', 'measured on'], ...figures.map(cells)];
  const widths = rows.reduce<number[]>(
    (most, row) => row.map((cell, i) => Math.max(most[i] ?? 0, cell.length)),
    [],
  );
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const judged = figures.filter((figure) => figure.goal !== undefined);
  const missed = judged.filter(({ value, goal }) => goal !== undefined && !isMet(value, goal));
  const verdict =
    missed.length === 0
      ? `All ${judged.length} goals are met.`
      : `${missed.length} of ${judged.length} goals are NOT met: ${missed.map(({ title }) => title).join('; ')}.`;
  return [heading, '', ...lines, '', verdict, ''].join('\n');
}

/** One line: an object of numbers by key. */
export function json(figures: readonly Figure[]): string {
  const entries = figures.flatMap(({ key, value }) => (key === null ? [] : [[key, value] as const]));
  const odd = entries.find(([, value]) => !Number.isFinite(value));
  if (odd) throw new Error(`${odd[0]} is no finite number`);
  return JSON.stringify(
    Object.fromEntries(entries.map(([key, value]) => [key, Number(value.toPrecision(6))])),
  );
}
