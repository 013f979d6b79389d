// `npm run build`: bundles the programs to dist/.
import { stat } from 'node:fs/promises';
import { relative } from 'node:path';
import { bundleJob } from './bundle.ts';

const file = await bundleJob();
const { size } = await stat(file);
console.log(`${relative(process.cwd(), file)} ${Math.round(size / 1024)} KiB`);
