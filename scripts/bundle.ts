// Bundles a program into one file that needs nothing but Node: what the container image and the tests run.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');

// Some dependencies are CommonJS and call require() for Node's own modules, which an ES module does not have.
const REQUIRE_BANNER =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

/**
 * Bundles job/main.ts to `<outDir>/job.js`, with `job.js.map` and the dependencies' licence comments in
 * `job.js.LEGAL.txt` beside it. Resolves to the path of `job.js`.
 *
 * Files appear whole, so that one may be replaced while another process starts it.
 * Rejects with esbuild's list of errors when the source does not bundle.
 */
export async function bundleJob(outDir: string = join(ROOT, 'dist')): Promise<string> {
  const outfile = join(outDir, 'job.js');
  const result = await build({
    entryPoints: [join(ROOT, 'job', 'main.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minify: true,
    keepNames: true,
    sourcemap: 'linked',
    legalComments: 'linked',
    banner: { js: REQUIRE_BANNER },
    // The optional native binding of pg, which is not installed.
    external: ['pg-native'],
    logLevel: 'silent',
    write: false,
    absWorkingDir: ROOT,
  });
  for (const file of result.outputFiles) await writeWhole(file.path, file.contents);
  return outfile;
}

async function writeWhole(path: string, contents: Uint8Array): Promise<void> {
  const partial = `${path}.${process.pid}`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(partial, contents);
  await rename(partial, path);
}
