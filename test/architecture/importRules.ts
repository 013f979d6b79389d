// Which folder may import which, as a function of the files: see CONTRIBUTING.md for the picture.
import { type Import, type SourceFile, importsOf } from './sources.ts';

interface Room {
  /** The folders it may import from, beside itself. */
  readonly rooms: readonly string[];
  /** The packages it may import; undefined: any. */
  readonly packages?: readonly string[];
}

const ROOMS: Readonly<Record<string, Room>> = {
  // A keyed hash is arithmetic.
  api: { rooms: [], packages: ['zod', 'node:crypto'] },
  kube: { rooms: [] },
  operator: { rooms: ['api', 'kube'] },
  webhook: { rooms: ['api', 'kube'] },
  job: { rooms: ['api', 'kube'] },
  connect: { rooms: ['api', 'kube'] },
  scripts: { rooms: ['api', 'kube', 'operator', 'webhook', 'job', 'connect'] },
  demo: { rooms: ['api', 'kube', 'operator', 'webhook', 'job', 'connect', 'scripts', 'test'] },
  test: { rooms: ['api', 'kube', 'operator', 'webhook', 'job', 'connect', 'scripts', 'demo'] },
};

/** Folders that decide and do nothing: what they import may reach the outside neither directly nor on detours. */
const PURE = ['job/plan', 'operator/plan', 'connect/plan'];

/** Folders of one program that must not know of each other; the file above them brings them together. */
const APART: readonly (readonly [string, string])[] = [['job/graph', 'job/store']];

const REACHES_OUTSIDE =
  /^(node:(child_process|cluster|dgram|dns|fs|http|https|http2|net|process|sqlite|tls|worker_threads)(\/.*)?|undici|slonik|@slonik\/.*|pg|pino|openid-client|@kubernetes\/.*)$/;

/** Names of such modules that only compute. */
const ONLY_COMPUTES = new Map([['node:net', ['BlockList', 'SocketAddress', 'isIP', 'isIPv4', 'isIPv6']]]);

/** Each import that breaks a rule, as `file -> target: rule`; empty when all is well. */
export function importViolations(files: readonly SourceFile[]): string[] {
  const imports = new Map(files.map((file) => [file.path, importsOf(file)]));
  const direct = [...imports].flatMap(([path, found]) =>
    found.flatMap((one) => {
      const rule = brokenRule(path, one);
      return rule === undefined ? [] : [`${path} -> ${one.target}: ${rule}`];
    }),
  );
  return [...direct, ...impurities(imports)];
}

function brokenRule(path: string, one: Import): string | undefined {
  const from = roomOf(path);
  // A tool's configuration at the root.
  if (from === undefined) return undefined;
  const room = ROOMS[from];
  if (room === undefined) return `${from}/ is not a folder that this test knows`;
  if (!one.isOwn) return brokenPackageRule(room, one.target);
  const to = roomOf(one.target) ?? '.';
  if (to !== from && !room.rooms.includes(to)) return `${from}/ does not import ${to}/`;
  return areApart(path, one.target) ? 'these two folders do not know each other' : undefined;
}

function brokenPackageRule({ packages }: Room, name: string): string | undefined {
  if (packages === undefined || packages.includes(name)) return undefined;
  return `this folder imports no package but ${packages.join(', ')}`;
}

function areApart(left: string, right: string): boolean {
  return APART.some(([a, b]) => (isIn(left, a) && isIn(right, b)) || (isIn(left, b) && isIn(right, a)));
}

/** Pure files from which an import that does something can be reached; types do nothing. */
function impurities(imports: ReadonlyMap<string, readonly Import[]>): string[] {
  const pure = [...imports.keys()].filter((path) => PURE.some((folder) => isIn(path, folder)));
  return pure.flatMap((start) => {
    const found = reachableImports(start, imports).find(({ one }) => reachesOutside(one));
    return found === undefined
      ? []
      : [`${start} -> ${found.one.target}: pure, but reaches outside by ${found.path}`];
  });
}

/** All imports that running a file runs, with the file that each stands in. */
function reachableImports(
  start: string,
  imports: ReadonlyMap<string, readonly Import[]>,
): { path: string; one: Import }[] {
  const reached = new Set([start]);
  const found: { path: string; one: Import }[] = [];
  // A set may grow while it is walked; the walk then covers what was added.
  for (const path of reached) {
    for (const one of imports.get(path) ?? []) {
      if (one.isTypeOnly) continue;
      if (one.isOwn) reached.add(one.target);
      else found.push({ path, one });
    }
  }
  return found;
}

function reachesOutside({ target, names }: Import): boolean {
  const harmless = names?.every((name) => ONLY_COMPUTES.get(target)?.includes(name)) ?? false;
  return REACHES_OUTSIDE.test(target) && !harmless;
}

function roomOf(path: string): string | undefined {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : undefined;
}

function isIn(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`);
}
