/** Timestamps as Postgres has them: whole microseconds, kept as a number. */
export type Moment = number;

const iso = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6})\d*)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?$/i;

export function momentOf(text: string): Moment;
export function momentOf(text: string | null | undefined): Moment | null;
export function momentOf(text: string | null | undefined): Moment | null {
  if (text === null || text === undefined) return null;
  const match = iso.exec(text);
  if (match === null) throw new Error(`the memory hub can't read the timestamp ${text}`);
  const [, year, month, day, hour, minute, second = '0', fraction = '', zone = 'Z'] = match;
  const ms = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute) - offsetMinutes(zone),
    Number(second),
  );
  return ms * 1000 + Number(fraction.padEnd(6, '0'));
}

function offsetMinutes(zone: string): number {
  if (/^z$/i.test(zone)) return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3).replace(':', '') || 0);
  return zone.startsWith('-') ? -minutes : minutes;
}

const micros = (at: Moment): string => String(at % 1_000_000).padStart(6, '0');

/** `to_char(… at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')` */
export function isoText(at: Moment): string;
export function isoText(at: Moment | null): string | null;
export function isoText(at: Moment | null): string | null {
  return at === null ? null : `${new Date(Math.floor(at / 1000)).toISOString().slice(0, 19)}.${micros(at)}Z`;
}

/** `::text` in a session whose time zone is UTC. */
export function sqlText(at: Moment): string {
  const [day = '', time = ''] = new Date(Math.floor(at / 1000)).toISOString().split('T');
  const fraction = micros(at).replace(/0+$/, '');
  return `${day} ${time.slice(0, 8)}${fraction === '' ? '' : `.${fraction}`}+00`;
}
