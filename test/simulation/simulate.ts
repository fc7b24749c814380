/** Plays one seed: people act while things go wrong; then the faults stop, and the world must fall quiet and agree. */
import type { Database } from '../../src/store/database.js';
import type { Strike } from './faults.js';
import { check, type Violation } from './invariants.js';
import { misfortune } from './misfortune.js';
import { People } from './people.js';
import { probe } from './probe.js';
import { lookAround } from './scene.js';
import { unasked } from './unasked.js';
import type { VirtualTime } from './time.js';
import { World, type Scope } from './world.js';

export interface SeedResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly trace: string;
  readonly edits: number;
  readonly entities: number;
  readonly parked: number;
  readonly faults: Readonly<Record<string, number>>;
  /** `fault step` → how often. */
  readonly cells: Readonly<Record<string, number>>;
  readonly strikes: readonly Strike[];
  readonly writes: number;
  readonly virtualMs: number;
  /** The longest that a healthy record waited beside a remote that was away, in virtual ms. */
  readonly delayMs: number;
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
/** Longer than whatever may still be under way: a paused worker, a slow request, a lease. */
const fadeMs = 65_000;

export async function simulate(
  seed: number,
  hubIn: (time: VirtualTime) => Database,
  length: Length = fullLength,
  scope: Scope = {},
): Promise<SeedResult> {
  const world = new World(seed, hubIn, scope);
  const edits = scope.edits ?? length.edits;
  await world.time.until(world.hub.prepare(), 60_000);
  const first = world.makeWorker();
  await world.time.until(first.flow.prepare(), 60_000);
  const people = new People(world);
  await world.time.until(world.background(people.moveIn()), 60_000);
  world.faults.calm = false;
  world.start(first);
  const extra = world.chance.int(0, 3);
  for (let count = Math.min(extra, (scope.workers ?? 4) - 1); count > 0; count--) world.start(world.makeWorker());
  const lives = [live(world, people, edits, length.busyMs), misfortune(world, length.busyMs)];
  await world.time.until(Promise.all(lives.map((life) => world.background(life))), length.busyMs * 3);
  return finish(world, people, edits);
}

async function live(world: World, people: People, edits: number, busyMs: number): Promise<void> {
  const chance = world.chance.fork();
  for (let edit = 0; edit < edits; edit++) {
    await world.time.sleep(chance.int(0, (busyMs / edits) * 2));
    await people.act();
  }
  await people.finish();
}

/** The faults end; whatever was lost for good by its nature is asked for once. */
async function finish(world: World, people: People, edits: number): Promise<SeedResult> {
  world.calmDown();
  const violations: Violation[] = [];
  await world.time.until(world.time.sleep(fadeMs), fadeMs * 2);
  await settle(world, violations);
  const before = writesOf(world);
  await world.time.until(world.time.sleep(60_000), 120_000);
  if (writesOf(world) !== before)
    violations.push({ invariant: 'I7', what: `${writesOf(world) - before} writes although nobody edits` });
  const { delayMs, late } = await probe(world, people);
  violations.push(...late);
  await settle(world, violations);
  for (const worker of world.living()) await world.time.until(worker.flow.stop(), 60_000);
  const looking = lookAround(world);
  await world.time.until(looking, 60_000);
  const scene = await looking;
  violations.push(...check(world, scene));
  for (const error of world.errors)
    if (error.includes(' background: ')) violations.push({ invariant: 'harness', what: error });
  return result(world, violations, { parked: scene.parked.size, delayMs, edits });
}

const writesOf = (world: World): number => world.remotes.reduce((sum, remote) => sum + remote.writes.length, 0);

/** What a person does who wants to be sure: ask everybody, let go what is held, try again what is parked. */
async function settle(world: World, violations: Violation[]): Promise<void> {
  const [worker] = world.living();
  if (worker === undefined) return;
  const { flow } = worker;
  const done = async (what: string, work: Promise<unknown>): Promise<void> => {
    const failed = work.then(
      () => undefined,
      (error: unknown) => String(error),
    );
    if (!(await world.time.until(failed, quietWithinMs)))
      violations.push({ invariant: 'quiet', what: `${what} didn't end within ${quietWithinMs / 60_000} minutes` });
    else if ((await failed) !== undefined)
      violations.push({ invariant: 'quiet', what: `${what} failed: ${(await failed) ?? ''}` });
  };
  await done('sync', flow.sync());
  violations.push(...(await unasked(world)));
  const subscribers = world.remotes.flatMap(({ name }) => [`customer/${name}`, `order/${name}`]);
  for (const subscriber of subscribers) await done(`rescan of ${subscriber}`, flow.rescan(subscriber));
  await done('sync after the rescan', flow.sync());
  for (const subscriber of subscribers) await done(`release of ${subscriber}`, flow.release(subscriber));
  await done('settling after the release', flow.settled());
  await done('retry', flow.retry());
  await done('settling after the retry', flow.settled());
  await done('the last sync', flow.sync());
}

function result(
  world: World,
  violations: readonly Violation[],
  { parked, delayMs, edits }: { parked: number; delayMs: number; edits: number },
): SeedResult {
  const code = violations.find((one) => one.code !== undefined)?.code;
  return {
    seed: world.seed,
    violations,
    trace: world.traceHash(),
    edits,
    entities: world.ledger.entities.size,
    parked,
    faults: Object.fromEntries(world.faults.rates),
    cells: Object.fromEntries(world.faults.cells),
    strikes: world.faults.strikes,
    writes: writesOf(world),
    virtualMs: world.at,
    delayMs,
    story: [
      ...world.remotes.map((remote) => `${remote.name}: ${JSON.stringify(remote.character)}`),
      ...(code === undefined ? [] : (world.ledger.entities.get(code)?.timeline ?? [])),
      ...world.errors.slice(-8),
    ],
  };
}
