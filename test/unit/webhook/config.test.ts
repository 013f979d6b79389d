import { expect, test } from 'vitest';
import { webhookEnvironment } from '../../../api/webhookEnvironment.ts';
import { parseConfig, type ParsedConfig } from '../../../webhook/config.ts';
import { helpText } from '../../../webhook/help.ts';

const secrets = { OUTLOOK_PUSH_WEBHOOK_TOKEN: 'new, old', OUTLOOK_PUSH_CLIENT_STATE_SECRET: 'signs' };

const problemsOf = (parsed: ParsedConfig): string[] =>
  parsed.ok ? [] : parsed.problems.map(({ name }) => name);

test('nothing has to be set, but that nobody is asked for anything is said', () => {
  expect(parseConfig({})).toMatchObject({
    ok: true,
    config: { tokens: [], clientStateSecrets: [], watchNamespaces: [], host: '127.0.0.1', port: 8080 },
    warnings: [
      expect.stringContaining('OUTLOOK_PUSH_WEBHOOK_TOKEN'),
      expect.stringContaining('OUTLOOK_PUSH_CLIENT_STATE_SECRET'),
    ],
  });
});

test('a secret may be several while it is replaced', () => {
  expect(parseConfig(secrets)).toMatchObject({
    ok: true,
    config: { tokens: ['new', 'old'], clientStateSecrets: ['signs'] },
    warnings: [],
  });
});

test('all problems are told at once, each with an example, and no secret among them', () => {
  const parsed = parseConfig({
    ...secrets,
    OUTLOOK_WEBHOOK_WATCH_NAMESPACES: 'team-a,Team_B',
    OUTLOOK_WEBHOOK_BODY_LIMIT_BYTES: 'much',
    OUTLOOK_WEBHOOK_TRUST_PROXY: 'maybe',
    LOG_LEVEL: 'loud',
  });
  expect(problemsOf(parsed).sort()).toEqual([
    'LOG_LEVEL',
    'OUTLOOK_WEBHOOK_BODY_LIMIT_BYTES',
    'OUTLOOK_WEBHOOK_TRUST_PROXY',
    'OUTLOOK_WEBHOOK_WATCH_NAMESPACES',
  ]);
  for (const { example } of parsed.ok ? [] : parsed.problems) expect(example).not.toBe('');
  expect(JSON.stringify(parsed)).not.toMatch(/signs|new, old/);
});

test('a number out of range is clamped, and said so', () => {
  expect(parseConfig({ ...secrets, OUTLOOK_WEBHOOK_WRITE_TIMEOUT_MS: '1' })).toMatchObject({
    ok: true,
    config: { writeTimeoutMs: 100 },
    warnings: ['OUTLOOK_WEBHOOK_WRITE_TIMEOUT_MS: 1 is out of range, using 100'],
  });
});

test('the metrics have a port that the Internet does not reach', () => {
  const same = { OUTLOOK_WEBHOOK_HTTP_PORT: '9000', OUTLOOK_WEBHOOK_METRICS_PORT: '9000' };
  expect(problemsOf(parseConfig(same))).toEqual(['OUTLOOK_WEBHOOK_METRICS_PORT']);
  const free = { OUTLOOK_WEBHOOK_HTTP_PORT: '0', OUTLOOK_WEBHOOK_METRICS_PORT: '0' };
  expect(problemsOf(parseConfig(free))).toEqual([]);
});

test('the help names every variable', () => {
  for (const name of Object.keys(webhookEnvironment)) expect(helpText()).toContain(name);
});
