/** What became of every edit: I2, I3, I6. */
import type { Entity } from './ledger.js';
import { tokenOf } from './ledger.js';
import { isUnknowable, type Say } from './invariants.js';
import type { Kind, Remote } from './remote.js';
import type { HubRow, Scene } from './scene.js';
import type { World } from './world.js';

/** Every edit survives, was overwritten by someone who had seen it, or is in the log; nothing else is there. */
export function survival(world: World, scene: Scene, say: Say): void {
  const lossy = new Set(world.remotes.filter((remote) => mayLose(world, remote)).map((remote) => remote.name));
  const blind = new Set(world.remotes.filter((one) => !one.character.conditional).map((remote) => remote.name));
  for (const [code, entity] of world.ledger.entities) {
    const kind: Kind = code.startsWith('o') ? 'order' : 'customer';
    const row = scene.hub[kind].get(code);
    if (row !== undefined && entity.deletions.some((one) => one.side === 'hub' && !hasStranger(entity, one.at))) {
      say('I6', `${kind} ${code} was deleted in the hub and is there again`, code);
      continue;
    }
    // whoever is set aside is shown with both sides; nothing of it is decided yet
    if (world.remotes.some((remote) => scene.parked.has(`${kind}/${remote.name} ${code}`))) continue;
    // a request that came later than the system says that it knows it: nothing tells it from an edit (SPEC.md, "Not enforced yet")
    if (world.remotes.some((remote) => remote.updatedAgain.has(code))) continue;
    // nobody could know that it was deleted
    if (isUnknowable(world, scene, code)) continue;
    if (row === undefined && entity.deletions.length === 0) {
      say('I2', `${kind} ${code} is gone, and nobody deleted it`, code);
      continue;
    }
    for (const unit of entity.writes.keys())
      if (unit !== 'city' || !world.undone.has(code))
        unitSurvives(world, scene, { code, entity, unit, row, lossy, blind }, say);
  }
}

/** A remote of the same code, made by people, that Syncflow had not paired with the record when that was deleted: it lives on. */
function hasStranger(entity: Entity, deletedAt: number): boolean {
  const made = new Set(
    [...entity.writes.values()].flat().flatMap(({ side, over }) => (over === undefined ? [side] : [])),
  );
  made.delete('hub');
  return [...made].some((side) => (entity.pairedAt.get(side) ?? Number.POSITIVE_INFINITY) > deletedAt);
}

/** A system that neither refuses a blind write nor tells what it overwrote may lose a race, and says so. */
function mayLose(world: World, { character }: Remote): boolean {
  if (character.conditional) return false;
  if (!character.history) return true;
  // it tells by events: those that never came tell nothing
  return character.polling ? world.faults.has('expire') : world.faults.has('webhookLost');
}

interface Case {
  readonly code: string;
  readonly entity: Entity;
  readonly unit: string;
  readonly row: HubRow | undefined;
  readonly lossy: ReadonlySet<string>;
  /** The same, of lines and of what is deleted. */
  readonly blind: ReadonlySet<string>;
}

function unitSurvives(world: World, scene: Scene, { code, entity, unit, row, lossy, blind }: Case, say: Say): void {
  const label = unit.startsWith('text of ') ? unit.slice(8) : undefined;
  const value = label === undefined ? row?.values[unit] : row?.lines.find((one) => one.label === label)?.text;
  const writes = entity.writes.get(unit) ?? [];
  const over = new Map(writes.map((write) => [write.token, write.over]));
  const safe = new Set<string>();
  const keep = (token: string | undefined): void => {
    for (let one = token; one !== undefined && !safe.has(one); one = over.get(one)) safe.add(one);
  };
  if (typeof value === 'string') keep(tokenOf(value));
  for (const { token } of writes) if (scene.logged.has(token)) keep(token);
  // whoever deletes has seen what stood there, also where the record lives on: by a remote that wasn't paired with it then
  for (const deletion of entity.deletions) for (const token of deletion.over) keep(token);
  for (const token of entity.removed.get(unit) ?? []) keep(token);
  // edited there for this record when another had come under its key already: the link goes on with that one
  for (const heir of heirs(world, code)) {
    const heirWrites = world.ledger.entities.get(heir)?.writes.get(unit) ?? [];
    for (const write of heirWrites) keep(write.over);
    const inherited = scene.hub[code.startsWith('o') ? 'order' : 'customer'].get(heir)?.values[unit];
    if (typeof inherited === 'string') keep(tokenOf(inherited));
    for (const deletion of world.ledger.entities.get(heir)?.deletions ?? []) for (const one of deletion.over) keep(one);
  }
  // whoever deletes an order has seen its lines
  const isCovered = row === undefined && label !== undefined;
  // no history tells of lines, nor of what a deletion took with it
  const isUntold = label !== undefined || row === undefined;
  for (const { token, side } of writes) {
    if (safe.has(token) || isCovered || lossy.has(side) || (isUntold && blind.has(side))) continue;
    say('I2', `${code}.${unit}: ${token} of ${side} is lost; it is ${String(value)} now`, code);
  }
  if (typeof value === 'string' && !over.has(tokenOf(value)) && !isInherited(world, entity, unit, tokenOf(value)))
    say('I3', `${code}.${unit} is ${value}, which nobody wrote`, code);
}

/** Those that came under its key, one after the other. */
export function heirs(world: World, code: string): string[] {
  const found = [...world.ledger.entities].flatMap(([heir, { formerly }]) => (formerly === code ? [heir] : []));
  return found.flatMap((heir) => [heir, ...heirs(world, heir)]);
}

/** Edited in a remote for the record that had the key before: the link goes on with the one that has it now. */
function isInherited(world: World, entity: Entity, unit: string, token: string): boolean {
  for (let { formerly } = entity; formerly !== undefined; formerly = world.ledger.entities.get(formerly)?.formerly)
    if (
      world.ledger.entities
        .get(formerly)
        ?.writes.get(unit)
        ?.some((write) => write.token === token) === true
    )
      return true;
  return false;
}
