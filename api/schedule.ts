/**
 * `H` in a schedule: a number that a provider keeps for life, taken from its uid, so that many providers with the same
 * schedule do not all run in the same minute (the idea is Jenkins'). The result is a schedule as Kubernetes knows it.
 */
interface Bounds {
  readonly low: number;
  readonly high: number;
  /** The last value that every period has: no February has a 29th to rely on. */
  readonly lastEverywhere: number;
}

const upTo = (low: number, high: number, lastEverywhere = high): Bounds => ({ low, high, lastEverywhere });

/** Minute, hour, day of month, month, day of week. */
const fields: readonly Bounds[] = [upTo(0, 59), upTo(0, 23), upTo(1, 31, 28), upTo(1, 12), upTo(0, 6)];

const hashed = /^H(?:\((\d+)-(\d+)\))?(?:\/(\d+))?$/;

/**
 * The same schedule with numbers in place of each `H`; one without comes back as it is.
 * - `H`: one value; of the days of a month one that every month has.
 * - `H(a-b)`: one value from a to b.
 * - `H/n`, `H(a-b)/n`: every n-th value, from one of the first n on.
 *
 * @param schedule one that `schedulePattern` matches
 * @param uid of the OutlookProvider
 */
export function resolveSchedule(schedule: string, uid: string): string {
  return schedule
    .split(' ')
    .map((field, index) => {
      const bounds = fields[index];
      const number = hash(`${uid}/${index}`);
      const resolve = (item: string): string => (bounds ? resolveItem(item, bounds, number) : item);
      return field.split(',').map(resolve).join(',');
    })
    .join(' ');
}

function resolveItem(item: string, bounds: Bounds, number: number): string {
  const parts = hashed.exec(item);
  if (!parts) return item;
  const [, from, to, every] = parts as unknown as readonly (string | undefined)[];
  const low = from === undefined ? bounds.low : Number(from);
  const high = to === undefined ? bounds.high : Number(to);
  const last = to === undefined ? bounds.lastEverywhere : high;
  const choices = last - low + 1;
  if (every === undefined) return String(low + (number % choices));
  const step = Number(every);
  const start = low + (number % Math.min(step, choices));
  // A range of one value with a step is refused by some, and means the value.
  return start + step > high ? String(start) : `${start}-${high}/${step}`;
}

/** FNV-1a, then the mixing step of MurmurHash3, since the low bits of FNV-1a of similar texts are similar. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    state = Math.imul(state ^ text.charCodeAt(index), 0x01000193);
  }
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}
