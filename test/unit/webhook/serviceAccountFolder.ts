import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A mounted service account that nobody accepts, gone after the test. */
export async function serviceAccountFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'webhook-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const name of ['token', 'ca.crt', 'namespace']) await writeFile(join(folder, name), 'system');
  return folder;
}
