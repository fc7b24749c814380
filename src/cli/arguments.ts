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
