// Once per test run, before any worker: one Postgres server for all tests, and the job as it is shipped.
import { bundleJob } from '../../scripts/bundle.ts';
import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Connection string of the run's Postgres server as superuser; see freshDatabase(). */
    postgresUrl: string;
    /** The bundled job, or why it did not bundle; see jobBundle(). */
    jobBundle: { readonly file: string } | { readonly error: string };
  }
}

/** Returns the teardown. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [server, bundle] = await Promise.all([startPostgres(), tryBundle()]);
  project.provide('postgresUrl', server.url);
  project.provide('jobBundle', bundle);
  return server.stop;
}

/** A job that does not bundle fails the tests that run it, with the reason, and no others. */
async function tryBundle(): Promise<{ file: string } | { error: string }> {
  try {
    return { file: await bundleJob() };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
