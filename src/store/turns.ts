/** Who decides about the same thing takes turns. */
import type { Queryable } from './database.js';

/** Waits until nobody else decides about any of these; until the transaction ends nobody else can. In one order, so that no two wait for each other. */
export async function takeTurns(tx: Queryable, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await tx.query(
    {
      name: 'syncflow-take-turns',
      text: `select pg_advisory_xact_lock(hashtext('syncflow'), turn) from
        (select distinct hashtext(value) as turn from json_array_elements_text($1::json) order by 1) s`,
    },
    [JSON.stringify(names)],
  );
}
