// The two things a test asks of etcd directly, over its JSON gateway.
import { join } from 'node:path';
import { Client } from 'undici';
import * as z from 'zod';
import { FILES } from './flags.ts';

const TIMEOUT_MS = 10_000;

/**
 * Forgets all former versions of all objects. Lists and watches from an older version than now then get 410 Gone,
 * but for those that the API server answers from its memory (see ControlPlaneOptions.watchCache).
 */
export async function compactEtcd(folder: string): Promise<void> {
  const { header } = revision.parse(await call(folder, '/v3/kv/range', { key: 'AA==', limit: 1 }));
  await call(folder, '/v3/kv/compaction', { revision: header.revision, physical: true });
}

/** Whether it answers. */
export async function isEtcdReady(folder: string): Promise<boolean> {
  return call(folder, '/v3/kv/range', { key: 'AA==', limit: 1 }).then(
    () => true,
    () => false,
  );
}

const revision = z.object({ header: z.object({ revision: z.string() }) });

async function call(folder: string, path: string, body: object): Promise<unknown> {
  const client = new Client('http://etcd', { socketPath: join(folder, FILES.etcdSocket) });
  try {
    const response = await client.request({
      method: 'POST',
      path,
      body: JSON.stringify(body),
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    });
    const text = await response.body.text();
    if (response.statusCode !== 200) throw new Error(`etcd answered ${response.statusCode}: ${text}`);
    return JSON.parse(text);
  } finally {
    await client.destroy();
  }
}
