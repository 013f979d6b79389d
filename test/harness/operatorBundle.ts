// The operator as it is shipped: one bundled file, to be run as a child process.
import { inject } from 'vitest';

/** Path of the bundle that this test run built. Throws with the bundler's errors when it could not. */
export function operatorBundle(): string {
  const bundle = inject('operatorBundle');
  if ('error' in bundle) throw new Error(`The operator does not bundle: ${bundle.error}`);
  return bundle.file;
}
