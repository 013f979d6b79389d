// The simulator as people start it: prints how to sync from it, obeys the control requests, ends on a signal.
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { field } from '../../harness/graph/probe.ts';
import { startPushReceiver, type PushReceiver } from '../../harness/graph/pushReceiver.ts';

type Child = ChildProcessByStdio<null, Readable, Readable>;
const started: Child[] = [];

let receiver: PushReceiver;

beforeEach(async () => {
  receiver = await startPushReceiver();
});

afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  await receiver.close();
});

function run(args: readonly string[]): { child: Child; output: () => string; ended: Promise<number | null> } {
  const entry = ['scripts/run.mjs', 'test/harness/graph/main.ts', ...args];
  const child = spawn(process.execPath, entry, { stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, output: () => text, ended };
}

describe('the simulator on the command line', () => {
  it('prints an environment that works, lets a person change the mailbox, and tells of that by itself', async () => {
    const { child, output, ended } = run(['--messages', '20', '--locale', 'de', '--push']);
    await expect.poll(output, { timeout: 30_000 }).toContain('Ctrl-C');
    const environment = new Map(
      [...output().matchAll(/^export (\w+)='(.+)'$/gm)].map((match) => [match[1], match[2]]),
    );
    const variable = (name: string): string => environment.get(`OUTLOOK_${name}`) ?? '';
    const form = {
      grant_type: 'refresh_token',
      client_id: variable('CLIENT_ID'),
      client_secret: variable('CLIENT_SECRET'),
      refresh_token: variable('REFRESH_TOKEN'),
    };
    const grant = await fetch(variable('TOKEN_URL'), { method: 'POST', body: new URLSearchParams(form) });
    const authorization = `Bearer ${String(field(await grant.json(), 'access_token'))}`;
    const control = new URL('/_simulator/', variable('GRAPH_BASE_URL')).href;
    const subscription = {
      changeType: 'created',
      notificationUrl: receiver.url,
      lifecycleNotificationUrl: receiver.url,
      resource: '/me/messages',
      expirationDateTime: new Date(Date.now() + 86_400_000).toISOString(),
    };
    const subscribed = await fetch(`${variable('GRAPH_BASE_URL')}/subscriptions`, {
      method: 'POST',
      headers: { authorization },
      body: JSON.stringify(subscription),
    });
    expect(subscribed.status).toBe(201);
    const body = JSON.stringify({ subject: 'Hello', receivedDateTime: '2099-01-01T00:00:00Z' });
    await fetch(`${control}create-message`, { method: 'POST', body });
    await fetch(`${control}read`, { method: 'POST' });
    const newest = await fetch(`${variable('GRAPH_BASE_URL')}/me/messages?$top=1`, {
      headers: { authorization },
    });
    expect(field(await newest.json(), 'value')).toMatchObject([{ subject: 'Hello', isRead: true }]);
    await expect
      .poll(() => receiver.entries(), { timeout: 30_000 })
      .toMatchObject([{ changeType: 'created' }]);
    await fetch(`${control}lifecycle`, { method: 'POST', body: '{"event":"missed"}' });
    expect(receiver.entries().at(-1)).toMatchObject({ lifecycleEvent: 'missed' });
    const push: unknown = await (await fetch(`${control}push`, { method: 'POST' })).json();
    expect(push).toMatchObject({ statistics: { posted: 2 }, subscriptions: [{ changeType: 'created' }] });
    const unknown = await fetch(`${control}explode`, { method: 'POST' });
    expect(unknown.status).toBe(404);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  it('explains itself and its refusals', async () => {
    const help = run(['--help']);
    expect(await help.ended).toBe(0);
    expect(help.output()).toContain('/_simulator/create-message');
    const wrong = run(['--messages', 'many']);
    expect(await wrong.ended).toBe(64);
    expect(wrong.output()).toContain('--messages takes a whole number');
  });
});
