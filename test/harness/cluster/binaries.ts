// Finds the programs of a control plane, and Helm: where a developer has put them, in this project's cache, or from afar.
//
// Order, for each program on its own: the folder KUBEBUILDER_ASSETS (setup-envtest fills such a one, without a
// controller manager, and none with Helm); the cache; a build from Go modules; the official download. What is built or downloaded goes to
// the cache, whole and only when it reports the pinned version.
import { access, chmod, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { buildBinary } from './binaryBuild.ts';
import { downloadBinary } from './binaryDownload.ts';
import { withFileLock } from './fileLock.ts';
import {
  type Binaries,
  KUBERNETES_VERSION,
  PROGRAMS,
  type Program,
  pinnedVersion,
  reportedVersion,
} from './programs.ts';

export type Environment = Readonly<Partial<Record<string, string>>>;

/** What makes a program: writes it to `file`, or throws saying why it cannot. */
export type Maker = (program: Program, file: string, context: MakerContext) => Promise<void>;

export interface MakerContext {
  readonly env: Environment;
  /** Tells the user what takes so long, one line at a time. */
  readonly say: (line: string) => void;
}

const MAKERS: readonly (readonly [name: string, maker: Maker])[] = [
  ['build with Go', buildBinary],
  ['download', downloadBinary],
];

// Building all four on two cold cores takes 9 minutes; a slow machine may take several times that.
const LOCK_TIMEOUT_MS = 3_600_000;

/**
 * Paths of all programs. Throws an error that lists what was tried for the first that cannot be had.
 * A build takes minutes, which `say` announces.
 */
export async function clusterBinaries(context: Partial<MakerContext> = {}): Promise<Binaries> {
  const { env = process.env, say = sayOnStderr } = context;
  const found: Partial<Record<Program, string>> = {};
  for (const program of PROGRAMS) found[program] = await findBinary(program, { env, say });
  return found as Binaries;
}

/** Path of Helm; like the others. */
export async function helmBinary(context: Partial<MakerContext> = {}): Promise<string> {
  const { env = process.env, say = sayOnStderr } = context;
  return cachedBinary('helm', { env, say }, []);
}

/** The folder that keeps programs between runs. */
export function cacheFolder(env: Environment): string {
  const base = env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const root = env['OUTLOOK_SYNC_CACHE_DIR'] ?? join(base, 'outlook-sync');
  return join(root, `kubernetes-${KUBERNETES_VERSION}`);
}

async function findBinary(program: Program, context: MakerContext): Promise<string> {
  const tried: string[] = [];
  const assets = context.env['KUBEBUILDER_ASSETS'];
  if (assets === undefined) tried.push('KUBEBUILDER_ASSETS: not set');
  else {
    const file = join(assets, program);
    const refusal = await refusalOf(program, file);
    if (refusal === undefined) return file;
    tried.push(`KUBEBUILDER_ASSETS: ${refusal}`);
    if (refusal.endsWith(NOT_THERE)) context.say(`KUBEBUILDER_ASSETS has no ${program}; looking elsewhere.`);
  }
  return cachedBinary(program, context, tried);
}

async function cachedBinary(program: Program, context: MakerContext, tried: string[]): Promise<string> {
  const folder = cacheFolder(context.env);
  const file = join(folder, program);
  const refusal = await refusalOf(program, file, pinnedVersion(program));
  if (refusal === undefined) return file;
  tried.push(`cache: ${refusal}`);
  await mkdir(folder, { recursive: true });
  return withFileLock(
    join(folder, '.lock'),
    async () => {
      // Another process may have made it meanwhile.
      if ((await refusalOf(program, file, pinnedVersion(program))) === undefined) return file;
      await make(program, file, context, tried);
      return file;
    },
    {
      timeoutMs: LOCK_TIMEOUT_MS,
      onWait: () => {
        context.say(`Waiting for another process that fills ${folder} ...`);
      },
    },
  );
}

/** Tries each maker in turn, into a file of its own that takes the name only when it is what was asked for. */
async function make(program: Program, file: string, context: MakerContext, tried: string[]): Promise<void> {
  const partial = `${file}.${process.pid}.partial`;
  for (const [name, maker] of MAKERS) {
    try {
      await maker(program, partial, context);
      await chmod(partial, 0o755);
      const refusal = await refusalOf(program, partial, pinnedVersion(program));
      if (refusal !== undefined) throw new Error(refusal);
      await rename(partial, file);
      return;
    } catch (error) {
      tried.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      await rm(partial, { force: true });
    }
  }
  throw new Error(explain(program, file, tried));
}

function explain(program: Program, file: string, tried: readonly string[]): string {
  return [
    `The tests need ${program} ${pinnedVersion(program)}, which cannot be had. Tried:`,
    ...tried.map((line) => `- ${line}`),
    'Install Go (1.24 or newer) with access to a Go module proxy, or allow the download, or put the program at',
    `${file}, or set KUBEBUILDER_ASSETS to a folder that has it.`,
  ].join('\n');
}

const NOT_THERE = 'is not there';

/** Why `file` will not do; undefined when it is the program, in `version` if one is given. */
async function refusalOf(program: Program, file: string, version?: string): Promise<string | undefined> {
  try {
    await access(file);
  } catch {
    return `${file} ${NOT_THERE}`;
  }
  try {
    const found = await reportedVersion(program, file);
    return version === undefined || found === version ? undefined : `${file} is version ${found}`;
  } catch (error) {
    return `${file} does not run: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function sayOnStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}
