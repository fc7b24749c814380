/** Plays one seed: people act while things go wrong; then the faults stop, and the world must fall quiet and agree. */
import type { Strike } from './faults.js';
import type { Inner } from './hub.js';
import { check, type Violation } from './invariants.js';
import { misfortune } from './misfortune.js';
import { pace } from './pace.js';
import { People } from './people.js';
import { probe } from './probe.js';
import type { Kind, Remote } from './remote.js';
import { lookAround } from './scene.js';
import { unasked } from './unasked.js';
import type { VirtualTime } from './time.js';
import { World, type Scope, type Worker } from './world.js';

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

export const fullLength: Length = { edits: 160, busyMs: pace.busyMs };
const quietWithinMs = 600_000;
const { fadeMs, quietMs, echoMs } = pace;

export async function simulate(
  seed: number,
  hubIn: (time: VirtualTime) => Inner,
  length: Length = fullLength,
  scope: Scope = {},
): Promise<SeedResult> {
  const world = new World(seed, hubIn, scope);
  const edits = scope.edits ?? length.edits;
  await world.time.until(world.hub.prepare(), 60_000);
  const first = world.makeWorker();
  await world.time.until(first.flow.prepare(), 60_000);
  if (world.faults.has('clash')) await world.time.until(world.hub.inner.makeUnique('customer', 'email'), 60_000);
  const people = new People(world);
  await world.time.until(world.background(people.moveIn()), 60_000);
  world.faults.calm = false;
  world.start(first);
  const extra = world.chance.pick([0, 0, 1, 1, 2, 3]);
  for (let count = Math.min(extra, (scope.workers ?? 4) - 1); count > 0; count--) world.start(world.makeWorker());
  const { hands } = world.shape;
  const lives = Array.from({ length: hands }, () => live(world, people, Math.ceil(edits / hands), length.busyMs));
  lives.push(misfortune(world, length.busyMs));
  await world.time.until(Promise.all(lives.map((life) => world.background(life))), length.busyMs * 3);
  return finish(world, people, edits);
}

/** Edits that come right after another: people are busy by fits and starts. */
const inOneGo = 0.8;

async function live(world: World, people: People, edits: number, busyMs: number): Promise<void> {
  const chance = world.chance.fork();
  const pauseMs = Math.round((busyMs / edits / (1 - inOneGo)) * 2);
  // few act while the first load begins: of what is deleted before it is seen, nobody can tell what it was
  await world.time.sleep(chance.within(pace.firstEdit));
  for (let edit = 0; edit < edits; edit++) {
    await world.time.sleep(chance.hits(inOneGo) ? chance.int(0, 10) : chance.int(0, pauseMs));
    await people.act();
  }
  await people.finish();
}

/** The faults end; whatever was lost for good by its nature is asked for once. */
async function finish(world: World, people: People, edits: number): Promise<SeedResult> {
  world.calmDown();
  const violations: Violation[] = [];
  await world.time.until(world.time.sleep(fadeMs), fadeMs * 2);
  // one goes on: what it finds doesn't depend on how many it has beside it
  for (const worker of world.living().slice(1)) await world.time.until(world.retire(worker), 60_000);
  const settling = new Settling(world, violations);
  await settling.ask();
  const before = writesOf(world);
  await world.time.until(world.time.sleep(quietMs), quietMs * 2);
  if (writesOf(world) !== before)
    violations.push({ invariant: 'I7', what: `${writesOf(world) - before} writes although nobody edits` });
  if (world.undone.size > 0) violations.push(...(await loops(world)));
  await world.time.until(people.shuffleKeys(), 60_000);
  const { delayMs, late } = await probe(world, people);
  violations.push(...late);
  await settling.sync();
  // what was written last is told of by now, too
  await world.time.until(world.time.sleep(echoMs), echoMs * 2);
  await settling.sync();
  for (const worker of world.living()) await world.time.until(world.retire(worker), 60_000);
  const looking = lookAround(world);
  await world.time.until(looking, 60_000);
  const scene = await looking;
  violations.push(...check(world, scene));
  for (const error of world.errors)
    if (error.includes(' background: ')) violations.push({ invariant: 'harness', what: error });
  return result(world, violations, { parked: scene.parked.size, delayMs, edits });
}

