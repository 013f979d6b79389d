import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { exitCodes } from '../../../api/exitCodes.ts';

const program = join(import.meta.dirname, '..', '..', '..', 'operator', 'main.ts');

async function serviceAccount(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'operator-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const name of ['token', 'ca.crt', 'namespace']) await writeFile(join(folder, name), 'system');
  return folder;
}

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test('a port that is taken is a setting to be changed, and no bug', async () => {
  const port = String(await takenPort());
  const env = {
    PATH: process.env['PATH'],
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: '1',
    KUBERNETES_SERVICE_ACCOUNT_DIR: await serviceAccount(),
    OUTLOOK_OPERATOR_JOB_IMAGE: 'example/image:1',
    OUTLOOK_OPERATOR_HTTP_PORT: port,
  };
  const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const [said] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  expect(said).toContain(`"name":"OUTLOOK_OPERATOR_HTTP_PORT","problem":"${port} is in use already`);
  expect(said).not.toContain('A bug');
  expect(child.exitCode).toBe(exitCodes.usage);
});
