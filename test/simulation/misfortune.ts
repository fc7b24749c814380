/** What goes wrong by itself, beside calls and statements: outages, restarts, lost permissions, clocks that leap. */
import type { Chance } from './chance.js';
import type { FaultKind } from './faults.js';
import { pace } from './pace.js';
import type { World } from './world.js';

/** Until the world is calm. */
export async function misfortune(world: World, busyMs: number): Promise<void> {
  const chance = world.chance.fork();
  const end = world.time.ms + busyMs;
  while (world.time.ms < end) {
    await world.time.sleep(chance.within(pace.misfortune));
    befall(world);
  }
}

function befall(world: World): void {
  const { faults, time, hub, trouble } = world;
  /** It begins now; what it is met by is put down where it is met. */
  const begins = (kind: FaultKind): boolean => faults.begins(kind);
  const lasts = (kind: FaultKind, span: Parameters<Chance['within']>[0]): number =>
    time.ms + faults.chance(kind).within(span);
  for (const remote of world.remotes) {
    if (begins('outage')) remote.until.outage = lasts('outage', pace.outage);
    if (begins('blocked')) remote.until.blocked = lasts('blocked', pace.blocked);
    if (begins('forbidden')) remote.until.forbidden = lasts('forbidden', pace.blocked);
    if (begins('expire')) remote.forgetChanges();
    if (faults.hits('rescan', remote.name, 'list')) rescan(world, remote.name);
    if (faults.hits('sweep', remote.name, 'list')) sweep(world, remote.name);
  }
  if (begins('rowsHidden')) hub.hiddenUntil = lasts('rowsHidden', pace.hubAway);
  if (faults.hits('clone', 'staging', 'worker')) void world.background(world.tryClone());
  if (begins('hubAway')) hub.awayUntil = lasts('hubAway', pace.hubAway);
  if (begins('mappingThrows')) trouble.digit = String(faults.chance('mappingThrows').int(0, 9));
  else if (faults.has('mappingThrows') && faults.chance('mappingThrows').hits(0.1)) trouble.digit = undefined;
  for (const worker of world.living())
    if (faults.hits('clockJump', worker.name, 'worker'))
      worker.skewMs = faults.chance('clockJump').int(-10 * 3_600_000, 10 * 3_600_000);
}

function rescan(world: World, remote: string): void {
  const chance = world.faults.chance('rescan');
  const living = world.living();
  if (living.length === 0) return;
  const { flow } = chance.pick(living);
  // that it fails, with whatever else fails just now, is its caller's affair
  void flow.rescan(`${chance.pick(['customer', 'order'])}/${remote}`).catch(() => undefined);
}

function sweep(world: World, remote: string): void {
  const chance = world.faults.chance('sweep');
  const living = world.living();
  if (living.length === 0) return;
  const { flow } = chance.pick(living);
  const subscriber = `${chance.pick(['customer', 'order'])}/${remote}`;
  void flow.verify(subscriber, { repair: chance.hits(0.8) }).catch(() => undefined);
}
