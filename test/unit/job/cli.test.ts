// The arguments of the job.
import { describe, expect, it } from 'vitest';
import { type Command, parseCommand } from '../../../job/cli.ts';

const id = '5f0c6b4e-3c1d-4a7e-9b52-0a6f1d2c3e4f';
const whole = ['sync', '--standalone', '--email', 'anna@contoso.com', '--user-id', 'u1'];

const problemsOf = (command: Command): string[] =>
  'problems' in command ? command.problems.map(({ name }) => name).sort() : [];

describe('sync', () => {
  it('is for a mailbox and its owner', () => {
    expect(parseCommand(whole)).toEqual({
      name: 'sync',
      claim: { email: 'anna@contoso.com', userId: 'u1', workspaceId: null, providerId: null },
      user: 'anna@contoso.com',
      standalone: true,
      problems: [],
    });
  });

  it('takes its arguments in any order, with a space or an equals sign', () => {
    const args = [
      '--workspace-id=team',
      `--provider-id=${id.toUpperCase()}`,
      '--user-principal-name',
      'a@b.c',
      ...whole,
    ];
    expect(parseCommand(args)).toMatchObject({
      claim: { workspaceId: 'team', providerId: id },
      user: 'a@b.c',
      problems: [],
    });
  });

  it('names everything that is missing', () => {
    expect(problemsOf(parseCommand(['sync']))).toEqual(['--email', '--standalone', '--user-id']);
  });

  it.each([
    ['--provider-id', 'no-uuid'],
    ['--provider-id', '5f0c6b4e3c1d4a7e9b520a6f1d2c3e4f'],
    ['--provider-id', `${id} or true`],
    ['--provider-id', ''],
    ['--email', 'anna'],
    ['--email', 'anna@contoso.com, ben@contoso.com'],
    ['--email', ''],
    ['--user-id', ''],
    ['--user-id', '  '],
    ['--workspace-id', ''],
    ['--user-principal-name', ''],
  ])('refuses %s %j, with an example', (name, value) => {
    const command = parseCommand([...whole, name, value]);
    expect(problemsOf(command)).toEqual([name]);
    expect('problems' in command && command.problems[0]?.example).toContain(name);
  });

  it.each(['--email', '--user-id', '--workspace-id', '--provider-id'])(
    'refuses %s without a value',
    (name) => {
      expect(problemsOf(parseCommand([...whole, name]))).toEqual([name]);
    },
  );

  it('refuses arguments that it does not know, and words too many', () => {
    expect(problemsOf(parseCommand([...whole, '--provider', id, '-x', 'now']))).toEqual(
      ['--provider', '-x', id, 'now'].sort(),
    );
  });

  it('refuses --standalone=false', () => {
    const args = whole.map((word) => (word === '--standalone' ? '--standalone=false' : word));
    expect(problemsOf(parseCommand(args))).toEqual(['--standalone']);
  });
});

describe('sync in a cluster', () => {
  const args = ['sync', '--email', 'anna@contoso.com', '--user-id', 'u1'];

  it('is one without --standalone, of a row that is named', () => {
    expect(problemsOf(parseCommand(args, true))).toEqual(['--provider-id']);
    expect(parseCommand([...args, '--provider-id', id], true)).toMatchObject({
      claim: { providerId: id },
      standalone: false,
      problems: [],
    });
  });

  it('may be standalone all the same', () => {
    expect(parseCommand(whole, true)).toMatchObject({ standalone: true, problems: [] });
    expect(problemsOf(parseCommand([...args, '--standalone=false'], true))).toEqual(['--standalone']);
  });
});

describe('cleanup', () => {
  it('is of one row, whose owner may be named', () => {
    const claim = { providerId: id, email: null, userId: null };
    const command = { name: 'cleanup', claim, retain: false, problems: [] };
    expect(parseCommand(['cleanup', '--provider-id', id])).toEqual(command);
    const args = ['cleanup', '--provider-id', id, '--email', 'a@b.c', '--user-id', 'u1'];
    expect(parseCommand(args)).toMatchObject({ claim: { email: 'a@b.c', userId: 'u1' }, problems: [] });
  });

  it('may retain the rows', () => {
    const args = ['cleanup', '--provider-id', id, '--retain'];
    expect(parseCommand(args)).toMatchObject({ retain: true, problems: [] });
    expect(problemsOf(parseCommand([...args.slice(0, 3), '--retain=no']))).toEqual(['--retain']);
  });

  it('names everything that is wrong', () => {
    const args = ['cleanup', '--email', 'anna', '--user-id='];
    expect(problemsOf(parseCommand(args))).toEqual(['--email', '--provider-id', '--user-id']);
  });
});

describe('other commands', () => {
  it('migrate needs nothing', () => {
    expect(parseCommand(['migrate'])).toEqual({ name: 'migrate', problems: [] });
    expect(problemsOf(parseCommand(['migrate', '--forece']))).toEqual(['--forece']);
  });

  it.each([['--help'], ['-h'], ['help'], ['sync', '--help'], ['migrate', '-h']])(
    '%s %s asks for help',
    (...args) => {
      expect(parseCommand(args.filter((word) => typeof word === 'string'))).toEqual({ name: 'help' });
    },
  );

  it.each([['resync'], ['SYNC'], ['sync-all']])('%s is unknown', (word) => {
    const command = parseCommand([word]);
    expect(command.name).toBe('unknown');
    expect(problemsOf(command)).toEqual(['command']);
  });
});
