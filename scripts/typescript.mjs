// Lets this process import the project's .ts files, compiled by ts-node.
//
// ts-node's own loader does not work on current Node, so its compiler is registered through module.registerHooks.
// Loading the compiler takes most of a second's quarter; what it once made of a file is therefore kept, and the
// compiler is only loaded for a file that changed. Types are not checked here: `npm run types` does.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Registers the loader for .ts files outside node_modules; stack traces name their lines. */
export function registerTypeScript(root) {
  process.setSourceMapsEnabled(true);
  const compile = cached(root, compiler(root));
  registerHooks({
    load(url, context, nextLoad) {
      if (!url.startsWith('file:') || !url.endsWith('.ts') || url.includes('/node_modules/')) {
        return nextLoad(url, context);
      }
      const file = fileURLToPath(url);
      return { format: 'module', shortCircuit: true, source: compile(readFileSync(file, 'utf8'), file) };
    },
  });
}

function compiler(root) {
  let service;
  return (source, file) => {
    const require = createRequire(join(root, 'package.json'));
    service ??= require('ts-node').create({ transpileOnly: true, cwd: root });
    return service.compile(source, file);
  };
}

/** Keeps one output per source file, headed by the hash of all that went into it. */
function cached(root, compile) {
  const folder = join(root, 'node_modules', '.cache', 'outlook-sync', 'typescript');
  // The lock file names the compiler's version.
  const settings = ['tsconfig.json', 'package-lock.json'].map((name) =>
    readFileSync(join(root, name), 'utf8'),
  );
  const salt = createHash('sha256').update(settings.join('\0')).digest('hex');
  return (source, file) => {
    const key = createHash('sha256').update(`${salt}\0${file}\0${source}`).digest('hex');
    const path = join(folder, relative(root, file).replaceAll(/[^\w.-]/g, '_'));
    const kept = readKept(path, key);
    if (kept !== undefined) return kept;
    const output = compile(source, file);
    keep(folder, path, `${key}\n${output}`);
    return output;
  };
}

function readKept(path, key) {
  try {
    const text = readFileSync(path, 'utf8');
    return text.startsWith(`${key}\n`) ? text.slice(key.length + 1) : undefined;
  } catch {
    return undefined;
  }
}

/** Several processes may write at once, so the file appears whole; if it cannot be written, nothing is lost. */
function keep(folder, path, text) {
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${path}.${process.pid}`, text);
    renameSync(`${path}.${process.pid}`, path);
  } catch {
    // Compiled again next time.
  }
}
