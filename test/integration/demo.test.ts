import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const LIMIT_MS = 100_000;

interface Demo {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves when stdout has the text, rejects when the demo ends without it. */
  readonly said: (text: string) => Promise<void>;
  readonly ended: Promise<number | null>;
}

function startDemo(...args: string[]): Demo {
  const child = spawn(process.execPath, ['scripts/run.mjs', 'demo/main.ts', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (part: string) => {
      text[name] += part;
    });
  }
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      clearTimeout(limit);
      resolve(code);
    });
  });
  const said = (wanted: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (text.stdout.includes(wanted)) resolve();
      };
      child.stdout.on('data', look);
      child.once('close', () =>
        reject(new Error(`Ended without "${wanted}":\n${text.stdout}${text.stderr}`)),
      );
      look();
    });
  return { child, ended, said, stdout: () => text.stdout, stderr: () => text.stderr };
}

/** That the demo's Postgres neither answers nor has left a file. */
async function expectNothingLeft({ child, stdout }: Demo): Promise<void> {
  const [, connectionString] = /psql '(postgres:[^']+)'/.exec(stdout()) ?? [];
  expect(connectionString).toBeDefined();
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5_000 });
  await expect(client.connect()).rejects.toThrow('ECONNREFUSED');
  const names = await Promise.all([tmpdir(), '/tmp'].map((folder) => readdir(folder)));
  const own = names.flat().filter((name) => name.startsWith(`outlook-sync-postgres-run-${child.pid ?? 0}-`));
  expect(own).toEqual([]);
}

it(
  'shows the job alone in plain text, checks it, and leaves nothing behind',
  { timeout: LIMIT_MS },
  async () => {
    const demo = startDemo('--job-only');
    expect({ code: await demo.ended, stderr: demo.stderr() }).toEqual({ code: 0, stderr: '' });
    const output = demo.stdout();
    expect(output).toContain('$ npm run job -- migrate\n{"status":"migrated"');
    expect(output.match(/Stopped at its page limit; the next run goes on from there\./g)).toHaveLength(2);
    expect(output).toMatch(/\d+ of 3584 messages in Postgres\n/);
    expect(output).toMatch(
      /New mail arrives +お花見の写真です 🌸 \(photos from Sunday\) +\(no row\) +INBOX UNREAD\n/,
    );
    expect(output).toMatch(/\nRead .* INBOX UNREAD +INBOX\n/);
    expect(output).toMatch(/\nCategorised: 🔥 Urgent .* INBOX +INBOX 🔥 Urgent\n/);
    expect(output).toMatch(/\nMoved to the Archive .* INBOX +ARCHIVE\n/);
    expect(output).toMatch(/\nMoved to Inbox\/Projects\/Aurora .* INBOX +\(none\)\n/);
    expect(output).toMatch(/\nMoved to Inbox\/Receipts, and back at once .* INBOX +INBOX\n/);
    expect(output).toMatch(/\nMoved back from Inbox\/Projects\/Aurora .* \(none\) +INBOX\n/);
    expect(output).toMatch(/\nDeleted \(to Deleted Items\) .* INBOX +\(no row\)\n/);
    expect(output).toMatch(/\nDeleted for good .* INBOX UNREAD +\(no row\)\n/);
    expect(output).toMatch(/\n● +佐藤 花子 +お花見の写真です 🌸 \(photos from Sunday\) — /);
    expect(output).toMatch(/\n■ INBOX +system +#4F46E5 +1927 +\d+\n/);
    expect(output).toContain('✔ The tables hold the mailbox, message by message: 3583 rows compared.');
    expect(output).not.toContain('\x1b');
    await expectNothingLeft(demo);
  },
);

it('with --keep stays up, and what it says one can try works', { timeout: LIMIT_MS }, async () => {
  const demo = startDemo('--job-only', '--keep', '--messages', '400');
  try {
    await demo.said('Ctrl-C ends it.');
    const lines = demo.stdout().split('Postgres and the mailbox stay up.')[1]?.split('\n') ?? [];
    const starting = (word: string): string[] =>
      lines.map((line) => line.trim()).filter((line) => line.startsWith(word));
    const [, url = '', body = ''] =
      /^curl -X POST (\S+create-message) -d '(.*)'$/.exec(starting('curl')[0] ?? '') ?? [];
    expect((await fetch(url, { method: 'POST', body })).status).toBe(200);
    const script = [...starting('export'), ...starting('npm run job'), ...starting('node -e')].join('\n');
    const { stdout } = await promisify(execFile)('sh', ['-ec', script], { cwd: ROOT, timeout: LIMIT_MS });
    expect(stdout).toContain('"status":"connected"');
    expect(stdout).toContain("'Hello'");
  } finally {
    demo.child.kill('SIGINT');
  }
  expect({ code: await demo.ended, stderr: demo.stderr() }).toEqual({ code: 0, stderr: '' });
  await expectNothingLeft(demo);
});

it('leaves nothing behind when Ctrl-C interrupts a sync', { timeout: LIMIT_MS }, async () => {
  const demo = startDemo('--job-only', '--messages', '400');
  await demo.said('Took the lease');
  demo.child.kill('SIGINT');
  expect({ code: await demo.ended, stderr: demo.stderr() }).toEqual({ code: 130, stderr: '' });
  expect(demo.stdout()).toMatch(/\nStopped\. All of it is gone again\.\n$/);
  await expectNothingLeft(demo);
});

it('explains itself, and refuses what it does not know', async () => {
  const help = startDemo('--help');
  expect(await help.ended).toBe(0);
  expect(help.stdout()).toContain('--keep');
  for (const args of [['--kept'], ['--job'], ['now'], ['--messages', '12'], ['--messages', 'many']]) {
    const refused = startDemo(...args);
    expect(await refused.ended).toBe(64);
    expect(refused.stderr()).toContain('Try npm run demo -- --help');
    expect(refused.stdout()).toBe('');
  }
});
