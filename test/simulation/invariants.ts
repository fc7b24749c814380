/** What must hold once the faults are over and the world is quiet. */
import { resolvesCreates } from './character.js';
import { tokenOf } from './ledger.js';
import { bounds } from './bounds.js';
import type { Kind, Remote, Thing } from './remote.js';
import { groupBy, type Scene } from './scene.js';
import { shadows } from './shadows.js';
import { pace } from './pace.js';
import { heirs, survival } from './survival.js';
import type { World } from './world.js';

export interface Violation {
  readonly invariant: string;
  readonly what: string;
  /** Whose life is to be looked at. */
  readonly code?: string;
}

export type Say = (invariant: string, what: string, code?: string, unit?: string) => void;

export function check(world: World, scene: Scene): Violation[] {
  const found: Violation[] = [];
  const say: Say = (invariant, what, code) => {
    found.push(code === undefined ? { invariant, what } : { invariant, what, code });
  };
  for (const remote of world.remotes) {
    for (const kind of ['customer', 'order'] as const) agreement(world, scene, remote, kind, say);
    creates(world, scene, remote, say);
    deletes(world, remote, say);
    matched(world, scene, remote, say);
    tombstones(world, scene, remote, say);
  }
  for (const code of scene.twins)
    if (!world.enteredHere.has(code)) say('I4', `${code} stands in several rows of the hub`, code);
  survival(world, scene, say);
  shadows(world, scene, say);
  bounds(world, scene, say);
  parkedFew(world, scene, say);
  const rules = world.remotes.flatMap((remote) => [...remote.rules.values()]);
  world.witness.report({ scene, started: world.started, rules }, say);
  for (const at of world.trespassers) say('S26', `a copy of production started, ${at}`);
  for (const what of world.mistaken.slice(0, 3)) say('S12', what);
  return found;
}

const isParked = (scene: Scene, kind: Kind, remote: Remote, code: string): boolean =>
  scene.parked.has(`${kind}/${remote.name} ${code}`);

/** I1, I4: the hub equals each remote, one to one. */
export function agreement(world: World, scene: Scene, remote: Remote, kind: Kind, say: Say): void {
  const rows = scene.hub[kind];
  const seen = groupBy(remote.things[kind].values(), (thing) => String(thing.values['code']));
  for (const [code, things] of seen) {
    if (isParked(scene, kind, remote, code) || isUnknowable(world, scene, code)) continue;
    if (things.length > 1)
      say(
        'I4',
        `${things.length} ${kind}s in ${remote.name} bear the code ${code}: ${things.map((one) => one.id).join(', ')}`,
        code,
      );
    if (!rows.has(code)) say('I1', `${kind} ${code} is in ${remote.name} alone`, code);
  }
  for (const [code, row] of rows) {
    if (isParked(scene, kind, remote, code) || isUnknowable(world, scene, code)) continue;
    const [thing] = seen.get(code) ?? [];
    if (thing === undefined) {
      say('I1', `${kind} ${code} is in the hub alone, not in ${remote.name}`, code);
      continue;
    }
    for (const [name, value] of Object.entries(row.values)) {
      // a rule there keeps it as it is, and may have been heard while nobody looked (SPEC.md, "Not enforced yet")
      if (name === 'city' && remote.rules.has(code)) continue;
      if (normal(value) !== normal(thing.values[name]))
        say(
          'I1',
          `${kind} ${code}: ${name} is ${String(value)} here, ${String(thing.values[name])} in ${remote.name}`,
          code,
          name,
        );
    }
    if (kind === 'order') refersAlike(scene, remote, code, thing, say);
    const here = row.lines.map((line) => `${line.label}=${normal(line.text)}`).sort();
    const there = thing.lines.map((line) => `${String(line.values['label'])}=${normal(line.values['text'])}`).sort();
    if (here.join() !== there.join())
      say('I1', `${kind} ${code}: lines are [${here.join(' ')}] here, [${there.join(' ')}] in ${remote.name}`, code);
  }
}

const normal = (value: unknown): string => (typeof value === 'string' ? tokenOf(value) : 'null');

/** I1, I14: an order refers to the same customer on both sides, and to one that is there. */
function refersAlike(scene: Scene, remote: Remote, code: string, thing: Thing, say: Say): void {
  const here = scene.hub.order.get(code)?.customer;
  if (here === undefined) {
    say('I14', `order ${code} of the hub refers to a customer that isn't there`, code);
    return;
  }
  const there = remote.things.customer.get(String(thing.values['customer']))?.values['code'];
  if (there === here || isParked(scene, 'customer', remote, here)) return;
  say(
    there === undefined ? 'I14' : 'I1',
    `order ${code} is of ${here} here, of ${String(there)} in ${remote.name}`,
    code,
  );
}

