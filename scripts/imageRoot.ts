// The Dockerfile's own step: `node scripts/run.mjs scripts/imageRoot.ts OUT` writes what the image holds to
// OUT/runtime and OUT/app, of the Node at IMAGE_NODE and of dist/. Not for the checkout of a person: Node and its
// libraries are taken from the system it runs on.
import { join } from 'node:path';
import { programs } from './bundle.ts';
import { seal, writeApplication, writeRuntime } from './image/rootFolder.ts';
import { inspectRuntime } from './image/runtime.ts';

const root = join(import.meta.dirname, '..');
const [out] = process.argv.slice(2);
if (out === undefined) throw new Error('Where to? node scripts/run.mjs scripts/imageRoot.ts OUT');

const { IMAGE_NODE = '/usr/local/bin/node', VERSION = 'dev', SOURCE_DATE_EPOCH = '0' } = process.env;
const builtAt = new Date(Number(SOURCE_DATE_EPOCH) * 1000);
const runtime = await inspectRuntime(IMAGE_NODE);
if (runtime.versions['node'] !== process.versions.node) {
  throw new Error(`The base has Node ${runtime.versions['node']}, the project ${process.versions.node}`);
}
await writeRuntime(runtime, join(out, 'runtime'));
await writeApplication({ root, programs, runtime, version: VERSION, builtAt }, join(out, 'app'));
for (const layer of ['runtime', 'app']) await seal(join(out, layer), builtAt);
