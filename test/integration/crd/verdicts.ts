// Asks the real API server what it thinks of objects, hundreds of them: over HTTP, since each kubectl is a process.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import * as z from 'zod';
import { apiVersion, group, outlookProviders, version } from '../../../api/resource.ts';
import { type SharedControlPlane, sharedControlPlane } from '../../harness/cluster/shared.ts';

const CRD_FILE = join(import.meta.dirname, '../../../crds/outlooksync.dev_outlookproviders.yaml');

export interface Verdict {
  readonly code: number;
  /** What it says against the object; empty when it has nothing against it. */
  readonly message: string;
  /** The fields that it blames, as paths, each once. */
  readonly fields: readonly string[];
  /** The object as the server has it. */
  readonly object: Readonly<Record<string, unknown>>;
}

export interface ApiServer {
  readonly plane: SharedControlPlane;
  readonly namespace: string;
  readonly call: (method: string, path: string, body?: unknown, accept?: string) => Promise<Verdict>;
  /** Removes the namespace and closes all connections. */
  readonly close: () => Promise<void>;
}

const answer = z.looseObject({
  message: z.string().optional(),
  details: z
    .object({ causes: z.array(z.object({ field: z.string().optional() })).optional() })
    .optional()
    .catch(undefined),
});

/** Whom it blames for rules that it has not come to, because others are broken. */
const NO_FIELD = '<nil>';

const SERVED_ATTEMPTS = 200;
const POLL_MS = 50;

/** The shared control plane with the CRD, and a namespace of one's own. */
export async function openApiServer(namespace: string): Promise<ApiServer> {
  const plane = await sharedControlPlane();
  const agent = new Agent({ connect: { ca: await readFile(plane.caFile, 'utf8') }, connections: 8 });
  const call: ApiServer['call'] = async (method, path, body, accept = 'application/json') => {
    const isPatch = method === 'PATCH';
    const response = await request(new URL(path, plane.server), {
      method,
      dispatcher: agent,
      headers: {
        accept,
        authorization: `Bearer ${plane.adminToken}`,
        'content-type': isPatch ? 'application/apply-patch+yaml' : 'application/json',
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.body.text();
    // Of a path that it does not serve yet it says so without JSON.
    const object = (text.startsWith('{') ? JSON.parse(text) : { message: text }) as Record<string, unknown>;
    const isRefused = response.statusCode >= 400;
    const { message = '', details } = isRefused ? answer.parse(object) : {};
    const fields = (details?.causes ?? []).flatMap(({ field = NO_FIELD }) =>
      field === NO_FIELD ? [] : [field],
    );
    return { code: response.statusCode, message, fields: [...new Set(fields)], object };
  };
  await install(plane, call);
  const made = await call('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
  if (made.code !== 201) throw new Error(made.message);
  const close = async (): Promise<void> => {
    await call('DELETE', `/api/v1/namespaces/${namespace}`);
    await agent.close();
  };
  return { plane, namespace, call, close };
}

async function install(plane: SharedControlPlane, call: ApiServer['call']): Promise<void> {
  const { code, stderr } = await plane.kubectl([
    'apply',
    '--server-side',
    '--force-conflicts',
    '-f',
    CRD_FILE,
  ]);
  if (code !== 0) throw new Error(stderr);
  for (let attempt = 0; attempt < SERVED_ATTEMPTS; attempt += 1) {
    const { code: served } = await call('GET', `/apis/${apiVersion}/outlookproviders`);
    if (served === 200) return;
    await sleep(POLL_MS);
  }
  throw new Error('The API server does not serve the CRD that it has accepted');
}

export const providersPath = (namespace: string): string =>
  `/apis/${group}/${version}/namespaces/${namespace}/${outlookProviders.plural}`;

export const providerOf = (name: string, spec: unknown): Record<string, unknown> => ({
  apiVersion,
  kind: outlookProviders.kind,
  metadata: { name },
  spec,
});
