import { expect, it } from 'vitest';
import { firstUntrueLine, shownCommands } from './shown-commands.ts';

it('finds each command of each console block, and what it is said to print', () => {
  const text = "```console\n$ a 'b c' \\\n  d\none\n\n$ e\n```\n```sh\n$ f\n```\n```console\n$ g\ntwo\n```\n";
  expect(shownCommands(text)).toEqual([
    { words: ['a', 'b c', 'd'], promised: 'one' },
    { words: ['e'], promised: '' },
    { words: ['g'], promised: 'two' },
  ]);
  expect(() => shownCommands('```console\none\n$ a\n```')).toThrow('begins with no command: \none');
});

it.each([
  ['a\nb', 'a\nb  \n\n', null],
  ['a\n...\nc', 'a\nb\nb\nc', null],
  ['a\n...\nc', 'a\nc', null],
  ['...\nc', 'a\nb\nc', null],
  ['a\n...', 'a\nb', null],
  ['', '', null],
  ['a...z (1.5)', 'a to z (1.5)', null],
  ['a\nb\nc', 'a\nx\nc', 'b'],
  ['a\n...\nd', 'a\nb\nc', 'd'],
  ['a', 'a\nb', 'and nothing more'],
  ['', 'a', 'and nothing more'],
  ['a.c', 'abc', 'a.c'],
])('%j of %j: %j', (promised, printed, untrue) => {
  expect(firstUntrueLine(promised, printed)).toBe(untrue);
});
