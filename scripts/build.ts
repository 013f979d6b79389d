// `npm run build`: bundles the programs to dist/.
import { stat } from 'node:fs/promises';
import { relative } from 'node:path';
import { bundleConnect, bundleJob, bundleOperator, bundleWebhook } from './bundle.ts';

for (const file of [
  await bundleJob(),
  await bundleOperator(),
  await bundleWebhook(),
  await bundleConnect(),
]) {
  const { size } = await stat(file.replace(/\.js$/, '.main.js'));
  console.log(`${relative(process.cwd(), file)} ${Math.round(size / 1024)} KiB`);
}
