// Once per test run, before any worker: one Postgres server for all tests, the job as it is shipped, and where the
// first test that needs a cluster gets one started for all.
import { bundleJob, bundleOperator, bundleWebhook } from '../../scripts/bundle.ts';
import type { TestProject } from 'vitest/node';
import { serveSharedControlPlane } from './cluster/sharedServer.ts';
import { startPostgres } from './postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Connection string of the run's Postgres server as superuser; see freshDatabase(). */
    postgresUrl: string;
    /** The bundled job, or why it did not bundle; see jobBundle(). */
    jobBundle: { readonly file: string } | { readonly error: string };
    /** The bundled operator, likewise; see operatorBundle(). */
    operatorBundle: { readonly file: string } | { readonly error: string };
    /** The bundled webhook, likewise; see webhookBundle(). */
    webhookBundle: { readonly file: string } | { readonly error: string };
    /** Where to ask for the run's control plane; see sharedControlPlane(). */
    sharedControlPlane: string;
  }
}

/** Returns the teardown. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [server, job, operator, webhook, cluster] = await Promise.all([
    startPostgres(),
    attempted(bundleJob()),
    attempted(bundleOperator()),
    attempted(bundleWebhook()),
    serveSharedControlPlane(),
  ]);
  project.provide('postgresUrl', server.url);
  project.provide('jobBundle', job);
  project.provide('operatorBundle', operator);
  project.provide('webhookBundle', webhook);
  project.provide('sharedControlPlane', cluster.url);
  return async () => {
    await Promise.all([server.stop(), cluster.stop()]);
  };
}

/** A program that does not bundle fails the tests that run it, with the reason, and no others. */
async function attempted(bundling: Promise<string>): Promise<{ file: string } | { error: string }> {
  try {
    return { file: await bundling };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
