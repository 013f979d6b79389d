import { jobConditionTypes, operatorConditionTypes } from './conditions.ts';
import { jobFieldNames, operatorFieldNames } from './providerStatus.ts';
import { fieldManagers } from './resource.ts';

/**
 * An apply takes away only what nobody but its own field manager has written. What somebody else has put into a field
 * of ours would stay for good: a condition `Stalled` written by hand, or an error that is long over.
 */
interface Part {
  readonly fields: readonly string[];
  readonly conditions: readonly string[];
}

const parts: Readonly<Record<string, Part>> = {
  [fieldManagers.operator]: { fields: operatorFieldNames, conditions: operatorConditionTypes },
  [fieldManagers.job]: { fields: jobFieldNames, conditions: jobConditionTypes },
};

type Fields = Readonly<Record<string, unknown>>;

const typesIn = (conditions: unknown): readonly unknown[] =>
  Array.isArray(conditions) ? conditions.map((one) => (one as { readonly type?: unknown }).type) : [];

/**
 * Of a status just after `manager` has applied `wanted`: the merge patch that takes away what of its fields is there
 * and not wanted. Null where there is nothing, as nearly always.
 */
export function leftoversPatch(status: unknown, wanted: object, manager: string): Fields | null {
  const part = parts[manager];
  if (part === undefined) return null;
  const found = (status ?? {}) as Fields;
  const kept = new Set(typesIn((wanted as Fields)['conditions']));
  const stray = part.conditions.filter(
    (type) => typesIn(found['conditions']).includes(type) && !kept.has(type),
  );
  const gone = part.fields
    .filter((name) => found[name] !== undefined && (wanted as Fields)[name] === undefined)
    .map((name) => [name, null] as const);
  if (stray.length === 0 && gone.length === 0) return null;
  const conditions = (found['conditions'] ?? []) as readonly { readonly type: string }[];
  return {
    ...Object.fromEntries(gone),
    ...(stray.length > 0 && { conditions: conditions.filter(({ type }) => !stray.includes(type)) }),
  };
}
