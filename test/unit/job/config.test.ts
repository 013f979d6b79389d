// The environment of the job as its parser reads it: what is accepted, what is clamped, and what is refused how.
import { describe, expect, it } from 'vitest';
import { environment, type Variable } from '../../../api/environment.ts';
import { endpoints, parseDatabaseSettings, parseSettings, type Problem } from '../../../job/config.ts';

const key = (fill: number): string => Buffer.alloc(32, fill).toString('base64');

const valid = {
  DATABASE_URL: 'postgres://inbox:pass-phrase@db:5432/inbox',
  OUTLOOK_CLIENT_ID: 'client',
  OUTLOOK_CLIENT_SECRET: 'client-secret',
  OUTLOOK_TOKEN_ENCRYPTION_KEYS: `k1:${key(1)}`,
};

function settings(env: Record<string, string> = {}) {
  const parsed = parseSettings({ ...valid, ...env });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed;
}

function problems(env: NodeJS.ProcessEnv): Problem[] {
  const parsed = parseSettings(env);
  return parsed.ok ? [] : parsed.problems;
}

const namesOf = (found: readonly Problem[]): string[] => found.map(({ name }) => name).sort();

const numbers = Object.entries<Variable>(environment).filter(([, { range }]) => range !== undefined);

describe('numbers', () => {
  it.each(numbers)(
    '%s has its default, and is clamped with a warning at both ends',
    (name, { range, fallback }) => {
      const [min, max] = range ?? [0, 0];
      const read = (value: string) => {
        const { value: all, warnings } = settings({ [name]: value });
        return { value: all[name as 'OUTLOOK_SYNC_PAGE_SIZE'], warnings };
      };
      expect(read('')).toEqual({ value: Number(fallback), warnings: [] });
      expect(read(` ${min} `)).toEqual({ value: min, warnings: [] });
      expect(read(String(max))).toEqual({ value: max, warnings: [] });
      for (const [given, used] of [
        [min - 1, min],
        [max + 1, max],
      ] as const) {
        const { value, warnings } = read(String(given));
        expect(value).toBe(used);
        expect(warnings).toEqual([expect.stringMatching(new RegExp(`${name}.*${given}.*${used}`))]);
      }
    },
  );

  it.each(['five', '1.5', '1e1', '0x10', 'NaN', 'Infinity', '10 000', '٣', '5;', '--5', '1n'])(
    'refuses %j, which is no whole number',
    (value) => {
      const names = numbers.map(([name]) => name);
      const found = problems({ ...valid, ...Object.fromEntries(names.map((name) => [name, value])) });
      expect(namesOf(found)).toEqual(names.sort());
      for (const { problem, example } of found) {
        expect(problem).toContain(JSON.stringify(value));
        expect(example).toMatch(/^\d+$/);
      }
    },
  );

  it('clamps a number of any size', () => {
    expect(settings({ OUTLOOK_SYNC_PAGE_SIZE: '9'.repeat(400) }).value.OUTLOOK_SYNC_PAGE_SIZE).toBe(1000);
    expect(settings({ OUTLOOK_SYNC_PAGE_SIZE: `-${'9'.repeat(400)}` }).value.OUTLOOK_SYNC_PAGE_SIZE).toBe(1);
  });
});

