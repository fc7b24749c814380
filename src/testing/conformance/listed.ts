/** Walks a listing. */
import type { Bench } from './bench.js';
import { fail } from './failure.js';

/** How often each remote that this catalog accepts is listed. */
export async function listedTimes(bench: Bench): Promise<Map<string, number>> {
  const { subscriber, options } = bench;
  const times = new Map<string, number>();
  const cursors = new Set<string>();
  const maxPages = options.maxPages ?? 100;
  let cursor: string | undefined;
  do {
    const page = await subscriber.list(cursor);
    for (const remote of page.remotes) {
      if (!subscriber.accepts(remote)) continue;
      const id = subscriber.identify(remote);
      times.set(id, (times.get(id) ?? 0) + 1);
    }
    cursor = page.cursor;
    if (cursor === undefined) break;
    if (cursors.has(cursor)) fail('list gives a cursor that it gave before: it goes in a circle');
    cursors.add(cursor);
  } while (cursors.size < maxPages);
  if (cursor !== undefined)
    fail(`list doesn’t end within ${maxPages} pages`, 'Leave the cursor out on the last page (or raise maxPages).');
  return times;
}