/**
 * I5: at most one remote create per record (a row that begins anew under the same code is another record), and one that somebody
 * asked for. Whoever deletes a remote before we have heard of our create makes room for another. A request that is sent or
 * delivered late can't be recalled: what it makes must be seen, and set aside.
 */
function creates(world: World, scene: Scene, remote: Remote, say: Say): void {
  const made = new Map<string, number>();
  for (const write of remote.writes) if (write.call === 'create') made.set(write.code, (made.get(write.code) ?? 0) + 1);
  const { idempotencyMs, chosenId } = remote.character;
  const isReplayed = idempotencyMs !== undefined && !world.faults.has('keyExpires');
  // a chosen id is refused as long as it is there
  const removed = new Set(remote.writes.flatMap((write) => (write.call === 'delete' ? [write.code] : [])));
  for (const [code, count] of made) {
    const entity = world.ledger.entities.get(code);
    const deleted = entity?.deletions.filter((one) => one.side === remote.name).length ?? 0;
    const asked = world.decided.has(`${remote.name} ${code}`) ? 1 : 0;
    const madeInward = Math.max(entity?.madeInward ?? 0, scene.madeInward.get(code) ?? 0);
    if (count <= 1 + madeInward + asked + deleted || isUnknowable(world, scene, code)) continue;
    const isOnce = isReplayed || (chosenId && !removed.has(code));
    if (comesLate(world) && !isOnce && strays(scene, remote, code) === 0) continue;
    say('I5', `${code} was created ${count} times in ${remote.name}`, code);
  }
}

/** I19: nothing is deleted there that nobody has deleted. */
function deletes(world: World, remote: Remote, say: Say): void {
  for (const { call, code, id, at } of remote.writes) {
    if (call !== 'delete') continue;
    const entity = world.ledger.entities.get(code);
    if (entity?.deletions.some((one) => one.at <= at - world.started) === true) continue;
    say('I19', `${id} of ${remote.name}, which stands for ${code}, was deleted there, and nobody asked for it`, code);
  }
}

/** I26: what was deleted there is remembered, so that what is told of it late isn't taken for news. */
function tombstones(world: World, scene: Scene, remote: Remote, say: Say): void {
  // a row that comes back under its key may take the link along
  if (world.faults.has('reinsert')) return;
  const known = new Set(scene.links.flatMap((link) => (link.remote === remote.name ? (link.remote_id ?? []) : [])));
  for (const { call, code, id } of remote.writes)
    if (call === 'delete' && !known.has(id))
      say('I26', `${id} of ${remote.name} was deleted there, and is forgotten`, code);
}

const failing = ['statementFails', 'commitFails', 'commitAnswerLost', 'hubAway', 'rowsHidden'] as const;

/** I24: where a remote can be searched, none is made beside one that matches. */
function matched(world: World, scene: Scene, remote: Remote, say: Say): void {
  // a search that is forbidden finds nothing, and what is sent again after the hub failed isn't asked for again (SPEC.md, "Not enforced yet")
  const { searchable, idempotencyMs, chosenId } = remote.character;
  const isSentAgain = (idempotencyMs !== undefined || chosenId) && failing.some((kind) => world.faults.has(kind));
  if (!searchable || world.faults.has('forbidden') || isSentAgain) return;
  for (const { besideMs, code, idempotencyKey, at } of remote.writes) {
    const plannedAt = scene.plannedAt.get(idempotencyKey);
    if (besideMs === undefined || plannedAt === undefined || besideMs >= plannedAt) continue;
    // the same, where a worker had died
    if (at - plannedAt >= pace.leaseMs / 2 || isUnknowable(world, scene, code)) continue;
    say('I24', `${code} was created in ${remote.name}, though one was there since ${besideMs - world.started}`, code);
  }
}

/** A worker may send, or the network deliver, a request after the lease under which it was made. */
export const comesLate = ({ faults }: World): boolean => faults.has('pause') || faults.has('slow');

/** Remotes of a record that are neither paired nor set aside. */
function strays(scene: Scene, remote: Remote, code: string): number {
  const known = new Set(
    scene.links.flatMap((link) =>
      link.remote === remote.name && (link.key !== null || link.parked_code !== null) ? (link.remote_id ?? []) : [],
    ),
  );
  const kind = code.startsWith('o') ? 'order' : 'customer';
  return [...remote.things[kind].values()].filter((thing) => thing.values['code'] === code && !known.has(thing.id))
    .length;
}

