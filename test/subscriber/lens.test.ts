import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  integerId,
  emptyAsNull,
  lens,
  minorUnits,
  minorUnitsDecimal,
  numberAsText,
  oneOf,
  twoNames,
  type Lens,
} from '../../src/subscriber/lens.js';

/** Decimal text as the hub holds it: canonical, with just so many places. */
const money = (places: number) =>
  fc.bigInt({ min: -(10n ** 13n), max: 10n ** 13n }).map((units) => {
    const sign = units < 0n ? '-' : '';
    const digits = (units < 0n ? -units : units).toString().padStart(places + 1, '0');
    return places === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`;
  });

/** Both laws: what the hub says comes back, and what the remote says is said again. Values may be null. */
function laws<H, R>(one: Lens<H, R>, hub: fc.Arbitrary<H>, remote: fc.Arbitrary<R>): void {
  test('what the hub says comes back', () => {
    fc.assert(
      fc.property(hub, (value) => {
        expect(one.get(one.put(value), value)).toEqual(value);
        expect(one.get(one.put(value), undefined)).toEqual(value);
      }),
    );
  });
  test('what the remote says is said again', () => {
    fc.assert(
      fc.property(remote, hub, (value, before) => {
        expect(one.put(one.get(value, before))).toEqual(value);
      }),
    );
  });
}

/** Where the remote has several forms of one value, one pass settles it. */
function settles<H, R>(one: Lens<H, R>, remote: fc.Arbitrary<R>, hub: fc.Arbitrary<H>): void {
  test('is settled after one pass', () => {
    fc.assert(
      fc.property(remote, hub, (value, before) => {
        const first = one.get(value, before);
        const second = one.get(one.put(first), first);
        expect(second).toEqual(first);
        expect(one.put(second)).toEqual(one.put(first));
      }),
    );
  });
}

const orNull = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(values, { nil: null });

describe.each([0, 2, 3])('minorUnits(%s)', (digits) => {
  laws(minorUnits(digits), orNull(money(digits)), orNull(fc.integer({ min: -1e13, max: 1e13 })));

  test('refuses what it can’t hold exactly', () => {
    const one = minorUnits(digits);
    for (const text of [`0.${'0'.repeat(digits)}1`, '9'.repeat(20), 'ten', '', '-', '.', '1e3', ' 1', '0x10']) {
      expect(() => one.put(text), text).toThrow(expect.objectContaining({ code: 'mapping' }) as Error);
    }
    expect(() => one.get(1e21, undefined)).toThrow(expect.objectContaining({ code: 'mapping' }) as Error);
  });
});

test('minorUnits by example', () => {
  const cents = minorUnits(2);
  expect(['19.90', '0.05', '-0.05', '100', '0', '-0.00', '5.5'].map((text) => cents.put(text))).toEqual([
    1990, 5, -5, 10000, 0, 0, 550,
  ]);
  expect([1990, 5, -5, 0, 100].map((units) => cents.get(units, undefined))).toEqual([
    '19.90',
    '0.05',
    '-0.05',
    '0.00',
    '1.00',
  ]);
});

describe.each([0, 2, 3])('minorUnitsDecimal(%s)', (digits) => {
  const one = minorUnitsDecimal(digits);
  laws(one, orNull(money(digits)), orNull(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map(String)));
  settles(one, orNull(money(12)), orNull(money(digits)));
});

test('minorUnitsDecimal by example', () => {
  const one = minorUnitsDecimal(2);
  expect(one.put('0.995')).toBe('99.5');
  expect(one.get('99.5', undefined)).toBe('0.995');
  expect(one.get('100', undefined)).toBe('1.00');
  expect(one.get('0', undefined)).toBe('0.00');
});

describe('oneOf', () => {
  const one = oneOf({ draft: 'D', sent: 'S' });
  laws(
    one,
    fc.constantFrom('draft' as const, 'sent' as const, null),
    fc.constantFrom('D' as const, 'S' as const, null),
  );

  test('refuses what isn’t listed, names of Object.prototype included', () => {
    for (const value of ['other', '', 'constructor', '__proto__', 'toString']) {
      expect(() => one.put(value as never), value).toThrow(expect.objectContaining({ code: 'mapping' }) as Error);
      expect(() => one.get(value as never, undefined), value).toThrow(
        expect.objectContaining({ code: 'mapping' }) as Error,
      );
    }
  });
});

describe('numberAsText', () => {
  laws(
    numberAsText,
    orNull(fc.maxSafeInteger().map((n) => (n === 0 ? 0 : n))),
    orNull(fc.maxSafeInteger().map(String)),
  );
  test('refuses what is no number', () => {
    for (const text of ['', ' ', 'x', '12x', 'NaN']) expect(() => numberAsText.get(text, undefined), text).toThrow();
  });

  test.each(['0x10', '1e3', ' 42 ', 'Infinity', '9007199254740993'])(
    'refuses %j, which isn’t how a number is written, or not one that JavaScript holds exactly',
    (text) => {
      expect(() => numberAsText.get(text, undefined)).toThrow();
    },
  );
});

describe('emptyAsNull', () => {
  settles(emptyAsNull, orNull(fc.string()), orNull(fc.string()));
  test('the remote’s nothing is the hub’s null; everything else passes', () => {
    expect(['', null, undefined, 'x', ' '].map((value) => emptyAsNull.get(value as never, undefined))).toEqual([
      null,
      null,
      null,
      'x',
      ' ',
    ]);
    expect(emptyAsNull.put('')).toBe('');
  });
});

describe('twoNames', () => {
  const word = fc.stringMatching(/^[A-Za-z]{1,8}$/);
  const words = fc.array(word, { minLength: 1, maxLength: 3 }).map((list) => list.join(' '));
  type Names = readonly [string | null, string | null];
  const both: fc.Arbitrary<Names> = fc.tuple(words, words);

  test('what the hub says comes back, however it is split', () => {
    fc.assert(
      fc.property(both, (names) => {
        expect(twoNames.get(twoNames.put(names), names)).toEqual(names);
      }),
    );
  });
  test('what the remote says is said again, whatever the hub holds', () => {
    fc.assert(
      fc.property(words, both, (full, before) => {
        expect(twoNames.put(twoNames.get(full, before))).toBe(full);
      }),
    );
  });
  settles(twoNames, orNull(fc.string()), both);

  test('a change at one end keeps the split that the hub knows', () => {
    expect(twoNames.get('Ada King Noel', ['Ada', 'King Noel'])).toEqual(['Ada', 'King Noel']);
    expect(twoNames.get('Augusta King Noel', ['Ada', 'King Noel'])).toEqual(['Augusta', 'King Noel']);
    expect(twoNames.get('Ada Byron', undefined)).toEqual(['Ada', 'Byron']);
  });

  test('a single word goes where the hub has one; nothing is null', () => {
    expect(twoNames.get('Byron', [null, 'Lovelace'])).toEqual([null, 'Byron']);
    expect(twoNames.get('Augusta', ['Ada', null])).toEqual(['Augusta', null]);
    expect(twoNames.get('Augusta', undefined)).toEqual(['Augusta', '']);
    expect(twoNames.get(null, ['Ada', 'Lovelace'])).toEqual([null, null]);
    expect(twoNames.get(null, ['', ''])).toEqual(['', '']);
  });
  test.each([
    { names: [null, null] as Names },
    { names: ['', ''] as Names },
    { names: ['Ada', null] as Names },
    { names: ['Ada', ''] as Names },
    { names: [null, 'Lovelace'] as Names },
  ])('$names comes back as it was', ({ names }) => {
    expect(twoNames.get(twoNames.put(names), names)).toEqual(names);
  });
});

test('lens() lets null and absent through without calling its functions', () => {
  const never = lens<string, string>(
    () => {
      throw new Error('put');
    },
    () => {
      throw new Error('get');
    },
  );
  expect([never.put(null), never.get(null, undefined), never.get(undefined as never, 'x')]).toEqual([null, null, null]);
});

describe('integerId', () => {
  test('the text of an id is its integer', () => {
    expect([integerId.put('42'), integerId.get(42, undefined)]).toEqual([42, '42']);
    expect([integerId.put(null), integerId.get(null, undefined)]).toEqual([null, null]);
  });

  test('anything else is refused', () => {
    for (const id of ['', ' 1', '01', '1.5', '1e3', 'x', '9007199254740993', '-0'])
      expect(() => integerId.put(id), id).toThrow(/is not an integer id/);
    for (const value of [1.5, Number.NaN, 2 ** 53, '42' as never])
      expect(() => integerId.get(value, undefined), String(value)).toThrow(/is not an integer id/);
  });
});