describe('what is missing or malformed', () => {
  it('names everything that is missing at once', () => {
    expect(namesOf(problems({}))).toEqual([
      'DATABASE_URL',
      'OUTLOOK_CLIENT_ID',
      'OUTLOOK_CLIENT_SECRET',
      'OUTLOOK_TOKEN_ENCRYPTION_KEYS',
    ]);
  });

  it('takes blank for absent', () => {
    expect(namesOf(problems({ ...valid, DATABASE_URL: '  ', OUTLOOK_CLIENT_ID: '' }))).toEqual([
      'DATABASE_URL',
      'OUTLOOK_CLIENT_ID',
    ]);
  });

  it('takes an empty client secret for a public client', () => {
    expect(settings({ OUTLOOK_CLIENT_SECRET: '' }).value.OUTLOOK_CLIENT_SECRET).toBe('');
  });

  it('tells rules over several settings together with every other problem', () => {
    const found = problems({ ...valid, OUTLOOK_AUTH_MODE: 'Application', DATABASE_URL: 'nowhere' });
    expect(namesOf(found)).toEqual(['DATABASE_URL', 'OUTLOOK_TENANT_ID']);
  });

  it.each([
    ['DATABASE_URL', 'mysql://root:pass-phrase@db/inbox'],
    ['DATABASE_URL', 'db:5432/inbox'],
    ['DATABASE_URL', 'postgres://inbox:pass-phrase@db:99999/inbox'],
    ['OUTLOOK_AUTH_MODE', 'delegated'],
    ['OUTLOOK_CLOUD', 'Mars'],
    ['OUTLOOK_TENANT_ID', 'contoso/../common'],
    ['OUTLOOK_TENANT_ID', 'a b'],
    ['OUTLOOK_SYNC_TRIGGER', 'cron'],
    ['OUTLOOK_SYNC_HISTORY', 'all'],
    ['OUTLOOK_SYNC_HISTORY', 'P'],
    ['OUTLOOK_SYNC_HISTORY', 'P0D'],
    ['OUTLOOK_SYNC_HISTORY', 'PT'],
    ['OUTLOOK_SYNC_HISTORY', '30D'],
    ['OUTLOOK_SYNC_HISTORY', 'P-3D'],
    ['OUTLOOK_SYNC_HISTORY', 'P99999Y'],
    ['OUTLOOK_SYNC_DELTA_SCOPE', 'Everything'],
    ['OUTLOOK_SYNC_STORE_RAW_PAYLOAD', 'yes'],
    ['LOG_LEVEL', 'loud'],
  ])('refuses %s=%j, naming it, with an example', (name, value) => {
    const [found, ...others] = problems({ ...valid, [name]: value });
    expect(others).toEqual([]);
    expect(found?.name).toBe(name);
    expect(found?.problem.length).toBeGreaterThan(5);
    expect(found?.example.length).toBeGreaterThan(0);
  });

  it('repeats no value that is secret, whatever is wrong with it', () => {
    const secret = 'do-not-repeat-me';
    const names = Object.entries<Variable>(environment).filter(([, one]) => one.secret);
    const env = Object.fromEntries(names.map(([name]) => [name, secret]));
    expect(problems(env).length).toBeGreaterThan(1);
    expect(JSON.stringify(problems(env))).not.toContain(secret);
    const urls = problems({
      ...valid,
      DATABASE_URL: `mysql://u:${secret}@h/d`,
      OUTLOOK_GRAPH_BASE_URL: `https://u:${secret}@h/`,
    });
    expect(namesOf(urls)).toEqual(['DATABASE_URL', 'OUTLOOK_GRAPH_BASE_URL']);
    expect(JSON.stringify(urls)).not.toContain(secret);
  });

  it('asks a migration for its database alone', () => {
    expect(parseDatabaseSettings({ DATABASE_URL: valid.DATABASE_URL })).toMatchObject({ ok: true });
    expect(parseDatabaseSettings({})).toMatchObject({ ok: false, problems: [{ name: 'DATABASE_URL' }] });
  });
});

describe('durations of history', () => {
  it.each(['All', 'P30D', 'P1Y6M', 'P2W', 'PT36H', 'P1DT12H', 'PT90M', 'PT1S'])('accepts %s', (value) => {
    expect(settings({ OUTLOOK_SYNC_HISTORY: value }).value.OUTLOOK_SYNC_HISTORY).toBe(value);
  });
});

describe('encryption keys', () => {
  it('reads a ring in its order, standard or URL-safe base64, padded or not', () => {
    const bytes = Buffer.alloc(32, 0xfb);
    const ring = `new:${bytes.toString('base64')}, old.1_-:${bytes.toString('base64url')}`;
    expect(settings({ OUTLOOK_TOKEN_ENCRYPTION_KEYS: ring }).value.OUTLOOK_TOKEN_ENCRYPTION_KEYS).toEqual([
      { id: 'new', key: bytes },
      { id: 'old.1_-', key: bytes },
    ]);
  });

  it.each([
    ['no id', key(1)],
    ['an empty id', `:${key(1)}`],
    ['31 bytes', `k1:${Buffer.alloc(31, 1).toString('base64')}`],
    ['33 bytes', `k1:${Buffer.alloc(33, 1).toString('base64')}`],
    ['a passphrase', 'k1:correct horse battery staple and so on!'],
    ['hex', `k1:${Buffer.alloc(32, 1).toString('hex')}`],
    ['nothing behind the comma', `k1:${key(1)},`],
    ['one id twice', `k1:${key(1)},k1:${key(2)}`],
    ['a second key that is bad', `k1:${key(1)},k2:short`],
  ])('refuses %s without showing it', (_what, ring) => {
    const found = problems({ ...valid, OUTLOOK_TOKEN_ENCRYPTION_KEYS: ring });
    expect(namesOf(found)).toEqual(['OUTLOOK_TOKEN_ENCRYPTION_KEYS']);
    expect(found[0]?.problem).not.toContain(ring);
    expect(found[0]?.problem).not.toContain(key(1));
  });
});

