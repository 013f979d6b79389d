// The demo of the whole system, push included, as `npm run demo -- --keep` shows it, and what it says one can try then.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
/** The programs of the control plane may have to be built first. */
const START_LIMIT_MS = 1_800_000;
const run = promisify(execFile);

let folder: string;
let demo: ChildProcess;
let output = '';
let complaints = '';
let server: string;

/** Resolves when the demo has said `text`; rejects when it ends without. */
async function said(text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const look = (): void => {
      if (output.includes(text)) resolve();
    };
    demo.stdout?.on('data', look);
    demo.once('close', () => reject(new Error(`Ended without "${text}":\n${output}${complaints}`)));
    look();
  });
}

beforeAll(async () => {
  // All that it writes is in a folder of its own, so that what it leaves can be seen.
  folder = await mkdtemp(join(tmpdir(), 'outlook-sync-demo-test-'));
  demo = spawn(process.execPath, ['scripts/run.mjs', 'demo/main.ts', '--keep', '--messages', '500'], {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  demo.stdout?.setEncoding('utf8').on('data', (part: string) => {
    output += part;
  });
  demo.stderr?.setEncoding('utf8').on('data', (part: string) => {
    complaints += part;
  });
  await said('Ctrl-C ends it.');
}, START_LIMIT_MS);

afterAll(async () => {
  demo.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

/** The commands that it offers, of those that begin with a word, without what they are indented by. */
function offered(word: string): string[] {
  const lines = output.split('All of it stays up.')[1]?.split('\n') ?? [];
  return lines.map((line) => line.trim()).filter((line) => line.startsWith(word));
}

async function shell(...commands: string[]): Promise<string> {
  const [alias = ''] = offered('alias');
  const program = /kubectl='(.*)'/.exec(alias)?.[1] ?? '';
  const setting = [...offered('export'), `kubectl() { '${program}' "$@"; }`];
  const { stdout } = await run('sh', ['-ec', [...setting, ...commands].join('\n')], { cwd: ROOT });
  return stdout;
}

describe('the whole demo', () => {
  it('shows mailboxes on their way from Pending to Connected, and checks them message by message', () => {
    for (const phase of ['Pending', 'Syncing', 'Connected']) {
      expect(output).toMatch(new RegExp(`\\n  ada +ada@contoso\\.example +${phase} `));
    }
    expect(output).toMatch(/✔ The tables hold the mailboxes, message by message: \d{3} rows compared\./);
    expect(output).not.toContain('\x1b');
    expect(complaints).toBe('');
  });

  it('shows a dead grant as such, its schedule suspended, and its recovery', () => {
    expect(output).toMatch(
      /\n *dora +dora@contoso\.example +Error +False .* ReauthorizationRequired +Reauth/,
    );
    expect(output).toMatch(/\noutlook-sync-dora +\* \* \* \* \* +Etc\/UTC +True +0 /);
    const [, later = ''] = output.split('She signs in;');
    expect(later).toMatch(/\n {2}dora +dora@contoso\.example +Connected +True /);
  });

  it('shows changes in Outlook that arrived on the schedule', () => {
    expect(output).toMatch(/\nNew mail arrives .*\(no row\) +INBOX UNREAD\n/);
    expect(output).toMatch(/\nMoved to the Archive .* INBOX +ARCHIVE\n/);
  });

  it('shows a subscription, and how soon a mail that Graph told of is a row', () => {
    const [, act = ''] = output.split('6. Push');
    expect(act).toMatch(/\nTrue {2}until \d{4}-\d\d-\d\dT/);
    expect(act).toMatch(/\n\S*ben\S* +\S+ +\S+ +\S+ +\S+ +push\n/);
    expect(act).toMatch(/\nFrom the arrival of the mail to its row in Postgres: \d+\.\d s\.\n/);
  });

  it('offers commands that work', async () => {
    const commands = offered('kubectl');
    expect(commands.length).toBeGreaterThan(8);
    server = await shell("kubectl config view -o 'jsonpath={.clusters[0].cluster.server}'");
    const told = await shell(...commands);
    expect(told).toContain('condition met');
    expect(told).toContain('outlookprovider.outlooksync.dev/ada annotated');
    expect(told).toContain('outlookprovider.outlooksync.dev "chen" deleted');
  });

  it('leaves nothing behind', async () => {
    const ended = once(demo, 'close');
    demo.kill('SIGINT');
    expect({ code: (await ended)[0] as unknown, complaints }).toEqual({ code: 0, complaints: '' });
    expect(await readdir(folder)).toEqual([]);
    await expect(fetch(server)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });
});