/** Parked beyond what the world gives a reason for. */
const parkedShare = 0.02;

/** Parking must not hide faults: what isn't explained by the world itself is counted. */
function parkedFew(world: World, scene: Scene, say: Say): void {
  const unexplained = [...scene.parked].filter(([name, { code }]) => !isExplained(world, scene, name, code));
  const share = unexplained.length / Math.max(30, world.ledger.entities.size * world.remotes.length);
  if (share > parkedShare) {
    const some = unexplained.slice(0, 3).map(([name, { code, reason }]) => `${name}: ${code}: ${reason}`);
    say('parked', `${unexplained.length} records are parked: ${some.join(' | ')}`, some[0]?.split(/[ :]/)[1]);
  }
}

/** What people did past everybody: a deletion that nobody heard of, a second row for what came in from a remote. */
export const isUnknowable = (world: World, scene: Scene, code: string): boolean =>
  world.unheard.has(code) || (world.enteredHere.has(code) && scene.twins.includes(code));

/** It was deleted, and nobody heard of it: it, or whoever came under its key. */
export const isUnheard = (world: World, code: string): boolean =>
  world.unheard.has(code) || heirs(world, code).some((heir) => world.unheard.has(heir));

/** The code of an order's customer. */
const customerOf = (remote: Remote | undefined, order: Thing | undefined): string =>
  String(remote?.things.customer.get(String(order?.values['customer']))?.values['code']);

const isDeletedIn = (world: World, code: string, remote: string | undefined): boolean =>
  world.ledger.entities.get(code)?.deletions.some((one) => one.side === remote) === true;

function isTaken(scene: Scene, code: string, email: unknown): boolean {
  return [...scene.hub.customer.values()].some(
    (row) => row.code !== code && normal(row.values['email']) === normal(email),
  );
}

function isExplained(world: World, scene: Scene, name: string, parkedCode: string): boolean {
  const [subscriber = '', code = ''] = name.split(' ');
  const [kind, remoteName] = subscriber.split('/') as [Kind, string];
  const remote = world.remotes.find((one) => one.name === remoteName);
  const row = scene.hub[kind].get(code);
  const thingsOf = (one: string): Thing[] =>
    [...(remote?.things[kind].values() ?? [])].filter((thing) => thing.values['code'] === one);
  const things = thingsOf(code);
  // the remote may still bear the code of whoever had its key before
  const { formerly } = world.ledger.entities.get(code) ?? {};
  const values = [row, ...things, ...(formerly === undefined ? [] : thingsOf(formerly))]
    .flatMap((one) => Object.values(one?.values ?? {}))
    .filter((one) => typeof one === 'string');
  switch (parkedCode) {
    case 'validation':
      return values.some((value) => value.includes('!'));
    case 'rejected':
      return values.some((value) => value.includes('?'));
    case 'row-missing':
      return isUnheard(world, code);
    case 'loop':
      return world.undone.has(code);
    case 'delete-conflict':
      return row !== undefined && (things.length === 0 || isDeletedIn(world, code, remoteName));
    case 'twin':
    case 'ambiguous':
      return (
        things.length > 1 ||
        [...scene.parked].some(([one, why]) => one.startsWith(`${subscriber} `) && why.code === 'unknown-create') ||
        // one of two was deleted; what was deleted is there once more only by a request that came late
        ((parkedCode === 'ambiguous' || comesLate(world)) && world.ledger.entities.get(code)?.deletions.length !== 0) ||
        // what it made can't be told from what somebody else made
        (remote !== undefined && !resolvesCreates(remote.character, !world.faults.has('keyExpires')))
      );
    case 'unknown-create':
      // a replay that is refused tells nothing
      return remote !== undefined && !remote.character.markers && !remote.character.searchable;
    case 'constraint':
      // what was entered there is another's here
      if (things.some((thing) => isTaken(scene, code, thing.values['email']))) return true;
      // its customer was deleted, and nobody heard of it
      if (things.some((thing) => world.unheard.has(customerOf(remote, thing)))) return true;
      // a customer that was deleted there, and has orders here
      return things.length === 0 && [...scene.hub.order.values()].some((order) => order.customer === code);
    case 'reference': {
      const customer = row?.customer ?? customerOf(remote, things[0]);
      return (
        scene.parked.has(`customer/${remoteName} ${customer}`) ||
        world.unheard.has(customer) ||
        things.some((thing) => remote?.things.customer.has(String(thing.values['customer'])) === false)
      );
    }
    case 'remote-missing':
      // deleted there, in a system that neither tells nor remembers it
      return isDeletedIn(world, code, remoteName);
    default:
      return false;
  }
}
