import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..', '..');

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Runs scripts/run.mjs of a project; `onOutput` sees the child as soon as it has written something. */
async function run(
  root: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  onOutput?: (kill: (signal: NodeJS.Signals) => void) => void,
): Promise<Ended> {
  const child = spawn(process.execPath, [join(root, 'scripts', 'run.mjs'), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
    });
  }
  child.stdout.once('data', () => onOutput?.((signal) => child.kill(signal)));
  await once(child, 'close');
  return { ...text, code: child.exitCode, signal: child.signalCode };
}

// Stands in for npm, and installs two things: Node and a tool.
const FAKE_NPM = `#!/bin/sh
echo "npm $*"
echo "$*" >> npm.log
[ -z "$FAKE_NPM_FAILS" ] || { echo "npm error: no network" >&2; exit 3; }
sleep 0.5
rm -rf node_modules
mkdir -p node_modules/.bin node_modules/tool
[ -n "$FAKE_NPM_WITHOUT_NODE" ] || ln -s "$FAKE_NODE" node_modules/.bin/node
cp tool.mjs node_modules/tool/tool.mjs
ln -s ../tool/tool.mjs node_modules/.bin/tool
cp package-lock.json node_modules/.package-lock.json
`;

const TOOL = `
const [mode, code] = process.argv.slice(2);
if (mode === 'wait') process.on('SIGTERM', () => process.exit(42));
if (mode === 'wait' || mode === 'die') setTimeout(() => {}, 60_000);
if (mode === 'code') process.exitCode = Number(code);
console.log(JSON.stringify({ execPath: process.execPath, args: process.argv.slice(2) }));
`;

const lockFile = (integrity: string): string =>
  JSON.stringify({
    lockfileVersion: 3,
    packages: { '': {}, 'node_modules/tool': { version: '1.0.0', integrity } },
  });