const writesOf = (world: World): number =>
  world.remotes.reduce((sum, { writes }) => sum + writes.filter(({ code }) => !world.undone.has(code)).length, 0);

/** I22: two that undo each other are set aside before long. */
const loopsWithinMs = 240_000;

async function loops(world: World): Promise<Violation[]> {
  const edits = (): number => [...world.undone].reduce((sum, code) => sum + world.ledger.entity(code).editedAt, 0);
  const end = world.time.ms + loopsWithinMs;
  for (let before = -1; before !== edits();) {
    if (world.time.ms > end) return [{ invariant: 'I22', what: `${[...world.undone].join()} is undone for ever` }];
    before = edits();
    await world.time.until(world.time.sleep(quietMs), quietMs * 2);
  }
  return [];
}

/** What a person does who wants to be sure. */
class Settling {
  readonly #world: World;
  readonly #violations: Violation[];

  constructor(world: World, violations: Violation[]) {
    this.#world = world;
    this.#violations = violations;
  }

  /** Asks everybody, lets go what is held, tries again what is parked. */
  async ask(): Promise<void> {
    const subscribers = this.#world.remotes.flatMap(({ name }) => [`customer/${name}`, `order/${name}`]);
    await this.sync();
    this.#violations.push(...(await unasked(this.#world)));
    for (const subscriber of subscribers)
      await this.#done(`rescan of ${subscriber}`, (flow) => flow.rescan(subscriber));
    await this.sync();
    for (const subscriber of subscribers)
      await this.#done(`release of ${subscriber}`, (flow) => flow.release(subscriber));
    await this.#done('settling after the release', (flow) => flow.settled());
    await this.#done('decisions', (flow) => this.#decide(flow));
    await this.#done('retry', (flow) => flow.retry());
    await this.#done('settling after the retry', (flow) => flow.settled());
    await this.sync();
  }

  sync(): Promise<void> {
    return this.#done('sync', (flow) => flow.sync());
  }

  /** A create that nobody could look up: who looks there, and finds nothing, has it made again. */
  async #decide(flow: Worker['flow']): Promise<void> {
    const scene = await lookAround(this.#world);
    for (const { id, kind, remote: name, code, parked_code } of scene.links) {
      const remote = this.#world.remotes.find((one) => one.name === name);
      if (parked_code !== 'unknown-create' || code === undefined || remote === undefined) continue;
      if (!scene.hub[kind].has(code) || this.#isThere(remote, kind, code)) continue;
      await flow.retry({ id, as: 'create' });
      this.#world.decided.add(`${name} ${code}`);
    }
  }

  /** It, or what the create was made for: another record may have come under the key since. */
  #isThere(remote: Remote, kind: Kind, code: string): boolean {
    for (let one: string | undefined = code; one !== undefined; one = this.#world.ledger.entities.get(one)?.formerly)
      if (remote.find(kind, one) !== undefined) return true;
    return false;
  }

  async #done(what: string, work: (flow: Worker['flow']) => Promise<unknown>): Promise<void> {
    const [worker] = this.#world.living();
    // whoever waits in vain once needn't wait again
    if (worker === undefined || this.#violations.length > 0) return;
    const outcome = work(worker.flow).then(
      () => undefined,
      (error: unknown) => `failed: ${String(error)}`,
    );
    const isOver = await this.#world.time.until(outcome, quietWithinMs);
    const problem = isOver ? await outcome : `didn't end within ${quietWithinMs / 60_000} minutes`;
    if (problem !== undefined) this.#violations.push({ invariant: 'quiet', what: `${what} ${problem}` });
  }
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
