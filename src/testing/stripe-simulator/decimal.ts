/**
 * Exact decimal arithmetic for `unit_amount_decimal × quantity_decimal`, both of up to 12 places. Doubles would
 * round 0.285 × 100 to 28.499999999999996 and bill a cent too little.
 */
const SCALE_DIGITS = 12;
const SCALE = 10n ** 12n;

const DECIMAL = /^-?\d{1,20}(\.\d{1,12})?$/;

export function isDecimal(text: string): boolean {
  return DECIMAL.test(text);
}

function scaled(text: string): bigint {
  const negative = text.startsWith('-');
  const [whole = '0', fraction = ''] = (negative ? text.slice(1) : text).split('.');
  const value = BigInt(whole) * SCALE + BigInt(fraction.padEnd(SCALE_DIGITS, '0'));
  return negative ? -value : value;
}

/** Stripe's canonical spelling: no trailing zeros, no exponent. */
export function normalizeDecimal(text: string): string {
  const value = scaled(text);
  const digits = (value < 0n ? -value : value).toString().padStart(SCALE_DIGITS + 1, '0');
  const whole = digits.slice(0, -SCALE_DIGITS);
  const fraction = digits.slice(-SCALE_DIGITS).replace(/0+$/, '');
  return `${value < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** unit × quantity in the currency's smallest unit, a half rounded away from zero. */
export function multiplyToAmount(unitAmount: string, quantity: string): number {
  const product = scaled(unitAmount) * scaled(quantity);
  const unit = SCALE * SCALE;
  const magnitude = product < 0n ? -product : product;
  const rounded = Number((magnitude + unit / 2n) / unit);
  return product < 0n ? -rounded : rounded;
}

/** The whole part: `quantity` is `quantity_decimal` truncated. */
export function truncate(text: string): number {
  return Number(scaled(text) / SCALE);
}
