/** I23: deletions beyond the brake wait until somebody lets them go, and none waits below it. */
import type { Say } from './invariants.js';
import type { Scene } from './scene.js';
import type { World } from './world.js';

/** Before anything is released. */
export function massDeletes(world: World, scene: Scene, say: Say): void {
  // what a listing finds to be gone isn't counted, and two records that had one key in turn are counted once
  const isCounted = (['rescan', 'sweep', 'expire', 'reinsert'] as const).every((kind) => !world.faults.has(kind));
  for (const remote of world.remotes) {
    const { count, share } = remote.character.brake;
    for (const kind of ['customer', 'order'] as const) {
      const isOf = (code: string): boolean => code.startsWith(kind.slice(0, 1));
      const deleted = new Set(
        remote.writes.flatMap(({ call, code, id }) => (call === 'delete' && isOf(code) ? id : [])),
      );
      const most = Math.max(count, share * (remote.most[kind] + deleted.size));
      if (isCounted && deleted.size > most)
        say(
          'I23',
          `${deleted.size} ${kind}s were deleted in ${remote.name}, of ${remote.most[kind]}, and nobody let them go`,
        );
      const held = scene.links.filter(
        ({ subscriber, parked_code }) => subscriber === `${kind}/${remote.name}` && parked_code === 'brake',
      );
      const asked = [...world.ledger.entities].filter(([code, { deletions }]) => isOf(code) && deletions.length > 0);
      if (held.length > 0 && asked.length <= count)
        say('I23', `${held.length} of ${asked.length} deletions of ${kind}s are held, and ${count} pass in any case`);
    }
  }
}
