/** What must hold once the faults are over and the world is quiet. */
import type { Entity } from './ledger.js';
import type { Kind, Remote, Thing } from './remote.js';
import type { LinkRow } from './user-session.js';
import type { World } from './world.js';

export interface Violation {
  readonly invariant: string;
  readonly what: string;
  /** Whose life is to be looked at. */
  readonly code?: string;
}

interface HubRow {
  readonly id: number;
  readonly code: string;
  readonly values: Readonly<Record<string, string | null>>;
  readonly lines: readonly { readonly label: string; readonly text: string | null }[];
  readonly customer: number | undefined;
}

export interface Scene {
  readonly hub: { readonly customer: Map<string, HubRow>; readonly order: Map<string, HubRow> };
  readonly links: readonly LinkRow[];
  /** Values that the conflict log holds, by code. */
  readonly logged: ReadonlyMap<string, ReadonlySet<string>>;
  readonly parked: ReadonlyMap<string, string>;
}

export async function lookAround(world: World): Promise<Scene> {
  const { user } = world;
  const customers = await user.rows('customer');
  const orders = await user.rows('orders');
  const lines = await user.rows('order_line');
  const links = await user.links();
  const conflicts = await user.conflicts();
  const customer = new Map(
    customers.map(({ id, code, name, email, city }): [string, HubRow] => [
      code,
      { id, code, values: { name, email, city }, lines: [], customer: undefined },
    ]),
  );
  const order = new Map(
    orders.map(({ id, code, note, customer_id }): [string, HubRow] => [
      code,
      { id, code, values: { note }, lines: lines.filter((line) => line.order_id === id), customer: customer_id },
    ]),
  );
  if (customer.size !== customers.length || order.size !== orders.length)
    throw new Error('a code stands in two rows of the hub');
  const codeOf = (subscriber: string, key: string | null, remoteId: string | null): string | undefined => {
    const kind: Kind = subscriber.startsWith('order') ? 'order' : 'customer';
    const remote = world.remotes.find((one) => subscriber.endsWith(`/${one.name}`));
    return (
      (key === null ? undefined : world.codes.get(`${kind}${key}`)) ??
      [...(kind === 'customer' ? customer : order).values()].find((row) => `["${row.id}"]` === key)?.code ??
      (remoteId === null ? undefined : (remote?.things[kind].get(remoteId)?.values['code'] as string | undefined))
    );
  };
  const linkById = new Map(links.map((link) => [link.id, link]));
  const logged = new Map<string, Set<string>>();
  for (const one of conflicts) {
    const link = linkById.get(one.link_id);
    const code = codeOf(one.subscriber, one.key ?? link?.key ?? null, link?.remote_id ?? null) ?? '';
    const values = logged.get(code) ?? new Set();
    for (const text of [one.base, one.hub, one.remote])
      for (const token of text?.match(/t\d+/g) ?? []) values.add(token);
    logged.set(code, values);
  }
  const parked = new Map<string, string>();
  for (const link of links) {
    if (link.parked_code === null) continue;
    const code = codeOf(link.subscriber, link.key, link.remote_id) ?? `?${link.id}`;
    parked.set(`${link.subscriber} ${code}`, `${link.parked_code}: ${link.parked_reason ?? ''}`);
  }
  return { hub: { customer, order }, links, logged, parked };
}

export function check(world: World, scene: Scene): Violation[] {
  const found: Violation[] = [];
  const say = (invariant: string, what: string, code?: string): void => {
    found.push(code === undefined ? { invariant, what } : { invariant, what, code });
  };
  for (const link of scene.links)
    if (link.due && link.parked_code === null) say('quiet', `link ${link.id} of ${link.subscriber} is still due`);
  for (const remote of world.remotes) {
    for (const kind of ['customer', 'order'] as const) agreement(scene, remote, kind, say);
    creates(remote, say);
  }
  for (const [code, entity] of world.ledger.entities) survival(scene, code, entity, world, say);
  parkedFew(world, scene, say);
  return found;
}

type Say = (invariant: string, what: string, code?: string) => void;

const isParked = (scene: Scene, kind: Kind, remote: Remote, code: string): boolean =>
  scene.parked.has(`${kind}/${remote.name} ${code}`);

