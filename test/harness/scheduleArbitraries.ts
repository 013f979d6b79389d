// Schedules at random, for tests that must hold for any of them.
import fc from 'fast-check';
import { dayNames, monthNames } from '../../api/patterns.ts';

interface Field {
  readonly low: number;
  readonly high: number;
  readonly names?: readonly string[];
}

const fields: readonly Field[] = [
  { low: 0, high: 59 },
  { low: 0, high: 23 },
  { low: 1, high: 31 },
  { low: 1, high: 12, names: monthNames },
  { low: 0, high: 6, names: dayNames },
];

/** `slack` is how far beyond its bounds a value may go, and whether ranges may run backwards. */
function item({ low, high, names }: Field, slack: number): fc.Arbitrary<string> {
  const value = fc.integer({ min: Math.max(0, low - slack), max: high + slack });
  const pair = fc.tuple(value, value).map(([a, b]) => (slack > 0 || a <= b ? `${a}-${b}` : `${b}-${a}`));
  const word =
    names === undefined ? [] : [fc.constantFrom(...names, ...names.map((one) => one.toLowerCase()))];
  const start = fc.oneof(
    fc.constantFrom('*', '?', 'H'),
    value.map(String),
    pair,
    pair.map((range) => `H(${range})`),
    ...word,
  );
  const step = fc.option(fc.integer({ min: slack > 0 ? 0 : 1, max: 99 }), { nil: undefined });
  return fc.tuple(start, step).map(([from, every]) => (every === undefined ? from : `${from}/${every}`));
}

const scheduleOf = (slack: number): fc.Arbitrary<string> =>
  fc
    .tuple(...fields.map((field) => fc.array(item(field, slack), { minLength: 1, maxLength: 2 })))
    .map((lists) => lists.map((items) => items.join(',')).join(' '));

/** Valid but for days that no month has. */
export const anySchedule = scheduleOf(0);

/** Nearly valid: about as often good as bad. */
export const nearSchedule = fc.oneof(anySchedule, scheduleOf(1));
