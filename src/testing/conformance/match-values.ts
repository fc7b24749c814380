/** What is looked for before a create. */
import type { Json } from '../../catalog/values.js';
import { put } from '../../merge/project.js';
import { writePath } from '../../subscriber/path.js';
import type { Bench, Made } from './bench.js';

/** The values of the match units, nested as the remote holds them. */
export function matchValues(bench: Bench, { record }: Made): Record<string, Json> {
  const values: Record<string, Json> = {};
  for (const unit of bench.mapping.units)
    if (bench.subscriber.match.includes(unit.name)) writePath(values, unit.path, put(unit, record, bench.resolver));
  return values;
}
