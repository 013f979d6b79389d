// The reference of OutlookProvider, made from the CRD that the API server applies.
import { conditionMeanings, reasonMeanings } from '../api/conditionReference.ts';
import { outlookProviderCrd, printerColumns } from '../api/crd.ts';
import { statusWriters } from '../api/providerStatus.ts';
import { apiVersion } from '../api/resource.ts';
import type { StructuralSchema } from '../api/structuralSchema.ts';

interface FieldRow {
  readonly path: string;
  readonly schema: StructuralSchema;
  readonly isRequired: boolean;
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = (text: string): string => `\`${text}\``;

function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heading, heading.map(() => '---'), ...rows.map((row) => row.map(cell))];
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
}

/** The fields below a schema, each before those that it holds. */
function fieldsOf(schema: StructuralSchema, prefix: string): FieldRow[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const path = `${prefix}${name}`;
    const isRequired = schema.required?.includes(name) ?? false;
    return [{ path, schema: child, isRequired }, ...fieldsOf(child, `${path}.`), ...itemsOf(child, path)];
  });
}

const itemsOf = ({ items }: StructuralSchema, path: string): FieldRow[] =>
  items?.properties === undefined ? [] : fieldsOf(items, `${path}[].`);

function typeOf({ type = '', format, items, additionalProperties }: StructuralSchema): string {
  if (items) return `list of ${typeOf(items)}`;
  if (additionalProperties) return `map of ${typeOf(additionalProperties)}`;
  return format === 'date-time' ? 'time' : type;
}

function accepted(schema: StructuralSchema): string {
  const { minimum, maximum, maxLength, maxItems, maxProperties, items } = schema;
  const parts = [
    ...(schema.enum ? [schema.enum.map(code).join(', ')] : []),
    ...(minimum !== undefined && maximum !== undefined ? [`${minimum} to ${maximum}`] : []),
    ...(maxLength === undefined ? [] : [`up to ${maxLength} characters`]),
    ...(maxItems === undefined ? [] : [`up to ${maxItems} entries`]),
    ...(maxProperties === undefined ? [] : [`up to ${maxProperties} entries`]),
    ...(items?.maxLength === undefined ? [] : [`each up to ${items.maxLength} characters`]),
    ...(schema['x-kubernetes-preserve-unknown-fields'] === true ? ['judged with the CronJob'] : []),
  ];
  return parts.join('; ');
}

function fallback({ schema, isRequired }: FieldRow): string {
  if (isRequired) return 'required';
  const value = schema.default;
  if (value === undefined || (typeof value === 'object' && !Array.isArray(value))) return '';
  return code(typeof value === 'string' ? value : JSON.stringify(value));
}

function rulesOf(path: string, schema: StructuralSchema): string[][] {
  const own = (schema['x-kubernetes-validations'] ?? []).map(({ message, fieldPath = '' }) => [
    code(`${path}${fieldPath}`),
    message.replaceAll('*', '\\*'),
  ]);
  const nested = Object.entries(schema.properties ?? {}).flatMap(([name, child]) =>
    rulesOf(`${path}.${name}`, child),
  );
  return [...own, ...nested, ...(schema.items ? rulesOf(`${path}[]`, schema.items) : [])];
}

function part(name: 'spec' | 'status'): StructuralSchema {
  const found = outlookProviderCrd.spec.versions[0]?.schema.openAPIV3Schema.properties?.[name];
  if (found === undefined) throw new Error(`The CRD has no ${name}`);
  return found;
}

const specRow = (row: FieldRow): string[] => [
  code(row.path),
  typeOf(row.schema),
  accepted(row.schema),
  fallback(row),
  row.schema.description ?? '',
];

function statusRow({ path, schema }: FieldRow): string[] {
  const writer = statusWriters[/^\w+/.exec(path)?.[0] ?? ''] ?? '';
  return [code(path), typeOf(schema), writer, accepted(schema), schema.description ?? ''];
}

function columns(): string {
  const rows = printerColumns.map(({ name, jsonPath, priority, description }) => [
    name,
    code(jsonPath),
    priority === undefined ? '' : 'with `-o wide`',
    description,
  ]);
  return table(['column', 'from', '', 'meaning'], rows);
}

const schedules = `### Schedules

\`schedule\` is what a CronJob takes (five fields, names of months and days in any case, \`?\` for \`*\`, steps to 99), but for
\`@hourly\` and its kind, time zones within it, and ranges that mix names and numbers. Besides:

| in any field | means |
| --- | --- |
| \`H\` | one value that the provider keeps for life; of the days of a month one to 28 |
| \`H/n\` | every n-th value, from one of the first n on: \`H/5\` in minutes may be \`3-59/5\` |
| \`H(a-b)\`, \`H(a-b)/n\` | the same between a and b |

The value comes from the uid of the resource, so that not all providers run in the same minute.`;

/** The whole page, as Markdown. */
export function renderProviderReference(): string {
  const { names } = outlookProviderCrd.spec;
  const conditions = Object.entries(conditionMeanings).map(([type, { writer, meaning }]) => [
    code(type),
    writer,
    meaning,
  ]);
  const reasons = Object.entries(reasonMeanings).map(([reason, meaning]) => [code(reason), meaning]);
  return `# OutlookProvider

Generated by \`npm run generate\` from \`api/\`. ${code(apiVersion)}, namespaced; \`kubectl get ${names.plural}\`, or
${names.shortNames.map(code).join(', ')}, or with others the category ${names.categories.map(code).join(', ')}. Examples are in
[docs/examples](../examples).

## spec

A value out of range is refused by the API server; it is never bent into the range. A field that nobody knows is refused
by \`kubectl\`, and dropped where a client does not ask for strictness.

${table(['field', 'type', 'accepted', 'default', 'meaning'], fieldsOf(part('spec'), '').map(specRow))}

### Rules

What the API server says when one is broken, with the field in front.

${table(['field', 'rule'], rulesOf('spec', part('spec')))}

${schedules}

## status

Each field has one writer, by server-side apply under a field manager of its own. \`phase\` is the job's while it runs,
and the operator's where no job can tell; of \`conditions\`, each type has one writer.

${table(['field', 'type', 'writer', 'values', 'meaning'], fieldsOf(part('status'), '').map(statusRow))}

### Conditions

${table(['type', 'writer', 'when it is True'], conditions)}

### Reasons

Reasons of conditions and of Events. Those of a failed sync are also the \`error.code\` of the job's summary line.

${table(['reason', 'meaning'], reasons)}

## kubectl get

${columns()}
`;
}
