// Checks a built image: that it holds what it should and nothing else, and that every program starts in it the way a
// restricted pod starts it: another user than root, a root file system that is read-only, no rights, no shell.
import { operatorEnvironment } from '../../api/operatorEnvironment.ts';
import { programs } from '../bundle.ts';
import { LIST_FILES, listing, problemsOfConfiguration, problemsOfFiles, totalBytes } from './contents.ts';
import { type Engine, NOBODY, type OpenImage } from './engine.ts';

export interface Checked {
  readonly problems: readonly string[];
  /** Size and path of the largest files, and the size of all. */
  readonly report: string;
}

/** Some clusters give every namespace a user of its own, whatever the image says. */
const ANYBODY = 1_000_660_000;

export async function checkImage(engine: Engine, tag: string): Promise<Checked> {
  const image = await engine.open(tag);
  try {
    const entries = await listFiles(image);
    const problems = [...problemsOfConfiguration(image.config), ...problemsOfFiles(entries, programs)];
    for (const user of [NOBODY, ANYBODY]) {
      for (const args of startsOf()) problems.push(...(await problemsOfStart(image, args, user)));
    }
    const largest = entries.toSorted((a, b) => b.size - a.size).slice(0, 12);
    const report = [...largest, { path: `${entries.length} files and folders`, size: totalBytes(entries) }];
    return { problems, report: report.map(({ size, path }) => `${mebibytes(size)}  ${path}`).join('\n') };
  } finally {
    await image.close();
  }
}

/** All that is in the image, from inside of a container. */
export async function listFiles(image: OpenImage): Promise<ReturnType<typeof listing.parse>> {
  const { code, stdout, stderr } = await image.run({ args: ['-e', LIST_FILES], user: 0 });
  if (code !== 0) throw new Error(`The files of the image cannot be listed: ${stderr.slice(0, 500)}`);
  return listing.parse(JSON.parse(stdout));
}

/** As its manuals say, and as the operator starts the job by default. */
function startsOf(): string[][] {
  const [, ...job] = operatorEnvironment.OUTLOOK_OPERATOR_JOB_COMMAND.fallback.split(' ');
  return [job, ...programs.map((program) => [`/app/${program}.js`])].map((args) => [...args, '--help']);
}

async function problemsOfStart(image: OpenImage, args: string[], user: number): Promise<string[]> {
  const { code, stdout, stderr } = await image.run({ args, user });
  if (code === 0 && stdout.includes('\nUsage\n') && stderr === '') return [];
  return [`node ${args.join(' ')} as user ${user} ended with ${code}: ${(stderr || stdout).slice(0, 300)}`];
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(2).padStart(8)} MiB`;
