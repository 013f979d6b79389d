// Arguments and environment, as the built job takes them: help, and refusals that touch nothing.
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environment, type Variable } from '../../../api/environment.ts';
import { exitCodes } from '../../../api/exitCodes.ts';
import { type JobOutcome, runJob } from '../../harness/job.ts';
import { openScene, type Scene } from './scene.ts';

/** Counts who comes, and answers nobody. */
let tripwire: Server;
let visitors = 0;
let address = '';

beforeAll(async () => {
  tripwire = createServer((socket) => {
    visitors += 1;
    socket.destroy();
  });
  tripwire.listen(0, '127.0.0.1');
  await once(tripwire, 'listening');
  const bound = tripwire.address();
  address = `127.0.0.1:${typeof bound === 'object' ? (bound?.port ?? 0) : 0}`;
});

afterAll(() => tripwire.close());

const whole = ['sync', '--standalone', '--email', 'anna@contoso.com', '--user-id', 'u1'];

const valid = (): Record<string, string> => ({
  DATABASE_URL: `postgres://inbox:pass-phrase@${address}/inbox`,
  OUTLOOK_CLIENT_ID: 'client',
  OUTLOOK_CLIENT_SECRET: 'client-secret',
  OUTLOOK_REFRESH_TOKEN: 'refresh-token',
  OUTLOOK_TOKEN_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 1).toString('base64')}`,
  OUTLOOK_GRAPH_BASE_URL: `http://${address}/v1.0`,
  OUTLOOK_TOKEN_URL: `http://${address}/token`,
  OUTLOOK_SYNC_SCHEDULER_JITTER_MS: '0',
});

const secrets = ['pass-phrase', 'client-secret', 'refresh-token', Buffer.alloc(32, 1).toString('base64')];

function assertRefused(outcome: JobOutcome, names: readonly string[]): void {
  expect(outcome.code, outcome.stderr).toBe(64);
  expect(outcome.summary).toEqual({
    status: 'error',
    error: { code: 'ConfigurationInvalid', message: expect.any(String) as string },
  });
  expect(outcome.log).toHaveLength(outcome.stderr.trimEnd().split('\n').length);
  for (const name of names) {
    expect(outcome.summary.error?.message).toContain(name);
    const told = outcome.log.find((line) => line['name'] === name);
    expect(told, name).toMatchObject({
      problem: expect.any(String) as string,
      example: expect.stringMatching(/./) as string,
    });
  }
  for (const secret of secrets) expect(`${outcome.stdout}${outcome.stderr}`).not.toContain(secret);
  expect(visitors, 'nothing was touched').toBe(0);
}

describe('--help', () => {
  it('teaches arguments, environment, output and exit codes, and exits with 0', async () => {
    const { code, stdout, stderr } = await runJob(['--help'], {});
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const [name, { fallback, range }] of Object.entries<Variable>(environment)) {
      const [, described = ''] = stdout.split(new RegExp(`^ *${name}\\b`, 'm'));
      expect(described.trim().length, name).toBeGreaterThan(0);
      if (range) expect(described).toContain(`${range[0]} to ${range[1]}; default ${fallback ?? ''}`);
    }
    for (const exitCode of Object.values(exitCodes))
      expect(stdout).toMatch(new RegExp(`^ *${exitCode} +\\w`, 'm'));
    for (const word of [
      'migrate',
      '--standalone',
      '--email',
      '--user-id',
      '--workspace-id',
      '--provider-id',
      'stdout',
    ]) {
      expect(stdout).toContain(word);
    }
  });

  it('wins over everything else that is given', async () => {
    expect((await runJob(['sync', '--nonsense', '--help'], {})).code).toBe(0);
  });
});

