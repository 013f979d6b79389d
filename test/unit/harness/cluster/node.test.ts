// What the process node decides without asking anybody.
import { describe, expect, it } from 'vitest';
import { toHostPath } from '../../../harness/cluster/node/containerPaths.ts';
import { expand } from '../../../harness/cluster/node/expansion.ts';
import { podSchema } from '../../../harness/cluster/node/podSpec.ts';
import { parseQuantity } from '../../../harness/cluster/node/quantity.ts';
import { unsupportedReason } from '../../../harness/cluster/node/unsupported.ts';

describe('container paths', () => {
  const mappings = [
    { containerPath: '/app', hostPath: '/host/app' },
    { containerPath: '/app/data', hostPath: '/host/data' },
  ];

  it.each([
    ['/app', '/host/app'],
    ['/app/main.js', '/host/app/main.js'],
    ['/app/data/x', '/host/data/x'],
    ['--file=/app/main.js', '--file=/host/app/main.js'],
    ['/apples', '/apples'],
    ['see /app', 'see /app'],
    ['name=/app', 'name=/app'],
    ['', ''],
  ])('%s becomes %s', (text, expected) => {
    expect(toHostPath(text, mappings)).toBe(expected);
  });
});

describe('expansion', () => {
  it.each([
    ['$(A)-$(B)', '1-2'],
    ['$(C)', '$(C)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$1'],
    ['$A ${A} $(', '$A ${A} $('],
  ])('of %s is %s', (text, expected) => {
    expect(expand(text, { A: '1', B: '2' })).toBe(expected);
  });
});

describe('quantities', () => {
  it.each([
    ['128Mi', 134_217_728],
    ['1.5Gi', 1_610_612_736],
    ['100M', 100_000_000],
    ['4096', 4096],
    ['much', undefined],
  ])('%s is %s', (text, expected) => {
    expect(parseQuantity(text)).toBe(expected);
  });
});

describe('a Pod', () => {
  const pod = (spec: object, container: object = {}): ReturnType<typeof podSchema.parse> =>
    podSchema.parse({
      metadata: { name: 'a', namespace: 'b', uid: 'c', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { containers: [{ name: 'main', image: 'i', ...container }], ...spec },
    });

  it('of what the node knows is supported', () => {
    const volumes = [
      { name: 'a', emptyDir: {} },
      { name: 'b', projected: { sources: [] } },
    ];
    expect(unsupportedReason(pod({ volumes }))).toBeUndefined();
  });

  it.each([
    ['volume v (persistentVolumeClaim)', { volumes: [{ name: 'v', persistentVolumeClaim: {} }] }, {}],
    ['privileged container main', {}, { securityContext: { privileged: true } }],
    ['lifecycle hooks of container main', {}, { lifecycle: { preStop: {} } }],
    ['probes of container main other than httpGet', {}, { livenessProbe: { exec: { command: ['a'] } } }],
    ['source of the variable V', {}, { env: [{ name: 'V', valueFrom: { resourceFieldRef: {} } }] }],
    ['memory limit 1Zi', {}, { resources: { limits: { memory: '1Zi' } } }],
  ])('is refused for: %s', (words, spec, container) => {
    expect(unsupportedReason(pod(spec, container))).toContain(words);
  });
});