describe('in a checkout of its own', () => {
  let root: string;
  let env: NodeJS.ProcessEnv;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'outlook-sync-test-'));
    await mkdir(join(root, 'scripts'));
    await mkdir(join(root, 'bin'));
    for (const name of await readdir(join(ROOT, 'scripts'))) {
      if (name.endsWith('.mjs')) await copyFile(join(ROOT, 'scripts', name), join(root, 'scripts', name));
    }
    await writeFile(join(root, 'package-lock.json'), lockFile('one'));
    await writeFile(join(root, 'tool.mjs'), TOOL);
    await writeFile(join(root, 'bin', 'npm'), FAKE_NPM);
    await chmod(join(root, 'bin', 'npm'), 0o755);
    env = { PATH: `${join(root, 'bin')}:/usr/bin:/bin`, FAKE_NODE: process.execPath };
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const installs = async (): Promise<number> =>
    (await readFile(join(root, 'npm.log'), 'utf8')).trimEnd().split('\n').length;

  it('installs once, says so on stderr, and leaves stdout to the command', async () => {
    const first = await run(root, ['tool', 'a', '--b'], env);
    expect(JSON.parse(first.stdout)).toMatchObject({ args: ['a', '--b'] });
    expect(first.stderr).toContain('node_modules is missing');
    expect(first.stderr).toContain('npm ci');
    expect(await run(root, ['tool'], env)).toMatchObject({ code: 0, stderr: '' });
    expect(await installs()).toBe(1);
  });

  it('installs once when two commands start together', async () => {
    const ended = await Promise.all([run(root, ['tool'], env), run(root, ['tool'], env)]);
    expect(ended.map(({ code }) => code)).toEqual([0, 0]);
    expect(await installs()).toBe(1);
  });

  it('installs again when the lock file asks for something else', async () => {
    await run(root, ['tool'], env);
    await writeFile(join(root, 'package-lock.json'), lockFile('two'));
    const second = await run(root, ['tool'], env);
    expect(second.stderr).toContain('node_modules differs from package-lock.json');
    expect(await installs()).toBe(2);
  });

  it('takes what npm itself has installed for good', async () => {
    await run(root, ['tool'], env);
    await rm(join(root, 'node_modules', '.cache'), { recursive: true });
    expect(await run(root, ['tool'], env)).toMatchObject({ code: 0, stderr: '' });
    expect(await installs()).toBe(1);
  });

  it('takes over the lock of a process that is gone', async () => {
    const lock = join(root, '.cache', 'install.lock');
    await mkdir(join(root, '.cache'));
    await writeFile(lock, 'somebody');
    await utimes(lock, 0, 0);
    expect(await run(root, ['tool'], env)).toMatchObject({ code: 0 });
    expect(await readdir(join(root, '.cache'))).toEqual([]);
  });

  it('explains a failed installation, and tries again the next time', async () => {
    const failed = await run(root, ['tool'], { ...env, FAKE_NPM_FAILS: '1' });
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toContain('npm error: no network');
    expect(failed.stderr).toContain('npm ci ended with code 3');
    expect(await readdir(join(root, '.cache'))).toEqual([]);
    expect(await run(root, ['tool'], env)).toMatchObject({ code: 0 });
  });

  it('explains an installation without Node', async () => {
    const failed = await run(root, ['tool'], { ...env, FAKE_NPM_WITHOUT_NODE: '1' });
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toContain('ignore-scripts');
  });

  it('names a tool that does not exist', async () => {
    const failed = await run(root, ['nothing'], env);
    expect(failed).toMatchObject({ code: 64, stdout: '' });
    expect(failed.stderr).toContain('"nothing"');
  });

  describe('under another Node than the installed one', () => {
    let installed: string;
    beforeEach(async () => {
      installed = join(root, 'bin', 'node-copy');
      await copyFile(process.execPath, installed, constants.COPYFILE_FICLONE);
      await chmod(installed, 0o755);
      env = { ...env, FAKE_NODE: installed };
    });

    it('continues under the installed one and ends with its exit code', async () => {
      const ended = await run(root, ['tool', 'code', '42'], env);
      expect(ended).toMatchObject({ code: 42, signal: null });
      expect(JSON.parse(ended.stdout)).toEqual({ execPath: installed, args: ['code', '42'] });
    });

    it('passes a signal on and waits for the end', async () => {
      const ended = await run(root, ['tool', 'wait'], env, (kill) => {
        kill('SIGTERM');
      });
      expect(ended).toMatchObject({ code: 42, signal: null });
    });

    it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
      'ends by %s when that ended the command',
      async (signal) => {
        const ended = await run(root, ['tool', 'die'], env, (kill) => {
          kill(signal);
        });
        expect(ended).toMatchObject({ code: null, signal });
      },
    );

    it('explains a Node that does not start', async () => {
      await run(root, ['tool'], env);
      await rm(join(root, 'node_modules', '.bin', 'node'));
      await symlink(join(root, 'package-lock.json'), join(root, 'node_modules', '.bin', 'node'));
      const ended = await run(root, ['tool'], env);
      expect(ended).toMatchObject({ code: 1, stdout: '' });
      expect(ended.stderr).toContain('does not start here');
    });
  });
});

describe('a TypeScript entry', () => {
  let folder: string;
  let entry: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'outlook-sync-test-'));
    entry = join(folder, 'entry.ts');
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'greeting.ts'), 'export const greeting: string = "hello";\n');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('runs as if it had been started itself, and anew after a change', async () => {
    const source = `import { greeting } from './greeting.ts';
      interface Output { greeting: string }
      const output: Output = { greeting };
      console.log(JSON.stringify([...process.argv.slice(1), output]));`;
    await writeFile(entry, source);
    const first = await run(ROOT, [entry, 'a', '--b'], process.env);
    expect(JSON.parse(first.stdout)).toEqual([entry, 'a', '--b', { greeting: 'hello' }]);
    await writeFile(join(folder, 'greeting.ts'), 'export const greeting: string = "goodbye";\n');
    const second = await run(ROOT, [entry], process.env);
    expect(JSON.parse(second.stdout)).toEqual([entry, { greeting: 'goodbye' }]);
  });

  it('fails with the line of the source, from the cache too', async () => {
    await writeFile(
      entry,
      `interface Gone {\n  a: number;\n}\n\nconst a: Gone = { a: 1 };\nthrow new Error(String(a.a));\n`,
    );
    for (const _attempt of ['compiled', 'from the cache']) {
      const ended = await run(ROOT, [entry], process.env);
      expect(ended.code).toBe(1);
      expect(ended.stderr).toContain(`${entry}:6:7`);
    }
  });
});
