/** Every built-in lens, over everything that a hub or a remote may hold: it comes back, settles in one pass, or is refused. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, type Json } from '../../src/catalog/values.js';
import { SyncflowError } from '../../src/errors.js';
import {
  emptyAsNull,
  lens,
  minorUnits,
  minorUnitsDecimal,
  numberAsText,
  oneOf,
  twoNames,
} from '../../src/subscriber/lens.js';
import { runs } from './runs.js';

interface AnyLens {
  put(hub: unknown): unknown;
  get(remote: unknown, before: unknown): unknown;
}

interface Subject {
  readonly name: string;
  readonly lens: AnyLens;
  readonly hub: fc.Arbitrary<unknown>;
  readonly remote: fc.Arbitrary<unknown>;
  /** Whether two hub values say the same: the column's canonical form, where it has one. */
  readonly alike?: (one: unknown, other: unknown) => boolean;
  /** The same for the remote, which may write one number in several ways. */
  readonly alikeThere?: (one: unknown, other: unknown) => boolean;
}

const orNull = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(values, { nil: null });
const decimalText = fc.stringMatching(/^-?(0|[1-9]\d{0,18})(\.\d{1,12})?$/);
const words = fc
  .array(fc.constantFrom('Ada', 'King', 'de', 'Noel', 'Ó', '李'), { minLength: 1, maxLength: 4 })
  .map((list) => list.join(' '));

function sameDecimal(one: unknown, other: unknown): boolean {
  if (typeof one !== 'string' || typeof other !== 'string') return one === other;
  const normal = (text: string): string => {
    const [, sign = '', whole = '', fraction = ''] = /^(-?)0*(\d*?)(?:\.(\d*?)0*)?$/.exec(text) ?? [];
    return `${`${whole}${fraction}`.replace(/0/g, '') === '' ? '' : sign}${whole || '0'}.${fraction}`;
  };
  return normal(one) === normal(other);
}

const subjects: readonly Subject[] = [
  ...[0, 2, 3].flatMap((digits): Subject[] => [
    {
      name: `minorUnits(${digits})`,
      lens: minorUnits(digits),
      hub: orNull(decimalText),
      remote: orNull(fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double())),
      alike: sameDecimal,
    },
    {
      name: `minorUnitsDecimal(${digits})`,
      lens: minorUnitsDecimal(digits),
      hub: orNull(decimalText),
      remote: orNull(fc.oneof(decimalText, fc.string())),
      alike: sameDecimal,
      alikeThere: sameDecimal,
    },
  ]),
  {
    name: 'oneOf',
    lens: oneOf({ draft: 'D', sent: 'S', '': 'none' }),
    hub: orNull(fc.oneof(fc.constantFrom('draft', 'sent', ''), fc.string())),
    remote: orNull(fc.oneof(fc.constantFrom('D', 'S', 'none'), fc.string())),
  },
  {
    name: 'numberAsText',
    lens: numberAsText,
    hub: orNull(fc.oneof(fc.maxSafeInteger(), fc.double())).map((n) => (n === 0 ? 0 : n)),
    remote: orNull(fc.oneof(fc.maxSafeInteger().map(String), fc.bigInt().map(String), fc.string())),
  },
  {
    name: 'emptyAsNull',
    lens: emptyAsNull,
    hub: orNull(fc.string()),
    remote: orNull(fc.string()),
    alike: (a, b) => (a || null) === (b || null),
    alikeThere: (a, b) => (a || null) === (b || null),
  },
  {
    name: 'twoNames',
    lens: twoNames,
    hub: fc.tuple(orNull(fc.oneof(words, fc.string())), orNull(fc.oneof(words, fc.string()))),
    remote: orNull(words),
  },
  {
    name: 'lens()',
    lens: lens<string, string>(
      (text) => `<${text}>`,
      (text) => text.slice(1, -1),
    ),
    hub: orNull(fc.string()),
    remote: orNull(fc.string().map((text) => `<${text}>`)),
  },
];

const refused = Symbol('refused');

function attempt(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    expect(error).toBeInstanceOf(SyncflowError);
    expect(error).toMatchObject({ code: 'mapping' });
    return refused;
  }
}

const strict = (one: unknown, other: unknown): boolean => canonicalJson(one as Json) === canonicalJson(other as Json);

describe.each(subjects)('$name', ({ lens: one, hub, remote, alike = strict, alikeThere = strict }) => {
  test('what the hub says comes back, or is refused on the way out', () => {
    fc.assert(
      fc.property(hub, (value) => {
        const there = attempt(() => one.put(value));
        if (there === refused) return;
        const back = attempt(() => one.get(there, value));
        expect(
          alike(back, value),
          `${JSON.stringify(value)} → ${JSON.stringify(there)} → ${JSON.stringify(back)}`,
        ).toBe(true);
      }),
      runs(250),
    );
  });

  test('what the remote says is said again, or is refused', () => {
    fc.assert(
      fc.property(remote, hub, (value, before) => {
        const here = attempt(() => one.get(value, before));
        if (here === refused) return;
        const again = attempt(() => one.put(here));
        if (again === refused) return; // told before it is sent
        expect(
          alikeThere(again, value),
          `${JSON.stringify(value)} → ${JSON.stringify(here)} → ${JSON.stringify(again)}`,
        ).toBe(true);
      }),
      runs(250),
    );
  });

  test('is settled after one pass', () => {
    fc.assert(
      fc.property(remote, hub, (value, before) => {
        const here = attempt(() => one.get(value, before));
        if (here === refused) return;
        const there = attempt(() => one.put(here));
        if (there === refused) return;
        const second = one.get(there, here);
        expect(second).toEqual(here);
        expect(one.put(second)).toEqual(there);
      }),
      runs(250),
    );
  });
});
