// `npm run image`: builds the container image, and with --check looks at what is in it and starts what it holds.
import { parseArgs } from 'node:util';
import { buildImage, imagesNamed } from './image/buildImage.ts';
import { checkImage } from './image/check.ts';
import type { Engine } from './image/engine.ts';
import { findEngine } from './image/findEngine.ts';

const USAGE = `Usage: npm run image -- [options] [-- ENGINE ARGUMENTS]

Builds the container image with buildah, docker or podman, whichever works here.

Options:
  --check            then check its files, its configuration, and that every program starts
  --no-build         check an image that is there
  --tag TAG          its name; outlook-sync and the version by default
  --node-image IMAGE where Node and npm come from; by default OUTLOOK_SYNC_NODE_IMAGE, or what
                     the Dockerfile names
  --source URL       where the sources are, for its labels
  -h, --help         this text

What follows a second -- is for the engine's build, for example: -- --secret id=npmrc,src=$HOME/.npmrc
`;

const options = {
  check: { type: 'boolean', default: false },
  'no-build': { type: 'boolean', default: false },
  tag: { type: 'string' },
  'node-image': { type: 'string' },
  source: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const { tag, source } = values;
  const nodeImage = values['node-image'] ?? imagesNamed().nodeImage;
  if (values['no-build'] && tag === undefined) throw new Error('--no-build needs --tag');
  const engine = await findEngine();
  const isThere = values['no-build'] && tag !== undefined;
  const built = isThere ? tag : await buildImage(engine, { tag, source, nodeImage, engineArgs: positionals });
  if (values.check) await check(engine, built);
}

async function check(engine: Engine, tag: string): Promise<void> {
  const { problems, report } = await checkImage(engine, tag);
  console.log(`${tag}, by ${engine.name}\n${report}`);
  for (const problem of problems) console.error(`Wrong: ${problem}`);
  console.log(problems.length === 0 ? 'The image is as it should be.' : `${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