describe('URLs to which tokens go', () => {
  const names = ['OUTLOOK_GRAPH_BASE_URL', 'OUTLOOK_TOKEN_URL'] as const;

  it.each([
    'https://graph.microsoft.com/v1.0',
    'https://10.0.0.7/v1.0',
    'http://localhost:8080/v1.0',
    'http://127.0.0.1:8080/v1.0',
    'http://127.8.9.10/v1.0',
    'http://[::1]:8080/v1.0',
    'http://graph-simulator/v1.0',
    'http://graph-simulator.mail.svc:8080/v1.0',
    'http://graph-simulator.mail.svc.cluster.local/v1.0',
  ])('accepts %s', (url) => {
    for (const name of names) expect(namesOf(problems({ ...valid, [name]: url }))).toEqual([]);
  });

  it.each([
    'http://graph.microsoft.com/v1.0',
    'http://10.0.0.7/v1.0',
    'http://192.168.1.1/v1.0',
    'http://169.254.169.254/latest',
    'http://0.0.0.0/v1.0',
    'http://[::2]/v1.0',
    'http://[::ffff:10.0.0.1]/v1.0',
    'http://localhost.example.com/v1.0',
    'http://127.0.0.1.example.com/v1.0',
    'http://svc.example.com/v1.0',
    'http://mysvc.example/v1.0',
    'http://cluster.local.example.com/v1.0',
    'https://user:pass-phrase@graph.microsoft.com/v1.0',
    'ftp://graph.microsoft.com/v1.0',
    'graph.microsoft.com/v1.0',
    '/v1.0',
  ])('refuses %s', (url) => {
    for (const name of names) {
      const found = problems({ ...valid, [name]: url });
      expect(namesOf(found)).toEqual([name]);
      expect(found[0]?.example).toMatch(/^https:/);
      expect(found[0]?.problem).not.toContain('pass-phrase');
    }
  });

  it('are those of the cloud and the tenant unless an administrator names others', () => {
    const { value } = settings({ OUTLOOK_CLOUD: 'USGov', OUTLOOK_TENANT_ID: 'contoso.onmicrosoft.us' });
    expect(endpoints(value)).toEqual({
      graphBaseUrl: 'https://graph.microsoft.us/v1.0',
      tokenUrl: 'https://login.microsoftonline.us/contoso.onmicrosoft.us/oauth2/v2.0/token',
      appScope: 'https://graph.microsoft.us/.default',
    });
    const own = settings({
      OUTLOOK_GRAPH_BASE_URL: 'https://proxy.example/graph/v1.0/',
      OUTLOOK_TOKEN_URL: 'https://proxy.example/token',
    });
    expect(endpoints(own.value)).toMatchObject({
      graphBaseUrl: 'https://proxy.example/graph/v1.0',
      tokenUrl: 'https://proxy.example/token',
    });
  });
});

describe('Application mode', () => {
  it.each(['common', 'organizations', 'Consumers', ''])('needs one tenant, which %j is not', (tenant) => {
    const found = problems({ ...valid, OUTLOOK_AUTH_MODE: 'Application', OUTLOOK_TENANT_ID: tenant });
    expect(namesOf(found)).toEqual(['OUTLOOK_TENANT_ID']);
  });

  it('needs a client secret', () => {
    const env = { ...valid, OUTLOOK_AUTH_MODE: 'Application', OUTLOOK_TENANT_ID: 'contoso.onmicrosoft.com' };
    expect(problems(env)).toEqual([]);
    expect(namesOf(problems({ ...env, OUTLOOK_CLIENT_SECRET: '' }))).toEqual(['OUTLOOK_CLIENT_SECRET']);
  });
});

describe('lists of folders', () => {
  it('are split at commas, trimmed, without empty parts', () => {
    const { value } = settings({ OUTLOOK_SYNC_FOLDERS_INCLUDE: ' inbox, Projects/2026 ,,' });
    expect(value.OUTLOOK_SYNC_FOLDERS_INCLUDE).toEqual(['inbox', 'Projects/2026']);
    expect(value.OUTLOOK_SYNC_FOLDERS_EXCLUDE).toEqual([]);
  });
});

describe('the notification URL', () => {
  const name = 'OUTLOOK_PUSH_NOTIFICATION_URL';

  it.each([
    ['https://mail.example/outlook-sync/webhooks/push', 0],
    ['https://mail.example/behind/outlook-sync/webhooks/push?tenant=7', 0],
    ['http://localhost:8080/outlook-sync/webhooks/push', 0],
    ['http://webhook.mail.svc/outlook-sync/webhooks/push', 0],
    ['https://mail.example/', 1],
    ['https://mail.example/outlook-sync/webhooks/lifecycle', 1],
  ])('may be %s, with %i warnings', (url, count) => {
    const { value, warnings } = settings({ [name]: url });
    expect(value[name]).toBe(url);
    expect(warnings.map((warning) => warning.startsWith(name))).toEqual(Array(count).fill(true));
  });

  it.each([
    'mail.example/push',
    'http://mail.example/outlook-sync/webhooks/push',
    'https://user:pass-phrase@mail.example/outlook-sync/webhooks/push',
    'https://mail.example/outlook-sync/webhooks/push#part',
    'https://mail.example/outlook-sync/webhooks/push#',
    'ftp://mail.example/push',
  ])('may not be %s', (url) => {
    const found = problems({ ...valid, [name]: url });
    expect(namesOf(found)).toEqual([name]);
    expect(found[0]?.problem).not.toContain('pass-phrase');
  });
});
