// What a value of the chart is: a default, a sentence, and a JSON schema. values.yaml, values.schema.json and the table
// of the chart's README are all made from the one tree of these.
import type { Variable } from '../../api/environment.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Leaf {
  /** One or more sentences for people, the last without a full stop. */
  readonly about: string;
  readonly value: unknown;
  readonly schema: JsonSchema;
}

export interface Group {
  readonly about: string;
  readonly fields: Readonly<Record<string, Node>>;
}

export type Node = Leaf | Group;

export const isGroup = (node: Node): node is Group => 'fields' in node;

export const group = (about: string, fields: Group['fields']): Group => ({ about, fields });

export const text = (about: string, value = '', schema: JsonSchema = {}): Leaf => ({
  about,
  value,
  schema: { type: 'string', ...schema },
});

export const choice = (about: string, value: unknown, words: readonly unknown[]): Leaf => ({
  about,
  value,
  schema: { enum: words },
});

export const flag = (about: string, value: boolean): Leaf => ({ about, value, schema: { type: 'boolean' } });

export const integer = (about: string, value: number, minimum: number, maximum: number): Leaf => ({
  about,
  value,
  schema: { type: 'integer', minimum, maximum },
});

/** A list of words. */
export const words = (about: string, value: readonly string[] = [], item: JsonSchema = {}): Leaf => ({
  about,
  value,
  schema: { type: 'array', items: { type: 'string', minLength: 1, ...item }, uniqueItems: true },
});

/** Labels or annotations. */
export const texts = (about: string, value: Readonly<Record<string, string>> = {}): Leaf => ({
  about,
  value,
  schema: { type: 'object', additionalProperties: { type: 'string' } },
});

/** An object as Kubernetes has it, which the API server judges. */
export const manifest = (about: string, value: object = {}): Leaf => ({
  about,
  value,
  schema: { type: 'object' },
});

/** Several of these. */
export const manifests = (about: string, value: readonly object[] = []): Leaf => ({
  about,
  value,
  schema: { type: 'array', items: { type: 'object' } },
});

/** A setting of a program: meaning, range and default are those of its table. */
export function setting({ meaning, range, oneOf, fallback = '' }: Variable, schema: JsonSchema = {}): Leaf {
  if (range !== undefined) return integer(meaning, Number(fallback), ...range);
  if (oneOf !== undefined) return choice(meaning, fallback, oneOf);
  return text(meaning, fallback, schema);
}
