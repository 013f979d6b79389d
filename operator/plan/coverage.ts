/**
 * Whether what is observed has all that is wanted. What the API server fills in and what others add is no concern of
 * ours, so that at rest nothing is written; what of ours was changed by hand is.
 */

type Json = unknown;

const isObject = (value: Json): value is Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The API server drops these. It keeps `false` where it means something else than nothing. */
function isEmpty(value: Json): boolean {
  if (value === undefined || value === null || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.keys(value).length === 0;
}

const isNamed = (value: Json): value is { readonly name: string } =>
  isObject(value) && typeof value['name'] === 'string';

export function covers(observed: Json, wanted: Json): boolean {
  if (isEmpty(wanted)) return true;
  if (Array.isArray(wanted)) return Array.isArray(observed) && coversList(observed, wanted);
  if (!isObject(wanted)) return observed === wanted;
  if (!isObject(observed)) return false;
  return Object.entries(wanted).every(([key, value]) =>
    key === 'resources' ? coversQuantities(observed[key], value) : covers(observed[key], value),
  );
}

/**
 * By position; but items with names (containers, variables) by name: server-side apply merges those by name, others
 * may add some, and their order is not ours to say.
 */
function coversList(observed: readonly Json[], wanted: readonly Json[]): boolean {
  if (wanted.every(isNamed))
    return wanted.every((one) =>
      covers(
        observed.find((other) => isNamed(other) && other.name === one.name),
        one,
      ),
    );
  return observed.length === wanted.length && wanted.every((one, index) => covers(observed[index], one));
}

/** Requests and limits: `1000m` is written back as `1`. */
function coversQuantities(observed: Json, wanted: Json): boolean {
  if (isObject(wanted))
    return Object.entries(wanted).every(
      ([key, value]) => isEmpty(value) || (isObject(observed) && coversQuantities(observed[key], value)),
    );
  if (Array.isArray(wanted)) return covers(observed, wanted);
  const [left, right] = [quantity(observed), quantity(wanted)];
  return left === null || right === null ? observed === wanted : isAsMuch(left, right);
}

const units: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** Null for what is no quantity of Kubernetes. */
function quantity(value: Json): number | null {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return null;
  const [, number, exponent, unit = ''] =
    /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i))?$/.exec(value) ?? [];
  if (number === undefined) return null;
  return exponent === undefined ? Number(number) * (units[unit] ?? Number.NaN) : Number(number + exponent);
}

const isAsMuch = (left: number, right: number): boolean =>
  Math.abs(left - right) <= 1e-9 * Math.max(Math.abs(left), Math.abs(right));
