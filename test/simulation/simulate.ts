/** Plays one seed: people act while things go wrong; then the faults stop, and the world must fall quiet and agree. */
import type { Database } from '../../src/store/database.js';
import { check, lookAround, type Violation } from './invariants.js';
import { People } from './people.js';
import type { VirtualTime } from './time.js';
import { World } from './world.js';

export interface SeedResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly trace: string;
  readonly edits: number;
  readonly entities: number;
  readonly parked: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly writes: number;
  readonly virtualMs: number;
  /** The life of the first violated record, and errors of the engine. */
  readonly story: readonly string[];
}

/** How much happens before the faults stop. */
export interface Length {
  readonly edits: number;
  /** Virtual ms. */
  readonly busyMs: number;
}

export const fullLength: Length = { edits: 160, busyMs: 180_000 };
const quietWithinMs = 1_800_000;

export async function simulate(
  seed: number,
  hubIn: (time: VirtualTime) => Database,
  length: Length = fullLength,
): Promise<SeedResult> {
  const world = new World(seed, hubIn);
  await world.time.until(world.hub.prepare(), 60_000);
  const setUp = world.startWorker();
  await world.time.until(setUp.flow.prepare(), 60_000);
  const people = new People(world);
  world.setFaults();
  for (let extra = world.chance.int(0, 2); extra > 0; extra--) world.startWorker();
  const lives = [live(world, people, length), misfortune(world, length)];
  for (const life of lives) void world.background(life);
  await world.time.until(Promise.all(lives), length.busyMs * 3);
  return finish(world, length);
}

async function live(world: World, people: People, { edits, busyMs }: Length): Promise<void> {
  const chance = world.chance.fork();
  for (let edit = 0; edit < edits; edit++) {
    await world.time.sleep(chance.int(0, (busyMs / edits) * 2));
    await people.act();
  }
}

async function misfortune(world: World, { busyMs }: Length): Promise<void> {
  const chance = world.chance.fork();
  const end = world.time.ms + busyMs;
  while (world.time.ms < end) {
    await world.time.sleep(chance.int(500, 4_000));
    const living = world.living();
    const worker = living.length === 0 ? undefined : chance.pick(living);
    if (worker !== undefined && chance.hits(world.rate('crash') * 3)) {
      world.kill(worker);
      await world.time.sleep(chance.int(10, 5_000));
      world.startWorker();
    }
    if (worker !== undefined && chance.hits(world.rate('pause') * 2))
      worker.connection.pausedUntil = world.time.ms + chance.int(1_000, 40_000);
    for (const remote of world.remotes) {
      if (chance.hits(world.rate('outage'))) remote.outageUntil = world.time.ms + chance.int(1_000, 20_000);
      if (chance.hits(world.rate('expire'))) remote.forgetChanges();
    }
  }
}

/** The faults end; whatever was lost for good by its nature is asked for once. */
async function finish(world: World, length: Length): Promise<SeedResult> {
  world.calm = true;
  world.setFaults();
  for (const worker of world.living()) worker.connection.pausedUntil = 0;
  if (world.living().length === 0) world.startWorker();
  const violations: Violation[] = [];
  const settle = async (
    work: (flow: World['workers'][number]['flow']) => Promise<unknown>,
    what: string,
  ): Promise<void> => {
    const worker = world.living()[0];
    if (worker !== undefined && !(await world.time.until(work(worker.flow), quietWithinMs)))
      violations.push({
        invariant: 'quiet',
        what: `${what} didn't end within ${quietWithinMs / 60_000} virtual minutes`,
      });
  };
  await world.time.until(world.time.sleep(40_000), 80_000);
  await settle((flow) => flow.sync(), 'sync');
  const subscribers = world.remotes.flatMap((remote) => [`customer/${remote.name}`, `order/${remote.name}`]);
  for (const subscriber of subscribers) await settle((flow) => flow.rescan(subscriber), `rescan ${subscriber}`);
  await settle((flow) => flow.sync(), 'sync after the rescan');
  await settle((flow) => flow.retry(), 'retry');
  await settle((flow) => flow.settled(), 'settling after the retry');
  const before = world.remotes.reduce((sum, remote) => sum + remote.writes.length, 0);
  await world.time.until(world.time.sleep(60_000), 120_000);
  const after = world.remotes.reduce((sum, remote) => sum + remote.writes.length, 0);
  if (after !== before) violations.push({ invariant: 'I7', what: `${after - before} writes although nobody edits` });
  const scene = await sceneOf(world).catch((error: unknown) => {
    violations.push({ invariant: 'I4', what: String(error) });
    return undefined;
  });
  if (scene !== undefined) violations.push(...check(world, scene));
  for (const error of world.errors)
    if (error.includes(' background: ')) violations.push({ invariant: 'harness', what: error });
  for (const worker of world.living()) await world.time.until(worker.flow.stop(), 60_000);
  return result(world, violations, scene?.parked.size ?? 0, length);
}

async function sceneOf(world: World) {
  const looking = lookAround(world);
  await world.time.until(looking, 60_000);
  return looking;
}

function result(world: World, violations: readonly Violation[], parked: number, { edits }: Length): SeedResult {
  const code = violations.find((one) => one.code !== undefined)?.code;
  return {
    seed: world.seed,
    violations,
    trace: world.traceHash(),
    edits,
    entities: world.ledger.entities.size,
    parked,
    faults: Object.fromEntries(world.faults),
    writes: world.remotes.reduce((sum, remote) => sum + remote.writes.length, 0),
    virtualMs: world.at,
    story: [
      ...world.remotes.map((remote) => `${remote.name}: ${JSON.stringify(remote.character)}`),
      ...(code === undefined ? [] : world.ledger.entity(code).timeline),
      ...world.errors.slice(-8),
    ],
  };
}
