/** Timestamps as reports and decisions compare them: ISO text in UTC. */

/** @param fraction what stands after the seconds: microseconds unless given */
export const isoUtc = (expression: string, fraction: '.US' | '.MS' | '' = '.US'): string =>
  `to_char(${expression} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS${fraction}"Z"')`;
