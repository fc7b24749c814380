/** Parsers of option values. */
import { InvalidArgumentError } from 'commander';

function number(text: string, accepts: (value: number) => boolean, what: string): number {
  const value = Number(text);
  if (text.trim() === '' || !accepts(value)) throw new InvalidArgumentError(`It must be ${what}.`);
  return value;
}

export function port(text: string): number {
  return number(
    text,
    (value) => Number.isInteger(value) && value >= 0 && value <= 65_535,
    'a port: 0 (any free one) to 65535',
  );
}

export function seconds(text: string): number {
  return number(text, (value) => value > 0 && Number.isFinite(value), 'a number of seconds');
}

const unitsMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `30m`, `2h`, `1d`, in ms. */
export function duration(text: string): number {
  const [, amount = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ms = Number(amount) * (unitsMs[unit] ?? 0);
  if (ms <= 0 || ms > 7 * 86_400_000) throw new InvalidArgumentError('It must be like 90s, 30m or 2h, and 7d at most.');
  return ms;
}

export function rate(text: string): number {
  return number(text, (value) => value >= 0 && Number.isFinite(value), 'requests per second, or 0 for no limit');
}

export function parkedId(text: string): string {
  if (!/^\d{1,18}$/.test(text)) throw new InvalidArgumentError('It must be a number from `syncflow parked list`.');
  return text;
}

export function count(text: string): number {
  return number(text, (value) => Number.isInteger(value) && value >= 0 && value <= 1_000_000, 'a whole number');
}

export function conflictId(text: string): string {
  if (!/^\d{1,18}$/.test(text)) throw new InvalidArgumentError('It must be a number from `syncflow conflicts`.');
  return text;
}
