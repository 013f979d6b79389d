// Bundles a program into one file that needs nothing but Node: what the container image and the tests run.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');

// Some dependencies are CommonJS and call require() for Node's own modules, which an ES module does not have.
const REQUIRE_BANNER =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

/**
 * What is started: it turns on V8's compile cache, which only serves modules that are loaded after it, and halves the
 * start of a program that runs for a second. NODE_COMPILE_CACHE names another place than the system's temporary folder.
 */
const launcherOf = (
  program: string,
  before: string,
): string => `import { enableCompileCache } from 'node:module';
enableCompileCache();
${before}await import('./${program}.main.js');
`;

/**
 * zod's messages in fifty languages, a fifth of the bundle, which nothing here speaks. esbuild cannot tell by itself:
 * a dependency imports zod by its namespace (colinhacks/zod#6050).
 */
const englishOnly: Plugin = {
  name: 'zod in English only',
  setup: (bundler) => {
    bundler.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};

/**
 * Of undici the program uses its connection pool and errors. Its index loads mocks, caches, fetch and WebSockets as
 * well, each with modules of Node behind it, which costs as much time as all else that is loaded; being CommonJS it
 * cannot be shaken. An import of anything else from undici is undefined in the bundle, and the tests run the bundle.
 */
const undiciCore: Plugin = {
  name: 'the core of undici',
  setup: (bundler) => {
    bundler.onLoad({ filter: /node_modules[\\/]undici[\\/]index\.js$/ }, () => ({
      contents: `const Dispatcher = require('./lib/dispatcher/dispatcher');
        Dispatcher.prototype.request = require('./lib/api/api-request');
        exports.Agent = require('./lib/dispatcher/agent');
        exports.errors = require('./lib/core/errors');`,
    }));
  },
};

/**
 * For a program that keeps a lot and makes little: V8 otherwise lets its heap grow to several times of what is kept
 * before it collects, and the room for young objects to tens of megabytes. These two flags cost a sixth of the
 * operator's processor time and spare a third of its memory; `--optimize-for-size`, which is often advised, halves the
 * memory once more and doubles the processor time. Both are read at each collection, so that they take effect here.
 */
const smallHeap = `import { setFlagsFromString } from 'node:v8';
setFlagsFromString('--heap-growing-percent=40');
setFlagsFromString('--semi-space-growth-factor=1');
`;

interface Recipe {
  readonly plugins: Plugin[];
  /** Runs before the program is loaded. */
  readonly before: string;
}

/** The programs; the job starts once for each sync, so every millisecond of it counts. */
const recipes = {
  job: { plugins: [englishOnly, undiciCore], before: '' },
  operator: { plugins: [englishOnly], before: smallHeap },
  webhook: { plugins: [englishOnly], before: '' },
  connect: { plugins: [englishOnly], before: '' },
} satisfies Record<string, Recipe>;

export type Program = keyof typeof recipes;

/** Every program there is: what `npm run build` builds and the container image holds. */
export const programs = Object.keys(recipes) as Program[];

/** Bundles the job to `<outDir>/job.js`: see `bundleProgram`. */
export async function bundleJob(outDir?: string): Promise<string> {
  return bundleProgram('job', outDir);
}

/** Bundles the operator to `<outDir>/operator.js`: see `bundleProgram`. */
export async function bundleOperator(outDir?: string): Promise<string> {
  return bundleProgram('operator', outDir);
}

/** Bundles the webhook to `<outDir>/webhook.js`: see `bundleProgram`. */
export async function bundleWebhook(outDir?: string): Promise<string> {
  return bundleProgram('webhook', outDir);
}

/** Bundles the sign-in to `<outDir>/connect.js`: see `bundleProgram`. */
export async function bundleConnect(outDir?: string): Promise<string> {
  return bundleProgram('connect', outDir);
}

/**
 * Bundles `<program>/main.ts` to `<outDir>/<program>.main.js`, with its source map, the dependencies' licence comments
 * and the list of packages that are in it (`<program>.packages.json`) beside it, and writes `<outDir>/<program>.js`,
 * which starts it. Resolves to the path of the latter.
 *
 * Files appear whole, so that one may be replaced while another process starts it.
 * Rejects with esbuild's list of errors when the source does not bundle.
 */
export async function bundleProgram(program: Program, outDir: string = join(ROOT, 'dist')): Promise<string> {
  const { plugins, before } = recipes[program];
  const outfile = join(outDir, `${program}.main.js`);
  const result = await build({
    entryPoints: [join(ROOT, program, 'main.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minify: true,
    keepNames: true,
    sourcemap: 'linked',
    legalComments: 'linked',
    metafile: true,
    banner: { js: REQUIRE_BANNER },
    // The optional native binding of pg, which is not installed.
    external: ['pg-native'],
    plugins,
    logLevel: 'silent',
    write: false,
    absWorkingDir: ROOT,
  });
  for (const file of result.outputFiles) await writeWhole(file.path, file.contents);
  const packages = JSON.stringify(packagesIn(result.metafile));
  await writeWhole(join(outDir, `${program}.packages.json`), Buffer.from(`${packages}\n`));
  const launcher = join(outDir, `${program}.js`);
  await writeWhole(launcher, Buffer.from(launcherOf(program, before)));
  return launcher;
}

/** The folders of packages, below the root, of which at least a byte is in the bundle; sorted. */
function packagesIn({ outputs }: Metafile): string[] {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  const folders = inputs
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .flatMap(([path]) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []);
  return [...new Set(folders)].sort();
}

async function writeWhole(path: string, contents: Uint8Array): Promise<void> {
  const partial = `${path}.${process.pid}`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(partial, contents);
  await rename(partial, path);
}
