/** Lenses: one declaration of how a hub value and a remote value stand for each other, used in both directions. */
import { SyncflowError } from '../errors.js';

/**
 * `put` gives the remote's value for a hub value, `get` the hub's value for a remote one. Both are pure. `get` is given the
 * hub's present value, so that what the remote can't hold (a split of a full name, say) isn't lost on the way back.
 * A throw parks the record with the message.
 */
export interface Lens<Hub, Remote> {
  put(hub: Hub): Remote;
  get(remote: Remote, before: Hub | undefined): Hub;
}

/** Makes a lens of two functions. Null and absent pass through as null without calling them. */
export function lens<Hub, Remote>(
  put: (hub: Hub) => Remote,
  get: (remote: Remote) => Hub,
): Lens<Hub | null, Remote | null> {
  return {
    put: (hub) => (hub === null || hub === undefined ? null : put(hub)),
    get: (remote) => (remote === null || remote === undefined ? null : get(remote)),
  };
}

/**
 * Decimal text in the hub, whole minor units in the remote: `'19.90'` ↔ `1990`. Exact.
 * @param digits decimal places of the currency
 */
export function minorUnits(digits: number): Lens<string | null, number | null> {
  return lens<string, number>(
    (text) => {
      const shifted = shiftDecimal(text, digits);
      const value = Number(shifted);
      if (shifted.includes('.') || !Number.isSafeInteger(value)) {
        throw new SyncflowError('mapping', `"${text}" has more than ${digits} decimal places`);
      }
      return value;
    },
    (units) => shiftDecimal(String(units), -digits, digits),
  );
}

/** Decimal text in the hub, decimal text in minor units in the remote: `'0.995'` ↔ `'99.5'`. Exact. */
export function minorUnitsDecimal(digits: number): Lens<string | null, string | null> {
  return lens<string, string>(
    (text) => shiftDecimal(text, digits),
    (units) => shiftDecimal(units, -digits, digits),
  );
}

/** Values that are renamed on the way: `oneOf({ draft: 'D', sent: 'S' })`. An unlisted value is refused. */
export function oneOf<Hub extends string, Remote extends string | number>(
  pairs: Readonly<Record<Hub, Remote>>,
): Lens<Hub | null, Remote | null> {
  const entries = Object.entries(pairs) as [Hub, Remote][];
  const pick = <T>(value: unknown, result: T | undefined): T => {
    if (result === undefined)
      throw new SyncflowError('mapping', `${JSON.stringify(value)} is not one of the mapped values`);
    return result;
  };
  return lens<Hub, Remote>(
    (hub) => pick(hub, entries.find((entry) => entry[0] === hub)?.[1]),
    (remote) => pick(remote, entries.find((entry) => entry[1] === remote)?.[0]),
  );
}

/** A number in the hub, its digits as text in the remote (Stripe's metadata, say): `42` ↔ `'42'`. Another way to write it is refused. */
export const numberAsText: Lens<number | null, string | null> = lens<number, string>(
  (value) => {
    if (!Number.isFinite(value)) throw new SyncflowError('mapping', `${value} has no digits`);
    return String(value);
  },
  (text) => {
    const value = Number(text);
    // '0x10', '1e3', ' 42 ', and what a JavaScript number can't hold exactly
    if (!Number.isFinite(value) || String(value) !== text)
      throw new SyncflowError('mapping', `"${text}" is not a number`);
    return value;
  },
);

/** The empty string of the remote means "nothing" to the hub. */
export const emptyAsNull: Lens<string | null, string | null> = {
  put: (hub) => hub,
  get: (remote) => remote || null,
};

/** The remote id of a reference, which is text here, in a system whose ids are integers: `'42'` ↔ `42`. */
export const integerId: Lens<string | null, number | null> = lens<string, number>(
  (id) => {
    const value = Number(id);
    if (!Number.isSafeInteger(value) || String(value) !== id)
      throw new SyncflowError('mapping', `"${id}" is not an integer id`);
    return value;
  },
  (value) => {
    // whatever its type says, this came over the wire
    if (!Number.isSafeInteger(value))
      throw new SyncflowError('mapping', `${JSON.stringify(value)} is not an integer id`);
    return String(value);
  },
);

/**
 * Two hub fields that are one remote text: `['Ada', 'Lovelace']` ↔ `'Ada Lovelace'`. The last word is the second field. A half
 * that neither side has stays what the hub holds for it, null or "".
 */
export const twoNames: Lens<readonly [string | null, string | null], string | null> = {
  put: joinNames,
  get: (full, before) => {
    const said = full ?? null; // absent is nothing, too
    if (before !== undefined && joinNames(before) === said) return before;
    if (said === null) return [null, null];
    const [first, last] = before ?? ['', ''];
    // a change at one end keeps the split that the hub knows
    if (last !== null && last !== '' && said.endsWith(` ${last}`)) return [said.slice(0, -last.length - 1), last];
    if (first !== null && first !== '' && said.startsWith(`${first} `)) return [first, said.slice(first.length + 1)];
    const text = said.trim();
    const cut = text.lastIndexOf(' ');
    if (cut !== -1) return [text.slice(0, cut), text.slice(cut + 1)];
    const lastAlone = (first === null || first === '') && last !== null && last !== '';
    return lastAlone ? [first, text] : [text, last === null ? null : ''];
  },
};

function joinNames([first, last]: readonly [string | null, string | null]): string | null {
  return [first, last].filter((part) => part !== null && part !== '').join(' ') || null;
}

/** Moves the decimal point of decimal text to the right (or left), at least `places` digits after it. */
function shiftDecimal(text: string, by: number, places = 0): string {
  const match = /^(-?)(\d*)(?:\.(\d*))?$/.exec(text);
  if (match === null || `${match[2] ?? ''}${match[3] ?? ''}` === '')
    throw new SyncflowError('mapping', `"${text}" is not a decimal`);
  const [, sign = '', whole = '', fraction = ''] = match;
  const point = whole.length + by;
  const digits = `${'0'.repeat(Math.max(0, 1 - point))}${whole}${fraction}`.padEnd(point, '0');
  const at = Math.max(1, point + Math.max(0, 1 - point));
  const left = digits.slice(0, at).replace(/^0+(?=\d)/, '');
  const right = digits.slice(at).replace(/0+$/, '').padEnd(places, '0');
  const number = right === '' ? left : `${left}.${right}`;
  return /[1-9]/.test(number) ? `${sign}${number}` : number;
}
