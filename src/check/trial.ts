/** Tries a mapping on real values: what becomes of a record on its way there and back, and of a remote on its way here. */
import type { AnyRecord } from '../catalog/catalog.js';
import { showKey, type RecordKey } from '../catalog/key.js';
import { extractRecord, type Binding } from '../engine/binding.js';
import { messageOf } from '../errors.js';
import { get, hubText, noReferences, put, remoteValue } from '../merge/project.js';
import { isEmpty, sameRemote } from '../merge/shadow.js';
import type { Queryable } from '../store/database.js';
import type { Unit } from '../subscriber/compile.js';
import { schemaAt, valueProblem } from '../subscriber/remote-schema.js';
import type { Finding, Level } from './finding.js';

const pageSize = 500;

/** How often something happened, and where first. */
class Tally {
  readonly #seen = new Map<
    string,
    { unit: Unit; level: Level; problem: string; cure: string; example: string; count: number }
  >();

  add(unit: Unit, level: Level, problem: string, cure: string, example: string): void {
    const key = `${unit.name}\n${problem}`;
    const known = this.#seen.get(key);
    if (known === undefined) this.#seen.set(key, { unit, level, problem, cure, example, count: 1 });
    else known.count += 1;
  }

  findings(subscriber: string, what: string): Finding[] {
    return [...this.#seen.values()].map(({ unit, level, problem, cure, example, count }) => ({
      subscriber,
      unit: unit.name,
      remote: unit.path.join('.'),
      level,
      problem: `${problem} (${count} ${count === 1 ? what : `${what}s`}, the first: ${example})`,
      cure,
      fatal: false,
    }));
  }
}

export interface Tried {
  readonly findings: readonly Finding[];
  readonly count: number;
}

/** Up to `limit` rows of the hub: put through the lens and back, and held against the remote's schema. */
export async function tryRows(db: Queryable, binding: Binding, limit: number): Promise<Tried> {
  const { rows } = binding.catalog;
  const tally = new Tally();
  let after: RecordKey | undefined;
  let count = 0;
  while (count < limit) {
    const { keys } = await rows.page(db, after, Math.min(pageSize, limit - count));
    if (keys.length === 0) break;
    const loaded = await rows.load(db, keys);
    for (const key of keys) {
      const { record } = extractRecord(binding.catalog, loaded.get(key));
      if (record !== undefined && binding.subscriber.where(record)) tryRecord(binding, record, showKey(key), tally);
    }
    count += keys.length;
    after = keys.at(-1);
  }
  return { findings: tally.findings(binding.id, 'row'), count };
}

function tryRecord(binding: Binding, record: AnyRecord, example: string, tally: Tally): void {
  const schema = binding.subscriber.remoteSchema;
  for (const unit of binding.mapping.units) {
    if (unit.direction === 'inward' || unit.reference !== undefined) continue;
    try {
      const remote = put(unit, record, noReferences);
      const at = schema === undefined ? undefined : schemaAt(schema, unit.path);
      const problem = at?.kind === 'known' ? valueProblem(at.schema, remote) : undefined;
      if (problem !== undefined)
        tally.add(unit, 'error', `what is sent ${problem}`, 'Correct the rows, or give a lens.', example);
      if (unit.direction === 'outward') continue;
      // as it comes back over the wire
      const back = get(unit, JSON.parse(JSON.stringify(remote)) as never, record, noReferences);
      if (hubText(unit, { ...record, ...back }) !== hubText(unit, record))
        tally.add(
          unit,
          'error',
          'it comes back as another value: the round trip is lossy',
          'Mend the lens, or set direction: "outward".',
          example,
        );
    } catch (error) {
      tally.add(unit, 'error', withoutValues(messageOf(error)), 'Correct the rows, or the lens.', example);
    }
  }
}

/** Up to `limit` remotes as they are listed: whether each value becomes a valid field, and the same value again. */
export async function tryRemotes(binding: Binding, limit: number): Promise<Tried> {
  const { subscriber } = binding;
  const tally = new Tally();
  let cursor: string | undefined;
  let count = 0;
  do {
    const page = await subscriber.list(cursor);
    for (const remote of page.remotes.slice(0, limit - count)) {
      count += 1;
      if (subscriber.accepts(remote)) tryRemote(binding, remote, subscriber.identify(remote), tally);
    }
    cursor = page.cursor;
  } while (cursor !== undefined && count < limit);
  return { findings: tally.findings(binding.id, 'remote'), count };
}

function tryRemote(binding: Binding, remote: unknown, example: string, tally: Tally): void {
  for (const unit of binding.mapping.units) {
    if (unit.direction === 'outward' || unit.reference !== undefined) continue;
    const shown = remoteValue(unit, remote);
    try {
      const fields = get(unit, shown, undefined, noReferences);
      for (const field of unit.fields) {
        const parsed = field.schema.safeParse(fields[field.name]);
        if (parsed.success) continue;
        const problem = `the field "${field.name}" doesn't take it: ${parsed.error.issues[0]?.message ?? ''}`;
        tally.add(unit, 'error', problem, 'Widen the field, or give a lens.', example);
      }
      if (unit.direction === 'inward') continue;
      const again = put(unit, fields, noReferences);
      if (!sameRemote(again, shown) && !(isEmpty(again) && isEmpty(shown)))
        tally.add(
          unit,
          'warning',
          'it would be sent back as another value',
          'Mend the lens, or set direction: "inward".',
          example,
        );
    } catch (error) {
      tally.add(unit, 'error', withoutValues(messageOf(error)), 'Widen the field, or mend the lens.', example);
    }
  }
}

/** Messages of lenses may quote the value that they refuse. */
function withoutValues(message: string): string {
  return message.replaceAll(/"(?:[^"\\]|\\.)*"/g, '"…"');
}
