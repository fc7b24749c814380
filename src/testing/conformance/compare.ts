/** Whether a remote shows what its record says. */
import type { AnyRecord } from '../../catalog/catalog.js';
import type { Json } from '../../catalog/values.js';
import { messageOf } from '../../errors.js';
import { hubChildren, remoteChildren } from '../../merge/child-pairs.js';
import { get, hubText, put, remoteValue } from '../../merge/project.js';
import { isEmpty, sameRemote } from '../../merge/shadow.js';
import type { Unit } from '../../subscriber/compile.js';
import type { Bench, Made } from './bench.js';

/** Units whose value in the remote isn't that of the record, each with what is wrong, without values. */
export function differences(bench: Bench, made: Made): string[] {
  const result = unitDifferences(bench, bench.mapping.units, made.record, made.remote, '');
  for (const child of bench.mapping.children) {
    if (child.direction === 'inward') continue;
    const rows = hubChildren(child, made.record);
    const shown = remoteChildren(child, made.remote);
    if (shown === undefined) {
      result.push(`${child.name}: the remote shows no list at "${child.path.join('.')}"`);
      continue;
    }
    if (shown.length !== rows.size) result.push(`${child.name}: ${shown.length} are there, not ${rows.size}`);
    for (const [key, row] of rows) {
      const id = made.shadow.children?.[child.name]?.[key]?.id;
      const found = shown.find((one) => one.id === id);
      if (found === undefined) result.push(`${child.name}: the row ${key} isn't found again`);
      else result.push(...unitDifferences(bench, child.units, row, found.value, `${child.name}.`));
    }
  }
  return result;
}

function unitDifferences(
  bench: Bench,
  units: readonly Unit[],
  record: AnyRecord,
  remote: unknown,
  prefix: string,
): string[] {
  const normalised = bench.options.normalises ?? [];
  return units.flatMap((unit) => {
    if (unit.direction === 'inward' || normalised.includes(`${prefix}${unit.name}`)) return [];
    const problem = unitDifference(bench, unit, record, remote);
    return problem === undefined ? [] : [`${prefix}${unit.name}: ${problem}`];
  });
}

function unitDifference(bench: Bench, unit: Unit, record: AnyRecord, remote: unknown): string | undefined {
  const shown = remoteValue(unit, remote);
  const place = `"${unit.path.join('.')}"`;
  if (unit.direction === 'outward') {
    const sent = put(unit, record, bench.resolver);
    return sameRemote(sent, shown) || (isEmpty(sent) && isEmpty(shown)) ? undefined : `${place} isn't what was sent`;
  }
  try {
    const back = get(unit, shown, record, bench.resolver);
    if (hubText(unit, { ...record, ...back }) === hubText(unit, record)) return undefined;
  } catch (error) {
    return `what ${place} shows is refused on its way back: ${messageOf(error)}`;
  }
  return shown === undefined ? `${place} isn't there` : `${place} comes back as another value (${typeOf(shown)})`;
}

/** Places at which the answer to a write doesn't show what `fetch` shows. */
export function answerDifferences(bench: Bench, answer: unknown, fetched: unknown): string[] {
  return bench.mapping.units
    .filter((unit) => !sameRemote(remoteValue(unit, answer), remoteValue(unit, fetched)))
    .map((unit) => unit.path.join('.'));
}

function typeOf(value: Json): string {
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value;
}
