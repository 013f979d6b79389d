// `npm run generate` writes the generated files; with `--check` it only says which are stale, and fails if any is.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { generators, staleGenerators, writeGenerated } from './generators.ts';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

const stale = await staleGenerators(root, generators);
if (generators.length === 0) {
  console.log('No file is generated.');
} else if (stale.length === 0) {
  console.log(`Generated files are up to date: ${generators.length}`);
} else if (values.check) {
  for (const { file } of stale) console.error(`Stale: ${file} (npm run generate writes it anew)`);
  process.exitCode = 1;
} else {
  await writeGenerated(root, stale);
  for (const { file } of stale) console.log(`Wrote ${file}`);
}
