import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { outlookProviderCrd, printerColumns } from '../../../api/crd.ts';
import { providerSpec } from '../../../api/providerSpec.ts';
import { providerStatus, statusWriters } from '../../../api/providerStatus.ts';
import { type StructuralSchema, structuralSchema } from '../../../api/structuralSchema.ts';
import { isHistory } from '../../../job/plan/history.ts';
import { leastSpec } from '../../harness/providerSamples.ts';
import { goodHistories } from '../../harness/providerTexts.ts';

const schema = outlookProviderCrd.spec.versions[0]?.schema.openAPIV3Schema;

function everyNode(node: StructuralSchema): StructuralSchema[] {
  const children = [
    ...Object.values(node.properties ?? {}),
    ...(node.items ? [node.items] : []),
    ...(node.additionalProperties ? [node.additionalProperties] : []),
  ];
  return [node, ...children.flatMap(everyNode)];
}

describe('the CRD', () => {
  it('shows the columns of the design, in its order', () => {
    const shown = (priority: 1 | undefined): string[] =>
      printerColumns.filter((column) => column.priority === priority).map(({ name }) => name);
    expect(shown(undefined)).toEqual([
      'EMAIL',
      'STATUS',
      'READY',
      'LAST SYNC',
      'MESSAGES',
      'SCHEDULE',
      'AGE',
    ]);
    expect(shown(1)).toEqual(['REASON', 'ERROR', 'NEXT SYNC', 'PROVIDER ID']);
  });

  it('describes every field of spec and status', () => {
    const { spec, status } = schema?.properties ?? {};
    const fields = [spec, status].flatMap((part) => (part ? everyNode(part) : []));
    const bare = fields.flatMap(({ properties = {} }) =>
      Object.entries(properties).filter(([, { description }]) => description === undefined),
    );
    expect(fields.length).toBeGreaterThan(50);
    expect(bare).toEqual([]);
  });

  it('has one writer or the two that share for each field of the status', () => {
    expect(Object.keys(statusWriters).sort()).toEqual(Object.keys(providerStatus.shape).sort());
  });

  it('bounds each text and list that a rule reads, so that the API server can tell what the rule costs', () => {
    const ruled = everyNode(schema ?? {}).filter(
      (node) => node['x-kubernetes-validations'] && node.type === 'string',
    );
    expect(ruled.length).toBeGreaterThan(10);
    expect(ruled.filter(({ maxLength }) => maxLength === undefined)).toEqual([]);
  });
});

describe('a structural schema', () => {
  it.each([
    ['anyOf', z.union([z.string(), z.int()])],
    ['const', z.literal('a')],
    ['exclusiveMinimum', z.number().positive()],
    ['pattern', z.string().regex(/a/)],
  ])('is refused where it would lose the word %s', (word, lossy) => {
    expect(() => structuralSchema(z.object({ a: lossy }))).toThrow(word);
  });

  it('has no bounds where zod only says that an integer is safe', () => {
    expect(structuralSchema(z.int())).toEqual({ type: 'integer', format: 'int64' });
    expect(structuralSchema(z.int().min(0).max(9))).toEqual({
      type: 'integer',
      format: 'int32',
      minimum: 0,
      maximum: 9,
    });
  });
});

describe('every history that the CRD takes, the job takes', () => {
  it.each(goodHistories)('%s', (history) => {
    expect(isHistory(history)).toBe(true);
  });

  it('and any other of one unit', () => {
    const units = ['Y', 'M', 'W', 'D', 'TH', 'TM', 'TS'] as const;
    const digits = fc.stringMatching(/^[0-9]{1,6}$/);
    fc.assert(
      fc.property(fc.constantFrom(...units), digits, (unit, number) => {
        const history = unit.startsWith('T') ? `PT${number}${unit.slice(1)}` : `P${number}${unit}`;
        const isGood = providerSpec.safeParse({ ...leastSpec, sync: { history } }).success;
        if (isGood) expect(isHistory(history)).toBe(true);
        else expect(!isHistory(history) || number.length > (unit === 'Y' ? 2 : 3)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
