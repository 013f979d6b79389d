// What connect is asked for: arguments and environment.
import { describe, expect, it } from 'vitest';
import { helpText } from '../../../connect/help.ts';
import { type Request, endpointsOf, parseRequest } from '../../../connect/request.ts';

const least = ['--name', 'anna', '--client-id', 'app-1'];

function requestOf(args: readonly string[], env: Record<string, string> = {}): Request {
  const parsed = parseRequest(args, env);
  if (parsed.name !== 'connect') throw new Error(JSON.stringify(parsed));
  return parsed.request;
}

function problemsOf(args: readonly string[], env: Record<string, string> = {}): string[] {
  const parsed = parseRequest(args, env);
  return parsed.name === 'refused' ? parsed.problems.map(({ name, problem }) => `${name} ${problem}`) : [];
}

describe('a request', () => {
  it('needs a name and an app; all else has a default', () => {
    expect(requestOf(least)).toEqual({
      name: 'anna',
      namespace: undefined,
      secretName: undefined,
      emailAddress: undefined,
      userId: undefined,
      workspaceId: undefined,
      schedule: undefined,
      app: { clientId: 'app-1', clientSecret: '', clientSecretFile: undefined },
      tenantId: undefined,
      cloud: undefined,
      standing: { tenantId: 'common', cloud: 'Global' },
      scopes: 'offline_access User.Read Mail.Read',
      graphBaseUrl: undefined,
      tokenUrl: undefined,
      kubeconfig: { path: undefined, context: undefined },
      output: 'cluster',
      dryRun: false,
      timeoutSeconds: 900,
      mayReplaceForeignSecret: false,
      mayAcceptOtherAddress: false,
    });
  });

  it('takes the app from the environment of the job, where no argument says another', () => {
    const env = {
      OUTLOOK_CLIENT_ID: 'app-2',
      OUTLOOK_CLIENT_SECRET: 'of-2',
      OUTLOOK_TENANT_ID: 'contoso.com',
    };
    expect(requestOf(['--name', 'anna'], env)).toMatchObject({
      app: { clientId: 'app-2', clientSecret: 'of-2' },
      tenantId: undefined,
      standing: { tenantId: 'contoso.com' },
    });
    expect(requestOf([...least, '--client-secret-file', 'secret.txt'], env).app).toEqual({
      clientId: 'app-1',
      clientSecret: '',
      clientSecretFile: 'secret.txt',
    });
  });

  it.each([
    ['90', 90],
    ['90s', 90],
    ['15m', 900],
  ])('understands the timeout %s', (text, seconds) => {
    expect(requestOf([...least, '--timeout', text]).timeoutSeconds).toBe(seconds);
  });

  it('takes scopes with blanks or commas between them, and as URLs', () => {
    const scopes =
      'offline_access, https://graph.microsoft.us/User.Read,https://graph.microsoft.us/Mail.Read';
    expect(requestOf([...least, '--scopes', scopes]).scopes).toBe(
      'offline_access https://graph.microsoft.us/User.Read https://graph.microsoft.us/Mail.Read',
    );
  });

  it.each([[[]], [['help']], [['--help']], [[...least, '-h']]])('shows the help for %j', (args) => {
    expect(parseRequest(args, {})).toEqual({ name: 'help' });
  });
});

