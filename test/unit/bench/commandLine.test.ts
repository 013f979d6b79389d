import { describe, expect, it } from 'vitest';
import { helpText, readCommand } from '../../bench/commandLine.ts';

describe('the arguments of the benchmarks', () => {
  it('choose a benchmark, its size and its parts', () => {
    const args = ['sync', '--quick', '--json', '--messages', '2000', '--only', 'floor,startup'];
    expect(readCommand(args)).toMatchObject({
      kind: 'run',
      quick: true,
      json: true,
      messages: 2000,
      only: ['floor', 'startup'],
    });
  });

  it.each([
    [[], 'Which benchmark?'],
    [['nothing'], 'There is no benchmark "nothing", but: sync'],
    [['constructor'], 'There is no benchmark "constructor"'],
    [['sync', 'again'], 'One benchmark at a time'],
    [['sync', '--fast'], "Unknown option '--fast'"],
    [['sync', '--only', 'floor,roof'], 'There is no part "roof", but: floor,'],
    [['sync', '--messages', 'many'], '--messages takes a whole number from 1000 on, not "many"'],
    [['sync', '--messages', '10'], '--messages takes a whole number from 1000 on, not "10"'],
  ])('%j are refused with the reason', (args, reason) => {
    expect(readCommand(args)).toEqual({
      kind: 'refused',
      problem: expect.stringContaining(reason) as string,
    });
  });

  it.each([[['--help']], [['sync', '-h']]])('%j asks for help', (args) => {
    expect(readCommand(args)).toEqual({ kind: 'help' });
  });
});

it('the help names every benchmark, part and option', () => {
  for (const word of ['sync', 'perMessage', '--json', '--quick', '--messages', '--only']) {
    expect(helpText()).toContain(word);
  }
});
