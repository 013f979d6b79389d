// The webhook as it is shipped: one bundled file, to be run as a child process.
import { inject } from 'vitest';

/** Path of the bundle that this test run built. Throws with the bundler's errors when it could not. */
export function webhookBundle(): string {
  const bundle = inject('webhookBundle');
  if ('error' in bundle) throw new Error(`The webhook does not bundle: ${bundle.error}`);
  return bundle.file;
}
