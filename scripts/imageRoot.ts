// The Dockerfile's own step: `node scripts/run.mjs scripts/imageRoot.ts OUT` writes what the image holds to
// OUT/runtime and OUT/app, each a layer as seen from /, of the Node at IMAGE_NODE and of dist/; with `--seal FOLDER` it
// only gives what is in a folder its owner, modes and date. Not for the checkout of a person: Node and its libraries are
// those of the system.
import { join } from 'node:path';
import { programs } from './bundle.ts';
import { seal, writeApplication, writeRuntime } from './image/rootFolder.ts';
import { inspectRuntime } from './image/runtime.ts';

const root = join(import.meta.dirname, '..');
const { IMAGE_NODE = '/usr/local/bin/node', VERSION = 'dev', SOURCE_DATE_EPOCH = '0' } = process.env;
const builtAt = new Date(Number(SOURCE_DATE_EPOCH) * 1000);

async function writeLayers(out: string): Promise<void> {
  const runtime = await inspectRuntime(IMAGE_NODE);
  if (runtime.versions['node'] !== process.versions.node) {
    throw new Error(`The base has Node ${runtime.versions['node']}, the project ${process.versions.node}`);
  }
  const layers = { runtime: join(out, 'runtime'), app: join(out, 'app') };
  await writeRuntime(runtime, layers.runtime);
  await writeApplication({ root, programs, runtime, version: VERSION, builtAt }, join(layers.app, 'app'));
  // The same Node is the same layer, whenever it is built.
  await seal(layers.runtime, new Date(0));
  await seal(layers.app, builtAt);
}

const [first, folder] = process.argv.slice(2);
if (first === '--seal' && folder !== undefined) await seal(folder, builtAt);
else if (first !== undefined && folder === undefined) await writeLayers(first);
else throw new Error('node scripts/run.mjs scripts/imageRoot.ts OUT, or --seal FOLDER');
