import fc from 'fast-check';
import { expect, test } from 'vitest';
import { didYouMean } from '../../src/errors.js';

const names = ['email', 'first_name', 'last_name', 'address.city', 'id'];

test.each([
  ['emial', 'email'],
  ['Email', 'email'],
  ['firstname', 'first_name'],
  ['last_nam', 'last_name'],
  ['adress.city', 'address.city'],
  ['telephone', undefined],
  ['', 'id'],
])('%j: %s', (word, meant) => {
  expect(didYouMean(word, names)).toBe(meant);
});

test('there is nothing to mean among no names', () => {
  expect(didYouMean('email', [])).toBeUndefined();
});

test('a name itself is meant, and so is one with a letter too many', () => {
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.nat({ max: 12 }), fc.stringMatching(/^[a-z]$/), (name, at, letter) => {
      expect(didYouMean(name, names)).toBe(name);
      expect(didYouMean(`${name.slice(0, at)}${letter}${name.slice(at)}`, names)).toBe(name);
    }),
  );
});
