import { describe, expect, it } from 'vitest';
import {
  type Entry,
  problemsOfConfiguration,
  problemsOfFiles,
  totalBytes,
} from '../../../scripts/image/contents.ts';

const file = (path: string, more: Partial<Entry> = {}): Entry => ({
  path,
  kind: 'file',
  mode: 0o644,
  uid: 0,
  size: 10,
  ...more,
});

const good = [
  ...['job.js', 'job.main.js', 'job.main.js.LEGAL.txt'].map((name) => file(`/app/${name}`)),
  ...['LICENSE', 'THIRD-PARTY-NOTICES.txt', 'package.json', 'sbom.json'].map((name) => file(`/app/${name}`)),
  file('/app/compile-cache/v26.10.0-x64-310b2ce3-65532/29d3d87e'),
  file('/usr/local/bin/node', { mode: 0o755 }),
  file('/lib64/ld-linux-x86-64.so.2', { mode: 0o755 }),
  file('/lib/x86_64-linux-gnu/libstdc++.so.6'),
  file('/etc/passwd'),
  file('/usr/share/doc/libc6/copyright'),
  file('/var/lib/dpkg/status.d/libc6'),
  file('/app', { kind: 'folder', mode: 0o755, size: 0 }),
  file('/tmp', { kind: 'folder', mode: 0o1777, size: 0 }),
];

describe('the files of an image', () => {
  it('are Node, its libraries, the programs and their papers', () => {
    expect(problemsOfFiles(good, ['job'])).toEqual([]);
  });

  it.each([
    '/bin/sh',
    '/usr/local/bin/npm',
    '/usr/bin/node',
    '/app/node_modules/zod/package.json',
    '/app/job/main.ts',
    '/app/job.main.js.map',
    '/app/.npmrc',
    '/root/.npmrc',
    '/etc/shadow',
    '/app/compile-cache',
  ])('do not include %s', (path) => {
    expect(problemsOfFiles([...good, file(path)], ['job'])).toEqual([
      `${path} does not belong into the image`,
    ]);
  });

  it.each<[string, Partial<Entry>]>([
    ['does not belong to root', { uid: 65_532 }],
    ['is not readable for everybody', { mode: 0o600 }],
    ['can be written', { mode: 0o666 }],
    ['is executable', { mode: 0o755 }],
  ])('are refused when one %s', (problem, more) => {
    const entries = good.map((one) => (one.path === '/app/job.js' ? { ...one, ...more } : one));
    expect(problemsOfFiles(entries, ['job'])).toEqual([`/app/job.js ${problem}`]);
  });

  it('are refused with a folder that anybody can write, or a Node with the rights of its owner', () => {
    const more = [file('/data', { kind: 'folder', mode: 0o777 })];
    const node = file('/usr/local/bin/node', { mode: 0o4755 });
    expect(problemsOfFiles([...good, ...more, node], ['job'])).toEqual([
      '/data can be written',
      '/usr/local/bin/node runs with the rights of its owner',
    ]);
  });

  it('are incomplete without a program, its papers or what V8 compiled', () => {
    const rest = good.filter(({ path }) => !/sbom|compile-cache/.test(path));
    expect(problemsOfFiles(rest, ['job', 'operator'])).toEqual([
      '/app/operator.js is missing',
      '/app/operator.main.js is missing',
      '/app/operator.main.js.LEGAL.txt is missing',
      '/app/sbom.json is missing',
      'nothing is in /app/compile-cache/',
    ]);
  });

  it('have a size together', () => {
    expect(totalBytes(good)).toBe(140);
  });
});

describe('the configuration of an image', () => {
  const names = ['title', 'description', 'licenses', 'version', 'revision', 'created', 'source'];
  const config = {
    User: '65532:65532',
    Entrypoint: ['node'],
    WorkingDir: '/app',
    Labels: Object.fromEntries(names.map((name) => [`org.opencontainers.image.${name}`, 'x'])),
  };

  it('names a user by number, Node and the labels', () => {
    expect(problemsOfConfiguration(config)).toEqual([]);
  });

  it.each([
    [{ User: undefined }, 'its user is root, not 65532:65532'],
    [{ User: 'node' }, 'its user is node, not 65532:65532'],
    [{ Entrypoint: ['sh', '-c', 'node'] }, 'its entry point is ["sh","-c","node"]'],
    [{ Entrypoint: null }, 'its entry point is null'],
    [{ WorkingDir: '' }, 'its working directory is '],
    [
      { Labels: { ...config.Labels, 'org.opencontainers.image.revision': undefined } },
      'it has no label org.opencontainers.image.revision',
    ],
  ])('is refused with %j', (more, problem) => {
    const changed: unknown = JSON.parse(JSON.stringify({ ...config, ...more }));
    expect(problemsOfConfiguration(changed)).toEqual([problem]);
  });
});
