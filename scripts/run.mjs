// Starts everything in this project: `node scripts/run.mjs ENTRY.ts|TOOL [args]`.
//
// A fresh clone has neither dependencies nor the Node version the project is written for, so this file
// - installs what is missing or out of date (stdout stays clean: the entry's own output is all there is),
// - continues under the Node of node_modules/.bin, whatever Node it was started with (20 or newer),
// - runs ENTRY.ts through ts-node, or TOOL from node_modules/.bin, as if it had been started itself.
// It must stay plain JavaScript that Node 20 runs, and must not cost more than a few milliseconds.
import { realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureInstalled, nodeBinary } from './install.mjs';
import { endLike, isSameFile, runChild } from './child.mjs';

const EXIT_USAGE = 64;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [target, ...args] = process.argv.slice(2);

if (target === undefined) {
  console.error('Usage: node scripts/run.mjs ENTRY.ts|TOOL [args]');
  process.exit(EXIT_USAGE);
}

await ensureInstalled(root);

if (isSameFile(process.execPath, nodeBinary(root))) {
  await runHere(target);
} else {
  await runUnder(nodeBinary(root));
}

async function runUnder(node) {
  const command = [...process.execArgv, ...process.argv.slice(1)];
  try {
    endLike(await runChild(node, command, { stdio: 'inherit' }));
  } catch (error) {
    console.error(`${node} does not start here: ${error.message}. Remove node_modules and try again.`);
    process.exit(1);
  }
}

/** Loads the entry or tool in this process; it finds `process.argv` as if it were the main module. */
async function runHere(name) {
  const file = name.endsWith('.ts') ? resolve(name) : toolFile(name);
  process.argv = [process.execPath, file, ...args];
  if (name.endsWith('.ts')) {
    const { registerTypeScript } = await import('./typescript.mjs');
    registerTypeScript(root);
  }
  await import(pathToFileURL(file).href);
}

function toolFile(name) {
  try {
    return realpathSync(join(root, 'node_modules', '.bin', name));
  } catch {
    console.error(`There is no tool "${name}" in node_modules/.bin.`);
    process.exit(EXIT_USAGE);
  }
}
