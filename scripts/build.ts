// `npm run build`: bundles the programs to dist/.
import { stat } from 'node:fs/promises';
import { relative } from 'node:path';
import { bundleProgram, programs } from './bundle.ts';

for (const program of programs) {
  const file = await bundleProgram(program);
  const { size } = await stat(file.replace(/\.js$/, '.main.js'));
  console.log(`${relative(process.cwd(), file)} ${Math.round(size / 1024)} KiB`);
}
