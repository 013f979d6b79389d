// The command line: what it says, and how it ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { exitCodes } from '../../../api/exitCodes.ts';
import { serviceAccountFolder } from './serviceAccountFolder.ts';

const program = join(import.meta.dirname, '..', '..', '..', 'webhook', 'main.ts');

async function run(
  env: Record<string, string>,
  ...args: string[]
): Promise<{ code: number | null; said: string; told: string }> {
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  const child = spawn(process.execPath, [program, ...args], { env, stdio: [...stdio] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const [told, said] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code: child.exitCode, said, told };
}

test('help is help, and nothing else', async () => {
  const { code, told, said } = await run({}, '--help');
  expect(told).toContain('npm run webhook');
  expect({ code, said }).toEqual({ code: 0, said: '' });
});

test('an argument that is none is refused', async () => {
  const { code, said } = await run({}, 'serve');
  expect(said).toContain('"name":"serve"');
  expect(code).toBe(exitCodes.usage);
});

test('what is wrong with the environment is told at once, without the secrets in it', async () => {
  const { code, said } = await run({
    OUTLOOK_PUSH_WEBHOOK_TOKEN: 'do-not-show',
    OUTLOOK_WEBHOOK_HTTP_PORT: 'eighty',
    LOG_LEVEL: 'loud',
  });
  expect(said).toContain('OUTLOOK_WEBHOOK_HTTP_PORT');
  expect(said).toContain('LOG_LEVEL');
  expect(said).not.toContain('do-not-show');
  expect(code).toBe(exitCodes.usage);
});

test.each(['OUTLOOK_WEBHOOK_HTTP_PORT', 'OUTLOOK_WEBHOOK_METRICS_PORT'])(
  'a port that is taken is a setting to be changed, and no bug: %s',
  async (name) => {
    const taken = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void taken.close());
    await once(taken, 'listening');
    const { code, said } = await run({
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: '1',
      KUBERNETES_SERVICE_ACCOUNT_DIR: await serviceAccountFolder(),
      OUTLOOK_WEBHOOK_HTTP_PORT: '0',
      OUTLOOK_WEBHOOK_METRICS_PORT: '0',
      [name]: String((taken.address() as AddressInfo).port),
    });
    expect(said).toContain(`"name":"${name}"`);
    expect(said).not.toContain('A bug');
    expect(code).toBe(exitCodes.usage);
  },
);