describe('refused is', () => {
  it.each([
    [['--client-id', 'app-1'], /^--name is missing/],
    [['--name', 'anna'], /^--client-id is missing, and so is OUTLOOK_CLIENT_ID/],
    [[...least, '--name', 'Anna B'], /^--name "Anna B" is no name of an object/],
    [[...least, '--email', 'anna'], /^--email "anna" will not do: emailAddress must be an e-mail address/],
    [
      [...least, '--schedule', 'hourly'],
      /^--schedule "hourly" will not do: schedule must have five cron fields/,
    ],
    [[...least, '--tenant', 'a/b'], /^--tenant "a\/b" will not do/],
    [[...least, '--cloud', 'Mars'], /^--cloud "Mars" is none of Global/],
    [[...least, '--timeout', '2h'], /^--timeout "2h" is no time/],
    [[...least, '--timeout', '0'], /^--timeout "0" is no time/],
    [[...least, '--scopes', 'User.Read Mail.Read'], /^--scopes lacks offline_access/],
    [[...least, '--scopes', 'offline_access User.Read Mail.Send'], /^--scopes lacks Mail.Read/],
    [[...least, '--scopes', 'offline_access Mail.Read'], /^--scopes lacks User.Read/],
    [[...least, '--scopes', 'openid offline_access User.Read Mail.Read'], /^--scopes has openid/],
    [[...least, '--output', 'json', '--user-id', 'u'], /^--output "json" is not yaml/],
    [[...least, '--output', 'yaml'], /^--user-id is missing: without a cluster/],
    [[...least, '-o', 'yaml', '--user-id', 'u', '--dry-run'], /^--dry-run asks the API server/],
    [[...least, '--user-id', ''], /^--user-id is empty/],
    [[...least, '--user-id'], /^--user-id has no value/],
    [[...least, '--dry-run=yes'], /^--dry-run takes no value/],
    [[...least, '--refresh-token', 'x'], /^--refresh-token is no argument/],
    [[...least, 'now'], /^now is one word too many/],
  ])('%j', (args, problem) => {
    expect(problemsOf(args)).toContainEqual(expect.stringMatching(problem));
  });

  it.each([
    ['OUTLOOK_TOKEN_URL', 'http://login.example.com/common/oauth2/v2.0/token', /is no https: URL/],
    [
      'OUTLOOK_TOKEN_URL',
      'https://login.example.com/common/oauth2/v2.0/authorize',
      /does not end in \/token/,
    ],
    ['OUTLOOK_GRAPH_BASE_URL', 'https://user:word@graph.example.com/v1.0', /is no https: URL/],
    ['OUTLOOK_CLOUD', 'Mars', /is none of Global/],
  ])('%s=%s', (name, value, problem) => {
    expect(problemsOf(least, { [name]: value })).toEqual([
      expect.stringMatching(new RegExp(`^${name} .*${problem.source}`)),
    ]);
  });

  it('told with everything else that is wrong, and without what is secret', () => {
    const problems = problemsOf(['--cloud', 'Mars', '--timeout', 'x'], {
      OUTLOOK_CLIENT_SECRET: 'hush-hush',
    });
    expect(problems.map((problem) => problem.split(' ')[0]).sort()).toEqual([
      '--client-id',
      '--cloud',
      '--name',
      '--timeout',
    ]);
    expect(problems.join()).not.toContain('hush-hush');
  });
});

describe('the endpoints', () => {
  it('are those of the cloud and the tenant', () => {
    expect(endpointsOf(requestOf(least), { tenantId: 'contoso.com', cloud: 'China' })).toEqual({
      tokenUrl: 'https://login.chinacloudapi.cn/contoso.com/oauth2/v2.0/token',
      deviceUrl: 'https://login.chinacloudapi.cn/contoso.com/oauth2/v2.0/devicecode',
      graphBaseUrl: 'https://microsoftgraph.chinacloudapi.cn/v1.0',
    });
  });

  it('are an administrator’s, where the environment has them', () => {
    const env = {
      OUTLOOK_TOKEN_URL: 'http://login.mail.svc/common/oauth2/v2.0/token',
      OUTLOOK_GRAPH_BASE_URL: 'http://graph.mail.svc/v1.0/',
    };
    expect(endpointsOf(requestOf(least, env), { tenantId: 'contoso.com', cloud: 'Global' })).toEqual({
      tokenUrl: 'http://login.mail.svc/common/oauth2/v2.0/token',
      deviceUrl: 'http://login.mail.svc/common/oauth2/v2.0/devicecode',
      graphBaseUrl: 'http://graph.mail.svc/v1.0',
    });
  });
});

it('the help explains every argument that there is, and every variable', () => {
  const help = helpText();
  const refused = /is no argument|one word too many/;
  const explained = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name = '']) => name);
  expect(explained.length).toBeGreaterThan(15);
  for (const name of explained) expect(problemsOf([...least, name]).join(), name).not.toMatch(refused);
  for (const name of ['OUTLOOK_TOKEN_URL', 'OUTLOOK_CLIENT_ID', 'OUTLOOK_GRAPH_BASE_URL'])
    expect(help).toContain(name);
});
