// Whether package-lock.json can be installed by everybody: `npm ci` refuses one that leaves something out, on every
// platform, and one that names a registry sends everybody there.
import { z } from 'zod';

export const lockfile = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      resolved: z.string().optional(),
      dependencies: z.record(z.string(), z.string()).optional(),
      devDependencies: z.record(z.string(), z.string()).optional(),
      optionalDependencies: z.record(z.string(), z.string()).optional(),
    }),
  ),
});

type Packages = z.infer<typeof lockfile>['packages'];

/** What is wrong with a lock file, a line each; empty when all is well. */
export function lockfileProblems({ packages }: z.infer<typeof lockfile>): string[] {
  const root = packages[''] ?? {};
  const ranges = Object.entries({ ...root.dependencies, ...root.devDependencies });
  const loose = ranges.filter(([, range]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(range));
  return [
    ...loose.map(([name, range]) => `${name} is not pinned: ${range}`),
    ...Object.entries(packages).flatMap(([path, found]) => [
      ...(found.resolved === undefined ? [] : [`${path} names a registry: ${found.resolved}`]),
      ...Object.keys({ ...found.dependencies, ...found.devDependencies, ...found.optionalDependencies })
        .filter((name) => !isLocked(packages, path, name))
        .map((name) => `${path === '' ? 'package.json' : path} needs ${name}, which is missing`),
    ]),
  ];
}

/** Looks where Node does: in the package's own node_modules, then in each one above. */
function isLocked(packages: Packages, path: string, name: string): boolean {
  const own = path === '' ? '' : `${path}/`;
  if (`${own}node_modules/${name}` in packages) return true;
  if (path === '') return false;
  return isLocked(packages, path.slice(0, Math.max(0, path.lastIndexOf('node_modules/') - 1)), name);
}
