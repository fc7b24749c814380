/** What is left over, and how much was done: I7, I10, I12, I13. */
import { comesLate, type Say } from './invariants.js';
import type { Scene } from './scene.js';
import type { World } from './world.js';

/**
 * Remote writes per record and remote after its last edit; the second is what a reference or a conflict still asked for. Where more
 * sides than two were edited since this remote was last told, each may arrive by itself; so may another remote's own form of a
 * value, where the answer that showed it was lost. What comes late is one, and healed by another.
 */
const lateWrites = 2;
/** Settings per subscriber (mapping, hold, silence, release), and some of the hub's own. */
const settings = { perSubscriber: 5, own: 5 };

export function bounds(world: World, scene: Scene, say: Say): void {
  writesAfterTheLastEdit(world, scene, say);
  leftovers(world, scene, say);
  for (const leak of world.leaks.slice(0, 3)) say('I12', `a value was told: ${leak}`);
  for (const id of world.webhooks.taken) say('I12', `the forged delivery ${id} was acknowledged`);
}

/** I7 */
function writesAfterTheLastEdit(world: World, scene: Scene, say: Say): void {
  const late = comesLate(world) ? 1 : 0;
  for (const remote of world.remotes) {
    const counts = new Map<string, number>();
    const toldAt = new Map<string, number>();
    for (const { at, call, code, idempotencyKey } of remote.writes) {
      const entity = world.ledger.entities.get(code);
      // decided with what was there then; a worker may have died before it was sent
      const since = (scene.plannedAt.get(idempotencyKey) ?? at) - world.started;
      if (entity === undefined || since <= Math.max(entity.editedAt, world.calmAt)) toldAt.set(code, since);
      // a first sight may be corrected by what was owed
      else if (call !== 'create') counts.set(code, (counts.get(code) ?? 0) + 1);
    }
    for (const [code, count] of counts)
      if (count > late + mayBeTold(world, code, toldAt.get(code) ?? 0, remote.name))
        say('I7', `${count} writes to ${code} in ${remote.name} after its last edit`, code);
  }
}

const sum = (counts: readonly number[]): number => counts.reduce((all, one) => all + one, 0);

function mayBeTold(world: World, code: string, since: number, but: string): number {
  const entity = world.ledger.entities.get(code);
  const writes = [...(entity?.writes.values() ?? [])].flat();
  const edits = new Map<string, number>();
  for (const { side, at } of writes) if (at > since && side !== but) edits.set(side, (edits.get(side) ?? 0) + 1);
  const appliedSince = (name: string): number => (entity?.appliedAt.get(name) ?? []).filter((at) => at > since).length;
  // what was edited there twice, and heard of at two times, may be told twice
  const heard = [...edits].map(([side, count]) => Math.min(count, Math.max(1, appliedSince(side))));
  const forms = world.remotes.filter(
    ({ name, character }) => name !== but && character.normalises !== undefined && appliedSince(name) > 0,
  );
  // whoever is told who follows it, too
  return Math.max(lateWrites, sum(heard)) + forms.length + (world.shape.savesMore ? 1 : 0);
}

/** I10, I13: nothing half done, and nothing that piles up. */
function leftovers(world: World, scene: Scene, say: Say): void {
  const { counts, links, events, openIntents } = scene;
  for (const link of links) {
    if (link.due && link.parked_code === null)
      say('quiet', `link ${link.id} of ${link.subscriber} is still due`, link.code);
    if (link.leased) say('I10', `link ${link.id} of ${link.subscriber} is still leased`, link.code);
  }
  const parked = new Set(links.filter((link) => link.parked_code !== null).map((link) => link.id));
  for (const intent of openIntents)
    if (!parked.has(intent.link_id)) say('I10', `an intent to ${intent.kind} is open, of link ${intent.link_id}`);
  if (counts.marks > 0) say('I13', `${counts.marks} marks are left`);
  const open = events.filter((event) => !event.settled);
  if (open.length > 0) say('I13', `${open.length} events are left, one of ${open[0]?.subscriber ?? ''}`);
  if (counts.runs > 0) say('I13', `${counts.runs} runs are unfinished`);
  const bound = settings.own + settings.perSubscriber * world.remotes.length * 2;
  if (counts.settings > bound) say('I13', `${counts.settings} settings, more than ${bound}`);
}
