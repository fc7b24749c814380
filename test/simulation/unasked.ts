/**
 * I11: what was marked here or told there is in agreement before anybody asks for a listing. A rescan heals a hint that was lost, and
 * so would hide that it was. Where triggers were off, nothing was marked: only a comparison or a listing can tell.
 */
import { agreement, type Violation } from './invariants.js';
import { massDeletes } from './mass.js';
import { tokenOf } from './ledger.js';
import type { Kind, Remote } from './remote.js';
import { lookAround, type Scene } from './scene.js';
import type { World } from './world.js';

export async function unasked(world: World): Promise<Violation[]> {
  const found: Violation[] = [];
  const looking = lookAround(world);
  await world.time.until(looking, 60_000);
  const scene = await looking;
  massDeletes(world, scene, (invariant, what) => found.push({ invariant, what: `before a release: ${what}` }));
  if (world.faults.has('unheard')) return found;
  for (const remote of world.remotes) {
    const isHeard = tellsAll(world, remote);
    for (const kind of ['customer', 'order'] as const) {
      agreement(world, scene, remote, kind, (_, what, code, unit) => {
        // two that undo each other may still be at it
        if (code !== undefined && world.undone.has(code)) return;
        if (!isHeard && !isOurs(world, scene, remote, { kind, code, unit })) return;
        found.push({ invariant: 'I11', what: `before a rescan: ${what}`, ...(code === undefined ? {} : { code }) });
      });
    }
  }
  return found;
}

interface Place {
  readonly kind: Kind;
  readonly code: string | undefined;
  readonly unit: string | undefined;
}

/** What the hub holds came after whatever was written there: also a remote that tells nothing must be told. */
function isOurs(world: World, scene: Scene, { name, things }: Remote, { kind, code, unit }: Place): boolean {
  if (code === undefined || unit === undefined) return false;
  // of two it isn't known which is meant
  if ([...things[kind].values()].filter((thing) => thing.values['code'] === code).length > 1) return false;
  const value = scene.hub[kind].get(code)?.values[unit];
  const writes = world.ledger.entities.get(code)?.writes.get(unit) ?? [];
  const at = typeof value === 'string' ? writes.findIndex(({ token }) => token === tokenOf(value)) : -1;
  return at >= 0 && writes.slice(at).every(({ side }) => side !== name);
}

/**
 * Nothing that happens there can stay unheard: it keeps a feed of all changes, deletions included. A remote that nobody knows yet, and
 * that is answered with 404 when it is looked at, is forgotten (see SPEC.md, "Not enforced yet"): not in a world that hides what is there.
 */
function tellsAll({ faults }: World, { character }: Remote): boolean {
  return character.polling && character.tellsDeletions && !faults.has('missing') && !faults.has('forbidden');
}