describe('a configuration that is not valid', () => {
  it('is refused with everything that is missing, at once', async () => {
    assertRefused(await runJob(['sync'], {}), [
      '--standalone',
      '--email',
      '--user-id',
      'DATABASE_URL',
      'OUTLOOK_CLIENT_ID',
      'OUTLOOK_CLIENT_SECRET',
      'OUTLOOK_TOKEN_ENCRYPTION_KEYS',
    ]);
  });

  it('is refused with everything that is malformed, at once, and without its secrets', async () => {
    const malformed = {
      ...valid(),
      DATABASE_URL: `mysql://inbox:pass-phrase@${address}/inbox`,
      OUTLOOK_TOKEN_ENCRYPTION_KEYS: Buffer.alloc(32, 1).toString('base64'),
      OUTLOOK_SYNC_DELTA_PAGE_LIMIT: 'many',
      OUTLOOK_SYNC_HISTORY: 'a month',
      OUTLOOK_CLOUD: 'Azure',
      OUTLOOK_GRAPH_BASE_URL: 'http://graph.example.com/v1.0',
      OUTLOOK_TOKEN_URL: 'http://login.example.com/token',
      OUTLOOK_AUTH_MODE: 'Application',
    };
    const args = [
      'sync',
      '--standalone',
      '--email',
      'anna',
      '--user-id',
      'u1',
      '--provider-id',
      '42',
      '--fast',
      'please',
    ];
    const names = ['--email', '--provider-id', '--fast', 'please', ...Object.keys(malformed)].filter(
      (name) =>
        ![
          'OUTLOOK_AUTH_MODE',
          'OUTLOOK_SYNC_SCHEDULER_JITTER_MS',
          'OUTLOOK_CLIENT_ID',
          'OUTLOOK_CLIENT_SECRET',
          'OUTLOOK_REFRESH_TOKEN',
        ].includes(name),
    );
    assertRefused(await runJob(args, malformed), names);
  });

  it.each([
    ['an unknown argument', [...whole, '--retries', '3'], {}, '--retries'],
    ['an unknown command', ['resync'], {}, 'command'],
    ['a provider id that is no UUID', [...whole, '--provider-id', 'row-7'], {}, '--provider-id'],
    [
      'plain http to a host outside',
      whole,
      { OUTLOOK_GRAPH_BASE_URL: 'http://graph.microsoft.com/v1.0' },
      'OUTLOOK_GRAPH_BASE_URL',
    ],
    [
      'an app-only sync of no tenant in particular',
      whole,
      { OUTLOOK_AUTH_MODE: 'Application', OUTLOOK_TOKEN_URL: '' },
      'OUTLOOK_TENANT_ID',
    ],
    [
      'a number that is none',
      whole,
      { OUTLOOK_PUSH_SYNC_MAX_MESSAGES: '25 messages' },
      'OUTLOOK_PUSH_SYNC_MAX_MESSAGES',
    ],
    [
      'a database URL that cannot be decoded',
      whole,
      { DATABASE_URL: 'postgres://inbox:%zz-pass@127.0.0.1/inbox' },
      'DATABASE_URL',
    ],
  ])('is one with %s', async (_what, args, env, name) => {
    assertRefused(await runJob(args, { ...valid(), ...env }), [name]);
  });

  it('is one without a database, for a migration', async () => {
    assertRefused(await runJob(['migrate'], {}), ['DATABASE_URL']);
    assertRefused(await runJob(['migrate', 'now'], { DATABASE_URL: valid()['DATABASE_URL'] ?? '' }), ['now']);
  });
});

describe('a number out of range', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene();
  });
  afterAll(() => scene.close());

  it('is clamped with a warning, and the run goes on', async () => {
    const user = scene.addUser({ messages: 40 });
    const env = {
      OUTLOOK_SYNC_DELTA_PAGE_LIMIT: '0',
      OUTLOOK_SYNC_MAX_MESSAGES: '-5',
      OUTLOOK_SYNC_PAGE_SIZE: '5',
    };
    const { summary, log } = await user.synced({ env });
    expect(summary.cursor).toBe('Bootstrapping');
    const warnings = log.filter(({ level }) => level === 'warn').map(({ msg }) => String(msg));
    expect(warnings).toEqual([
      expect.stringMatching(/OUTLOOK_SYNC_MAX_MESSAGES.*-5.*\b1$/),
      expect.stringMatching(/OUTLOOK_SYNC_DELTA_PAGE_LIMIT.*0.*\b1$/),
    ]);
    const deltas = scene.graph.requests.filter(
      ({ path }) => path.endsWith('/messages/delta') && path.includes('mailFolders'),
    );
    expect(new Set(deltas.map(({ path }) => path)).size).toBe(deltas.length);
    expect(scene.graph.requests.find(({ path }) => path.endsWith('/me/messages'))?.query).toContain(
      '$top=1&',
    );
  });
});
