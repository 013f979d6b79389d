// Repeated measurements: all sides in turn, again and again, so that what disturbs the machine disturbs all of them.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Resolves to what was measured, such as milliseconds. */
export type Measurement = () => Promise<number>;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
}

export const range = (values: readonly number[]): [number, number] => [
  Math.min(...values),
  Math.max(...values),
];

/** Measures A B C A B C …; one list of values for each side, in the order of rounds. */
export async function interleave<Side extends string>(
  rounds: number,
  sides: Readonly<Record<Side, Measurement>>,
): Promise<Record<Side, number[]>> {
  const names = Object.keys(sides) as Side[];
  const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Side, number[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) values[name].push(await sides[name]());
  }
  return values;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Milliseconds that `work` takes, begun with a clean heap: what ran before leaves no garbage for it to clear. */
export async function timed(work: () => Promise<void>): Promise<number> {
  collect();
  const started = performance.now();
  await work();
  return performance.now() - started;
}
