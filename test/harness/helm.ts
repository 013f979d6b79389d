// Helm for tests, apart from the user's own: its configuration, its cache and its plugins are of this process alone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { helmBinary } from './cluster/binaries.ts';

interface HelmResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface HelmOptions {
  /** Of the cluster that is meant; none: Helm reaches no cluster. */
  readonly kubeconfig?: string;
  /** What it reads for `--values -`. */
  readonly input?: string;
}

const TIMEOUT_MS = 120_000;

let home: string | undefined;

function homeFolder(): string {
  if (home === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'outlook-sync-helm-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    home = made;
  }
  return home;
}

/** Resolves for any exit code. */
export async function helm(
  args: readonly string[],
  { kubeconfig = '/dev/null', input = '' }: HelmOptions = {},
): Promise<HelmResult> {
  const folder = homeFolder();
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    KUBECONFIG: kubeconfig,
    HELM_CACHE_HOME: join(folder, 'cache'),
    HELM_CONFIG_HOME: join(folder, 'config'),
    HELM_DATA_HOME: join(folder, 'data'),
  };
  const child = spawn(await helmBinary(), [...args], { env, timeout: TIMEOUT_MS });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      output[name] += chunk;
    });
  }
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  await once(child, 'close');
  return { code: child.exitCode ?? -1, ...output };
}
