// The one control plane that all test files of a run share, started when the first of them asks for it.
//
// It lives in the process of vitest's global setup, which outlives the workers; they ask over HTTP on loopback. A run
// without cluster tests pays for an open port and nothing else.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import { type ControlPlane, startControlPlane } from './controlPlane.ts';

/** What a worker is told. */
export type SharedAnswer = SharedAccess | { readonly error: string };

export interface SharedAccess extends Pick<
  ControlPlane,
  'server' | 'adminToken' | 'kubeconfig' | 'caFile' | 'folder' | 'kubectlFile'
> {
  readonly error?: undefined;
}

export interface SharedServer {
  /** Where a worker asks; secret, as the answer is. */
  readonly url: string;
  /** Ends the control plane too, if it was started. */
  readonly stop: () => Promise<void>;
}

/** `start` is called when the first worker asks, and once. */
export async function serveSharedControlPlane(
  start: () => Promise<ControlPlane> = () => startControlPlane({ auditLog: true }),
): Promise<SharedServer> {
  const path = `/${randomBytes(16).toString('hex')}`;
  let started: Promise<ControlPlane> | undefined;
  const server = createServer((request, response) => {
    if (request.url !== path) {
      response.writeHead(404).end();
      return;
    }
    started ??= start();
    void answerOf(started).then((answer) => response.end(JSON.stringify(answer)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${portOf(server)}${path}`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      const plane = await started?.catch(() => undefined);
      await plane?.stop();
    },
  };
}

async function answerOf(started: Promise<ControlPlane>): Promise<SharedAnswer> {
  try {
    const { server, adminToken, kubeconfig, caFile, folder, kubectlFile } = await started;
    return { server, adminToken, kubeconfig, caFile, folder, kubectlFile };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port');
  return address.port;
}