/** I1, I4: the hub equals each remote, one to one. */
function agreement(scene: Scene, remote: Remote, kind: Kind, say: Say): void {
  const rows = scene.hub[kind];
  const seen = new Map<string, Thing[]>();
  for (const thing of remote.things[kind].values()) {
    const code = String(thing.values['code']);
    seen.set(code, [...(seen.get(code) ?? []), thing]);
  }
  for (const [code, things] of seen) {
    if (things.length > 1 && !isParked(scene, kind, remote, code))
      say(
        'I4',
        `${things.length} ${kind}s in ${remote.name} bear the code ${code}: ${things.map((one) => one.id).join(', ')}`,
        code,
      );
    if (!rows.has(code) && !isParked(scene, kind, remote, code))
      say('I1', `${kind} ${code} is in ${remote.name} alone`, code);
  }
  for (const [code, row] of rows) {
    if (isParked(scene, kind, remote, code)) continue;
    const [thing] = seen.get(code) ?? [];
    if (thing === undefined) {
      say('I1', `${kind} ${code} is in the hub alone, not in ${remote.name}`, code);
      continue;
    }
    for (const [name, value] of Object.entries(row.values)) {
      if (normal(value) !== normal(thing.values[name]))
        say(
          'I1',
          `${kind} ${code}: ${name} is ${String(value)} here, ${String(thing.values[name])} in ${remote.name}`,
          code,
        );
    }
    const here = row.lines.map((line) => `${line.label}=${normal(line.text)}`).sort();
    const there = thing.lines.map((line) => `${String(line.values['label'])}=${normal(line.values['text'])}`).sort();
    if (here.join() !== there.join())
      say('I1', `${kind} ${code}: lines are [${here.join(' ')}] here, [${there.join(' ')}] in ${remote.name}`, code);
  }
}

const normal = (value: unknown): string => (typeof value === 'string' ? value.trim().toLowerCase() : 'null');

/** I5: at most one remote create per record (a life that begins anew has a code of its own here). */
function creates(remote: Remote, say: Say): void {
  const made = new Map<string, number>();
  for (const write of remote.writes) if (write.call === 'create') made.set(write.code, (made.get(write.code) ?? 0) + 1);
  for (const [code, count] of made)
    if (count > 1) say('I5', `${code} was created ${count} times in ${remote.name}`, code);
}

/** I2, I3, I6: every edit survives, was overwritten by someone who had seen it, or is in the log; nothing else is there. */
function survival(scene: Scene, code: string, entity: Entity, world: World, say: Say): void {
  const kind: Kind = code.startsWith('o') ? 'order' : 'customer';
  const row = scene.hub[kind].get(code);
  if (world.remotes.some((remote) => isParked(scene, kind, remote, code))) return;
  const log = scene.logged.get(code) ?? new Set<string>();
  if (row !== undefined && entity.deletions.some((one) => one.side === 'hub')) {
    say('I6', `${kind} ${code} was deleted in the hub and is there again`, code);
    return;
  }
  if (row === undefined && entity.deletions.length === 0) {
    say('I2', `${kind} ${code} is gone, and nobody deleted it`, code);
    return;
  }
  for (const [unit, writes] of entity.writes) {
    const label = unit.startsWith('text of ') ? unit.slice(8) : undefined;
    const line = label === undefined ? undefined : row?.lines.find((one) => one.label === label);
    const value = label === undefined ? row?.values[unit] : line?.text;
    const safe = new Set<string>();
    const keep = (token: string | null | undefined): void => {
      if (typeof token === 'string') for (const one of world.ledger.ancestors(code, unit, token)) safe.add(one);
    };
    keep(value);
    for (const token of log) keep(token);
    if (row === undefined) for (const deletion of entity.deletions) for (const token of deletion.over) keep(token);
    for (const token of entity.removed.get(unit) ?? []) keep(token);
    // whoever deletes an order has seen its lines
    const isCovered = row === undefined && label !== undefined;
    for (const { token, side } of writes) {
      if (safe.has(token) || isCovered) continue;
      // a system that neither refuses a blind write nor tells what it overwrote may lose a race, and says so
      const remote = world.remotes.find((one) => one.name === side);
      const isBlind = remote !== undefined && !remote.character.conditional && !remote.character.history;
      if (!isBlind)
        say(
          'I2',
          `${code}.${unit}: ${token} is lost; it is ${String(value)} now, in the log: ${[...log].join(' ') || 'nothing'}`,
          code,
        );
    }
    if (typeof value === 'string' && !writes.some((write) => write.token === value.trim().toLowerCase()))
      say('I3', `${code}.${unit} is ${value}, which nobody wrote`, code);
  }
}

/** Parking must not hide faults. */
function parkedFew(world: World, scene: Scene, say: Say): void {
  if (world.faults.has('rejects') || scene.parked.size === 0) return;
  const hard = [...scene.parked].filter(
    ([, reason]) => !/^(twin|unknown-create|delete-conflict|remote-missing|constraint|reference)/.test(reason),
  );
  const share = hard.length / Math.max(30, world.ledger.entities.size * world.remotes.length);
  if (share > 0.02)
    say(
      'parked',
      `${hard.length} records are parked: ${hard
        .slice(0, 3)
        .map(([name, reason]) => `${name}: ${reason}`)
        .join(' | ')}`,
    );
}
