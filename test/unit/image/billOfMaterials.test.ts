import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { billOfMaterials, type Ingredients } from '../../../scripts/image/billOfMaterials.ts';
import type { BundledPackage } from '../../../scripts/image/bundledPackages.ts';
import { thirdPartyNotices } from '../../../scripts/image/notices.ts';

const bundled = (name: string, more: Partial<BundledPackage> = {}): BundledPackage => ({
  name,
  version: '1.0.0',
  licence: 'MIT',
  integrity: `sha512-${Buffer.from('abc').toString('base64')}`,
  texts: ['Do as you like.'],
  programs: ['job'],
  ...more,
});

const ingredients: Ingredients = {
  name: 'outlook-sync',
  version: '1.2.3',
  licence: 'Apache-2.0',
  programs: [
    { name: 'job', sha256: 'aa' },
    { name: 'operator', sha256: 'bb' },
  ],
  packages: [
    bundled('@scope/one'),
    bundled('two', { licence: '(MIT OR ISC)', programs: ['job', 'operator'] }),
  ],
  runtime: {
    node: '/usr/local/bin/node',
    libraries: ['/lib/libstdc++.so.6'],
    versions: { node: '26.10.0', openssl: '3.5.1', modules: '150' },
    packages: [{ name: 'libstdc++6', version: '12.2.0-14+deb12u1', architecture: 'amd64', stanza: '' }],
    distribution: { id: 'debian', version: '12' },
  },
  builtAt: new Date('2026-01-02T03:04:05Z'),
};

const bill = z.object({
  serialNumber: z.string(),
  metadata: z.object({ timestamp: z.string() }),
  components: z.array(z.looseObject({ 'bom-ref': z.string(), name: z.string() })),
  dependencies: z.array(z.object({ ref: z.string(), dependsOn: z.array(z.string()) })),
});

describe('the bill of materials', () => {
  const { serialNumber, metadata, components, dependencies } = bill.parse(billOfMaterials(ingredients));
  const system = 'pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12';

  it('has the programs, Node with what is compiled into it, the packages and the libraries', () => {
    expect(components.map((one) => one['bom-ref'])).toEqual([
      'program:job',
      'program:operator',
      'pkg:generic/node@26.10.0',
      'pkg:npm/%40scope/one@1.0.0',
      'pkg:npm/two@1.0.0',
      system,
    ]);
    expect(components[2]).toMatchObject({ components: [{ name: 'openssl', version: '3.5.1' }] });
  });

  it('tells of a package its scope, its licence and the hash of its archive', () => {
    expect(components[3]).toMatchObject({
      group: '@scope',
      name: 'one',
      licenses: [{ license: { id: 'MIT' } }],
      hashes: [{ alg: 'SHA-512', content: Buffer.from('abc').toString('hex') }],
    });
    expect(components[4]).toMatchObject({ licenses: [{ expression: '(MIT OR ISC)' }] });
  });

  it('tells which program a package is in', () => {
    expect(dependencies).toEqual([
      { ref: 'outlook-sync', dependsOn: ['program:job', 'program:operator', 'pkg:generic/node@26.10.0'] },
      { ref: 'program:job', dependsOn: ['pkg:npm/%40scope/one@1.0.0', 'pkg:npm/two@1.0.0'] },
      { ref: 'program:operator', dependsOn: ['pkg:npm/two@1.0.0'] },
      { ref: 'pkg:generic/node@26.10.0', dependsOn: [system] },
    ]);
  });

  it('has the date it was given, and a number that is that of its content', () => {
    expect(metadata.timestamp).toBe('2026-01-02T03:04:05.000Z');
    expect(serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    const later = { ...ingredients, builtAt: new Date(0) };
    expect(bill.parse(billOfMaterials(later)).serialNumber).toBe(serialNumber);
    const other = { ...ingredients, version: '1.2.4' };
    expect(bill.parse(billOfMaterials(other)).serialNumber).not.toBe(serialNumber);
  });
});

describe('the notices', () => {
  it('have each text once, under all packages that have it', () => {
    const notices = thirdPartyNotices([
      bundled('one'),
      bundled('two'),
      bundled('three', { texts: ['Ask.'] }),
    ]);
    expect(notices.match(/Do as you like\./g)).toHaveLength(1);
    expect(notices).toContain('one 1.0.0 (MIT)\ntwo 1.0.0 (MIT)\n\nDo as you like.');
    expect(notices).toContain('three 1.0.0 (MIT)\n\nAsk.');
  });

  it('name the licence of a package that brings no text', () => {
    expect(thirdPartyNotices([bundled('one', { texts: [] })])).toContain(
      'The package brings no text of its licence, MIT.',
    );
  });
});
