/**
 * I11: what was marked here or told there is in agreement before anybody asks for a listing. A rescan heals a hint that was lost, and
 * so would hide that it was. Where triggers were off, nothing was marked: only a comparison or a listing can tell.
 */
import { agreement, type Violation } from './invariants.js';
import type { Remote } from './remote.js';
import { lookAround } from './scene.js';
import type { World } from './world.js';

export async function unasked(world: World): Promise<Violation[]> {
  const found: Violation[] = [];
  if (world.faults.has('unheard')) return found;
  const looking = lookAround(world);
  await world.time.until(looking, 60_000);
  const scene = await looking;
  for (const remote of world.remotes.filter((one) => tellsAll(world, one)))
    for (const kind of ['customer', 'order'] as const)
      agreement(scene, remote, kind, (_, what, code) => {
        found.push({ invariant: 'I11', what: `before a rescan: ${what}`, ...(code === undefined ? {} : { code }) });
      });
  return found;
}

/**
 * Nothing that happens there can stay unheard: it keeps a feed of all changes, deletions included. A remote that nobody knows yet, and
 * that is answered with 404 when it is looked at, is forgotten (see SPEC.md, "Not enforced yet"): not in a world that hides what is there.
 */
function tellsAll({ faults }: World, { character }: Remote): boolean {
  return character.polling && character.tellsDeletions && !faults.has('missing') && !faults.has('forbidden');
}
