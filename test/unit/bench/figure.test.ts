import { describe, expect, it } from 'vitest';
import { type Figure, json, table } from '../../bench/figure.ts';

const figure = (over: Partial<Figure>): Figure => ({
  key: 'sync.some',
  title: 'some figure',
  value: 1,
  detail: 'something',
  ...over,
});

describe('the table', () => {
  it('says loudly which goals are not met, in their row and below', () => {
    const text = table('heading', [
      figure({ title: 'slow', value: 0.5, goal: { atLeast: 0.8 } }),
      figure({ title: 'big', value: 3, goal: { atMost: 2 } }),
      figure({ title: 'good', value: 0.8, goal: { atLeast: 0.8 } }),
    ]);
    expect(text.match(/^.*\*\* NOT met \*\*.*$/gm)).toEqual([
      expect.stringContaining('slow'),
      expect.stringContaining('big'),
    ]);
    expect(text).toContain('2 of 3 goals are NOT met: slow; big.');
  });

  it('judges no figure that has no goal', () => {
    const text = table('heading', [figure({}), figure({ value: 2, goal: { atMost: 2 } })]);
    expect(text).toContain('All 1 goals are met.');
    expect(text.match(/\bmet\b/g)).toHaveLength(2);
  });
});

describe('the line of JSON', () => {
  it('has the figures that have a key, flat, as numbers', () => {
    const line = json([
      figure({ value: 0.85 }),
      figure({ key: null }),
      figure({ key: 'sync.more', value: 12 }),
    ]);
    expect(line).toBe('{"sync.some":0.85,"sync.more":12}');
  });

  it.each([NaN, Infinity])('refuses %s', (value) => {
    expect(() => json([figure({ value })])).toThrow('sync.some is no finite number');
  });
});
