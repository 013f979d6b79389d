import { expect, test } from 'vitest';
import { handedOnToJobs, operatorEnvironment } from '../../../api/operatorEnvironment.ts';
import { type OperatorConfig, parseConfig, type Problem } from '../../../operator/config.ts';
import { helpText } from '../../../operator/help.ts';

const image = { OUTLOOK_OPERATOR_JOB_IMAGE: 'ghcr.io/example/outlook-sync:1' };

function configOf(env: Record<string, string>): OperatorConfig {
  const parsed = parseConfig({ ...image, ...env });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

function problemsOf(env: Record<string, string>): readonly Problem[] {
  const parsed = parseConfig(env);
  return parsed.ok ? [] : parsed.problems;
}

test('the image alone is enough, and everything else is as the table says', () => {
  const config = configOf({});
  expect(config.plan).toMatchObject({
    image: image.OUTLOOK_OPERATOR_JOB_IMAGE,
    imagePullPolicy: 'IfNotPresent',
    command: ['node', '/app/job.js'],
    jobSecretName: 'outlook-sync',
    jobServiceAccount: 'outlook-sync-job',
    jobVariables: {},
    activeDeadlineSeconds: 900,
    cleanupTimeoutMs: 120_000,
  });
  expect(config).toMatchObject({ workers: 16, maxBackfills: 10, watchNamespaces: [], manageJobAccess: true });
  expect(config.lease).toMatchObject({ durationMs: 15_000, renewMs: 10_000, retryMs: 1_000 });
  expect(config.http).toEqual({ host: '127.0.0.1', port: 8080 });
});

test('all problems are told at once, each with the variable and an example', () => {
  const problems = problemsOf({
    OUTLOOK_OPERATOR_JOB_COMMAND: '[1, 2]',
    OUTLOOK_OPERATOR_JOB_RESOURCES: '{"requests": 7}',
    OUTLOOK_OPERATOR_WATCH_NAMESPACES: 'team-a,Team_B',
    OUTLOOK_OPERATOR_WORKERS: 'many',
    OUTLOOK_OPERATOR_JOB_SECRET: 'No Name',
    LOG_LEVEL: 'loud',
  });
  expect(problems.map(({ name }) => name).sort()).toEqual([
    'LOG_LEVEL',
    'OUTLOOK_OPERATOR_JOB_COMMAND',
    'OUTLOOK_OPERATOR_JOB_IMAGE',
    'OUTLOOK_OPERATOR_JOB_RESOURCES',
    'OUTLOOK_OPERATOR_JOB_SECRET',
    'OUTLOOK_OPERATOR_WATCH_NAMESPACES',
    'OUTLOOK_OPERATOR_WORKERS',
  ]);
  for (const { example } of problems) expect(example).not.toBe('');
  expect(problems.find(({ name }) => name.endsWith('NAMESPACES'))?.problem).toContain('Team_B');
});

test('a number out of range is clamped, and said so', () => {
  const parsed = parseConfig({ ...image, OUTLOOK_OPERATOR_WORKERS: '100000' });
  expect(parsed).toMatchObject({ ok: true, config: { workers: 256 } });
  expect(parsed.ok && parsed.warnings).toEqual([
    'OUTLOOK_OPERATOR_WORKERS: 100000 is out of range, using 256',
  ]);
});

test.each([{ OUTLOOK_OPERATOR_LEASE_RENEW_SECONDS: '15' }, { OUTLOOK_OPERATOR_LEASE_RETRY_SECONDS: '10' }])(
  'times of the lease under which two could lead are refused: %j',
  (env) => {
    const [name] = Object.keys(env);
    expect(problemsOf({ ...image, ...env }).map((problem) => problem.name)).toEqual([name]);
  },
);

test('a command is words, or a JSON array where a word has blanks', () => {
  const array = '["/opt/node js/node", "dist/job.js"]';
  const { command: words } = configOf({ OUTLOOK_OPERATOR_JOB_COMMAND: 'node  job.js' }).plan;
  const { command: parts } = configOf({ OUTLOOK_OPERATOR_JOB_COMMAND: array }).plan;
  expect(words).toEqual(['node', 'job.js']);
  expect(parts).toEqual(['/opt/node js/node', 'dist/job.js']);
});

test('namespaces are listed once each, blanks around them do not count, and blank is all', () => {
  expect(configOf({ OUTLOOK_OPERATOR_WATCH_NAMESPACES: ' a, b ,a,' }).watchNamespaces).toEqual(['a', 'b']);
  expect(configOf({ OUTLOOK_OPERATOR_WATCH_NAMESPACES: '  ' }).watchNamespaces).toEqual([]);
});

test('the lease is in the namespace of the pod unless another is named', () => {
  const pod = { POD_NAMESPACE: 'mail' };
  expect(configOf(pod).lease.namespace).toBe('mail');
  expect(configOf({ ...pod, OUTLOOK_OPERATOR_LEASE_NAMESPACE: 'leases' }).lease.namespace).toBe('leases');
  expect(configOf({}).lease.namespace).toBeUndefined();
});

test('what is handed on to jobs is handed on as it is, and nothing else', () => {
  const env = {
    OUTLOOK_GRAPH_BASE_URL: 'http://graph.mail.svc/v1.0',
    LOG_LEVEL: 'debug',
    NOTIFICATION_SINK_URL: '',
    DATABASE_URL: 'postgres://never',
  };
  expect(configOf(env).plan.jobVariables).toEqual({
    OUTLOOK_GRAPH_BASE_URL: 'http://graph.mail.svc/v1.0',
    LOG_LEVEL: 'debug',
  });
});

test('the help names every variable', () => {
  const text = helpText();
  for (const name of [...Object.keys(operatorEnvironment), ...handedOnToJobs]) expect(text).toContain(name);
});
