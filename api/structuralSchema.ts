import * as z from 'zod';

/** A node of a structural schema, the subset of OpenAPI v3 that a CRD may use. */
export interface StructuralSchema {
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly items?: StructuralSchema;
  readonly additionalProperties?: StructuralSchema;
  readonly 'x-kubernetes-validations'?: readonly Validation[];
  readonly 'x-kubernetes-preserve-unknown-fields'?: true;
  readonly 'x-kubernetes-list-type'?: 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
}

interface Validation {
  readonly rule: string;
  readonly message: string;
  readonly reason?: string;
  readonly fieldPath?: string;
}

/** What is taken over as it is, in the order in which it is written. */
const keywords = [
  'description',
  'type',
  'format',
  'default',
  'enum',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'maxItems',
  'maxProperties',
  'required',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-validations',
] as const;

/** Zod's own words for what a structural schema says otherwise, or not at all. */
const droppable = new Set([
  '$schema',
  'propertyNames',
  'pattern',
  'properties',
  'items',
  'additionalProperties',
]);

const INT32 = 2_147_483_647;

type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * A zod schema as a CRD states it.
 * @throws Error when it would lose something: a union, a literal, a regular expression that is no rule of `specRules`
 */
export function structuralSchema(schema: z.ZodType): StructuralSchema {
  return structural(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'throw' }), 'it');
}

function structural(node: JsonSchema, path: string): StructuralSchema {
  const lost = Object.keys(node).filter((key) => !droppable.has(key) && !isKeyword(key));
  if (lost.length > 0) throw new Error(`A CRD cannot state ${lost.join(', ')} of ${path}`);
  if ('pattern' in node && node['format'] !== 'date-time')
    throw new Error(`The pattern of ${path} has no message for people: make it a rule`);
  return {
    ...Object.fromEntries(keywords.filter((key) => states(node, key)).map((key) => [key, node[key]])),
    ...(node['type'] === 'integer' ? { format: isNarrow(node) ? 'int32' : 'int64' } : {}),
    ...children(node, path),
  };
}

const isKeyword = (key: string): boolean => (keywords as readonly string[]).includes(key);

const isNarrow = ({ maximum }: JsonSchema): boolean => typeof maximum === 'number' && maximum <= INT32;

/** The bounds that zod gives to every integer bound nothing. */
function states(node: JsonSchema, key: string): boolean {
  if (!(key in node)) return false;
  return !['minimum', 'maximum'].includes(key) || Math.abs(Number(node[key])) < Number.MAX_SAFE_INTEGER;
}

function children(node: JsonSchema, path: string): StructuralSchema {
  if (node['x-kubernetes-preserve-unknown-fields'] === true) return {};
  const { properties, items, additionalProperties } = node as Readonly<
    Record<string, JsonSchema | undefined>
  >;
  const named = Object.entries((properties ?? {}) as Readonly<Record<string, JsonSchema>>).map(
    ([name, child]) => [name, structural(child, `${path}.${name}`)] as const,
  );
  return {
    ...(properties ? { properties: Object.fromEntries(named) } : {}),
    ...(items ? { items: structural(items, `${path}[]`) } : {}),
    ...(additionalProperties ? { additionalProperties: structural(additionalProperties, `${path}.*`) } : {}),
  };
}
