// The software bill of materials of the container image, in CycloneDX 1.6: what is really in it, by esbuild's own
// account of the bundles and by what Node has loaded. Pure; the same image has the same text.
import { createHash } from 'node:crypto';
import type { BundledPackage } from './bundledPackages.ts';
import type { Runtime, SystemPackage } from './runtime.ts';

export interface Ingredients {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** The built programs: name, and SHA-256 of the bundle in hex. */
  readonly programs: readonly { readonly name: string; readonly sha256: string }[];
  readonly packages: readonly BundledPackage[];
  readonly runtime: Runtime;
  readonly builtAt: Date;
}

type Component = Readonly<Record<string, unknown>> & { readonly 'bom-ref': string };

/** What Node has compiled in that has a version of its own; the other entries number interfaces, not software. */
const NOT_SOFTWARE = new Set(['node', 'modules', 'napi', 'cldr', 'tz', 'unicode', 'uvwasi']);

export function billOfMaterials(ingredients: Ingredients): object {
  const { name, version, licence, packages, runtime, builtAt } = ingredients;
  const root: Component = { 'bom-ref': name, type: 'container', name, version, ...licences(licence) };
  const programs = ingredients.programs.map((program) => programComponent(program, version));
  const node = nodeComponent(runtime);
  const system = runtime.packages.map((one) => systemComponent(one, runtime));
  const components = [...programs, node, ...packages.map(packageComponent), ...system];
  const dependencies = [
    { ref: name, dependsOn: [...refs(programs), node['bom-ref']] },
    ...ingredients.programs.map((program, index) => ({
      ref: programs[index]?.['bom-ref'],
      dependsOn: packages.filter((one) => one.programs.includes(program.name)).map(packageUrl),
    })),
    { ref: node['bom-ref'], dependsOn: refs(system) },
  ];
  const body = { metadata: { component: root }, components, dependencies };
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(body))}`,
    version: 1,
    metadata: { timestamp: builtAt.toISOString(), lifecycles: [{ phase: 'build' }], component: root },
    components,
    dependencies,
  };
}

const refs = (components: readonly Component[]): string[] => components.map((one) => one['bom-ref']);

function programComponent({ name, sha256 }: Ingredients['programs'][number], version: string): Component {
  const hashes = [{ alg: 'SHA-256', content: sha256 }];
  return { 'bom-ref': `program:${name}`, type: 'application', name, version, hashes };
}

function nodeComponent({ versions }: Runtime): Component {
  const version = versions['node'] ?? '';
  const inside = Object.entries(versions).filter(([name]) => !NOT_SOFTWARE.has(name));
  return {
    'bom-ref': `pkg:generic/node@${version}`,
    type: 'platform',
    name: 'node',
    version,
    purl: `pkg:generic/node@${version}`,
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    components: inside.map(([name, of]) => ({
      'bom-ref': `node:${name}`,
      type: 'library',
      name,
      version: of,
    })),
  };
}

/** https://github.com/package-url/purl-spec: the scope's @ is encoded, its slash is not. */
function packageUrl({ name, version }: BundledPackage): string {
  return `pkg:npm/${name.replace('@', '%40')}@${encodeURIComponent(version)}`;
}

function packageComponent(one: BundledPackage): Component {
  const purl = packageUrl(one);
  const [scope, name] = one.name.startsWith('@') ? one.name.split('/') : [undefined, one.name];
  const content = Buffer.from(one.integrity.replace(/^sha512-/, ''), 'base64').toString('hex');
  return {
    'bom-ref': purl,
    type: 'library',
    ...(scope !== undefined && { group: scope }),
    name,
    version: one.version,
    ...licences(one.licence),
    purl,
    hashes: [{ alg: 'SHA-512', content }],
  };
}

function systemComponent(
  { name, version, architecture }: SystemPackage,
  { distribution }: Runtime,
): Component {
  const { id, version: release } = distribution;
  const purl = `pkg:deb/${id}/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}&distro=${id}-${release}`;
  return { 'bom-ref': purl, type: 'library', name, version, purl };
}

function licences(licence: string): object {
  const isExpression = /\s|\(/.test(licence);
  return { licenses: [isExpression ? { expression: licence } : { license: { id: licence } }] };
}

/** A UUID of the content (RFC 9562, version 8), so that the same image has the same number. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
