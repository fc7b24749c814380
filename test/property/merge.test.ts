/** Merge, plan and a fake remote, driven until they are quiet: what must hold for any mapping and any edits. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  agreedWorld,
  forms,
  names,
  some,
  times,
  unitModels,
  value,
  World,
  type Name,
  type UnitModel,
  type Value,
  type Values,
} from './merge-model.js';
import { runs } from './runs.js';

const values = fc
  .tuple(value, value, value, value, value)
  .map((list): Values => Object.fromEntries(names.map((name, index) => [name, list[index]])) as Values);

interface Scene {
  readonly units: readonly UnitModel[];
  readonly base: Values;
  readonly here: Values;
  readonly there: Values;
  readonly first: 'look' | 'push';
  readonly at: { hubEditedAt?: string; remoteEditedAt?: string };
}

const scenes = (choices?: Parameters<typeof unitModels>[0]): fc.Arbitrary<Scene> =>
  unitModels(choices).chain((units) =>
    fc.record({
      units: fc.constant(units),
      base: values,
      here: some(units),
      there: some(units),
      first: fc.constantFrom('look' as const, 'push' as const),
      at: times,
    }),
  );

interface Played {
  readonly world: World;
  readonly before: { readonly hub: Values; readonly remote: Values };
  readonly edited: { readonly hub: Values; readonly remote: Values };
}

const hubOf = (world: World): Values => Object.fromEntries(world.units.map(({ name }) => [name, world.hub(name)]));
const remoteOf = (world: World): Values => Object.fromEntries(world.units.map(({ name }) => [name, world.there(name)]));

/** Both sides are edited before either is seen, then the world settles. */
function play({ units, base, here, there, first, at }: Scene): Played {
  const world = agreedWorld(units, base);
  const before = { hub: hubOf(world), remote: remoteOf(world) };
  world.times = at;
  world.editHub(here);
  world.editRemote(there);
  const edited = { hub: hubOf(world), remote: remoteOf(world) };
  world.settle(first);
  return { world, before, edited };
}

const check = (scene: fc.Arbitrary<Scene>, holds: (played: Played, scene: Scene) => void, numRuns = 400): void =>
  fc.assert(
    fc.property(scene, (one) => holds(play(one), one)),
    runs(numRuns),
  );

const stored = (unit: UnitModel, here: Value | undefined): Value => forms[unit.form](here ?? null) as Value;
const changedHere = ({ before, edited }: Played, name: Name): boolean => before.hub[name] !== edited.hub[name];
const changedThere = ({ before, edited }: Played, name: Name): boolean => before.remote[name] !== edited.remote[name];
/** An edit here that is none to the remote (its form of it is what it holds): it may be absorbed before the other side is seen. */
const isSilent = ({ before, edited }: Played, unit: UnitModel): boolean =>
  stored(unit, edited.hub[unit.name]) === before.remote[unit.name];
/** What the two sides hold says the same thing. */
const alike = ({ edited }: Played, unit: UnitModel): boolean =>
  edited.hub[unit.name] === edited.remote[unit.name] ||
  stored(unit, edited.hub[unit.name]) === edited.remote[unit.name];

describe('edits on both sides of an agreed record', () => {
  test('end in agreement, within a few rounds', () => {
    check(scenes(), ({ world }) => {
      expect(world.disagreements()).toEqual([]);
      expect(world.push()).toBe(false);
    });
  });

  test('invent no value: what stands there at the end came from one of the sides', () => {
    check(scenes(), ({ world, before, edited }) => {
      for (const unit of world.units) {
        const { name } = unit;
        expect([before.hub[name], edited.hub[name], edited.remote[name]]).toContain(world.hub(name));
        expect([edited.remote[name], stored(unit, before.hub[name]), stored(unit, edited.hub[name])]).toContain(
          world.there(name),
        );
      }
    });
  });

  test('lose none: each edit survives, or stands in the conflicts', () => {
    check(scenes(), (played) => {
      const { world, edited } = played;
      for (const unit of world.units) {
        const { name } = unit;
        if (alike(played, unit)) continue;
        const logged = world.conflicts.filter((conflict) => conflict.unit === name);
        if (changedHere(played, name) && !isSilent(played, unit) && world.hub(name) !== edited.hub[name])
          expect(logged.map(({ hub }) => hub)).toContain(edited.hub[name]);
        if (changedThere(played, name) && world.there(name) !== edited.remote[name])
          expect(logged.map(({ remote }) => remote ?? null)).toContain(edited.remote[name]);
      }
    });
  });

  test('are conflicts only where both sides changed, or a one-way unit or a group overrode one', () => {
    check(scenes(), (played) => {
      const { world } = played;
      for (const { unit: name } of world.conflicts) {
        const unit = world.units.find((one) => one.name === name) as UnitModel;
        const here = changedHere(played, unit.name);
        const there = changedThere(played, unit.name);
        expect(here || there).toBe(true);
        if (unit.group === undefined && unit.direction === 'both')
          expect([here, there, played.edited.hub[unit.name] === played.edited.remote[unit.name]]).toEqual([
            true,
            true,
            false,
          ]);
      }
      expect(world.conflicts.length).toBe(new Set(world.conflicts.map(({ unit }) => unit)).size);
    });
  });

  test('are decided by the authority, unit by unit', () => {
    check(scenes({ groups: false }), (played, { at }) => {
      const { world, edited } = played;
      for (const unit of world.units) {
        const { name } = unit;
        const here = changedHere(played, name);
        const there = changedThere(played, name);
        const newer =
          at.hubEditedAt !== undefined && at.remoteEditedAt !== undefined && at.hubEditedAt !== at.remoteEditedAt;
        const latest = newer ? ((at.hubEditedAt ?? '') > (at.remoteEditedAt ?? '') ? 'hub' : 'remote') : unit.tie;
        const authority = unit.authority === 'latest' ? latest : unit.authority;
        const both = here && there ? authority : here ? 'hub' : 'remote';
        const winner = unit.direction === 'outward' ? 'hub' : unit.direction === 'inward' ? 'remote' : both;
        if (alike(played, unit) || !(here || there) || isSilent(played, unit)) continue;
        if (winner === 'hub') expect(world.there(name)).toBe(stored(unit, edited.hub[name]));
        else expect(world.hub(name)).toBe(edited.remote[name]);
      }
    });
  });

  test('move a group together: it ends as one side had it', () => {
    check(scenes(), (played) => {
      const { world, edited } = played;
      const members = world.units.filter(({ group }) => group !== undefined);
      if (members.length === 0) return;
      const isHubs = members.every(
        (unit) => stored(unit, world.hub(unit.name)) === stored(unit, edited.hub[unit.name]),
      );
      const isRemotes = members.every((unit) => world.there(unit.name) === edited.remote[unit.name]);
      expect(isHubs || isRemotes, JSON.stringify({ edited, end: hubOf(world) })).toBe(true);
    });
  });

  test('of different units don’t meet: whichever is carried over first, both survive and nothing is in conflict', () => {
    const apart = scenes({ groups: false, directions: ['both'] }).map((scene) => ({
      ...scene,
      there: Object.fromEntries(Object.entries(scene.there).filter(([name]) => !(name in scene.here))),
    }));
    fc.assert(
      fc.property(apart, (scene) => {
        const ends = (['look', 'push'] as const).map((first) => play({ ...scene, first }));
        const [one, other] = ends.map(({ world }) => world) as [World, World];
        expect(one.conflicts).toEqual([]);
        expect([one.record, one.remote]).toEqual([other.record, other.remote]);
        for (const unit of scene.units) {
          const here = scene.here[unit.name];
          const there = scene.there[unit.name];
          if (here !== undefined) expect(one.there(unit.name)).toBe(stored(unit, here));
          if (there !== undefined) expect(one.there(unit.name)).toBe(stored(unit, there));
        }
        // one after the other, each carried over before the next
        const slow = agreedWorld(scene.units, scene.base);
        slow.editHub(scene.here);
        slow.settle('push');
        slow.editRemote(scene.there);
        slow.settle('look');
        expect(slow.remote).toEqual(one.remote);
      }),
      runs(250),
    );
  });
});

describe('idempotence', () => {
  test('the same observation merged again changes nothing, before and after the write', () => {
    fc.assert(
      fc.property(scenes(), ({ units, base, here, there, at }) => {
        const world = agreedWorld(units, base);
        world.times = at;
        world.editHub(here);
        world.editRemote(there);
        world.look();
        const [hubWrites, logged] = [world.hubWrites, world.conflicts.length];
        expect(world.look()).toBe(false);
        expect([world.hubWrites, world.conflicts.length]).toEqual([hubWrites, logged]);
        world.push();
        expect(world.look()).toBe(false);
        expect([world.hubWrites, world.conflicts.length]).toEqual([hubWrites, logged]);
        expect(world.push()).toBe(false);
        expect(world.remoteWrites).toBeLessThanOrEqual(1);
      }),
      runs(375),
    );
  });

  test('the echo of our own write is no difference', () => {
    fc.assert(
      fc.property(scenes(), ({ units, base, here }) => {
        const world = agreedWorld(units, base);
        world.editHub(
          Object.fromEntries(
            Object.entries(here).filter(([name]) => units.find((unit) => unit.name === name)?.direction !== 'inward'),
          ),
        );
        const after = structuredClone(world.record);
        world.push();
        expect(world.look()).toBe(false);
        expect([world.record, world.hubWrites, world.conflicts]).toEqual([after, 0, []]);
        expect(world.push()).toBe(false);
      }),
      runs(375),
    );
  });
});

describe('a first load', () => {
  const loads = unitModels().chain((units) =>
    fc.record({
      units: fc.constant(units),
      here: values,
      there: fc.dictionary(fc.constantFrom(...units.map(({ name }) => name)), value),
      at: times,
    }),
  );

  function load({
    units,
    here,
    there,
    at,
  }: {
    units: UnitModel[];
    here: Values;
    there: Values;
    at: Scene['at'];
  }): World {
    const world = new World(units, here);
    world.times = at;
    world.editRemote(there);
    return world;
  }

  test('ends in agreement, invents nothing, and is quiet', () => {
    fc.assert(
      fc.property(loads, (scene) => {
        const world = load(scene);
        const remote = { ...world.remote };
        world.settle();
        expect(world.disagreements()).toEqual([]);
        for (const unit of world.units) {
          const { name } = unit;
          expect([scene.here[name], remote[name] ?? null]).toContain(world.hub(name));
          expect([stored(unit, scene.here[name]), remote[name] ?? null]).toContain(world.there(name));
        }
      }),
      runs(375),
    );
  });

  test('lets no value be replaced by nothing, and logs the one that loses against another', () => {
    fc.assert(
      fc.property(loads, (scene) => {
        const world = load(scene);
        const remote = { ...world.remote };
        world.settle();
        for (const unit of world.units) {
          const { name } = unit;
          const [here, there] = [scene.here[name] ?? null, remote[name] ?? null];
          const logged = world.conflicts.some((conflict) => conflict.unit === name);
          if (
            unit.direction === 'both' &&
            unit.group === undefined &&
            here !== null &&
            here !== '' &&
            (there === null || there === '')
          )
            expect(world.hub(name)).toBe(here);
          const lostHere = here !== null && here !== '' && stored(unit, world.hub(name)) !== stored(unit, here);
          const lostThere = there !== null && there !== '' && world.there(name) !== there;
          // an inward unit takes the remote's nothing over a value without a word: flow/one-way-fields.test.ts
          if (unit.direction === 'inward' && (there === null || there === '')) continue;
          if (lostHere || lostThere) expect(logged, name).toBe(true);
        }
      }),
      runs(375),
    );
  });
});

describe('edits at any time', () => {
  interface Step {
    readonly kind: 'here' | 'there' | 'look' | 'push' | 'race';
    readonly values: Values;
  }
  const stories = (choices?: Parameters<typeof unitModels>[0]) =>
    unitModels(choices).chain((units) =>
      fc.record({
        units: fc.constant(units),
        base: values,
        at: times,
        steps: fc.array(
          fc.record({
            kind: fc.constantFrom('here' as const, 'there' as const, 'look' as const, 'push' as const, 'race' as const),
            values: some(units),
          }),
          { maxLength: 8 },
        ),
      }),
    );

  function tell(world: World, steps: readonly Step[]): { hub: Set<string>; remote: Set<string> } {
    const told = { hub: new Set<string>(), remote: new Set<string>() };
    const note = (): void => {
      for (const { name } of world.units) {
        told.hub.add(JSON.stringify([name, world.hub(name)]));
        told.remote.add(JSON.stringify([name, world.there(name)]));
      }
    };
    note();
    for (const { kind, values: edits } of steps) {
      if (kind === 'look') world.look();
      if (kind === 'push') world.push();
      // the hub is edited while our write is under way
      if (kind === 'race') world.push({ meanwhile: () => world.editHub(edits) });
      if (kind === 'here') world.editHub(edits);
      if (kind === 'there') world.editRemote(edits);
      note();
    }
    return told;
  }

  test('always come to rest in agreement, with values that a side has had', () => {
    fc.assert(
      fc.property(stories(), ({ units, base, at, steps }) => {
        const world = agreedWorld(units, base);
        world.times = at;
        const told = tell(world, steps);
        world.settle();
        expect(world.disagreements()).toEqual([]);
        for (const unit of world.units) {
          const { name } = unit;
          const seen = (side: Set<string>, one: Value): boolean => side.has(JSON.stringify([name, one]));
          const fromHub = [...told.hub]
            .map((text) => JSON.parse(text) as [Name, Value])
            .filter(([other]) => other === name)
            .map(([, one]) => one);
          expect(seen(told.hub, world.hub(name)) || seen(told.remote, world.hub(name))).toBe(true);
          expect(
            seen(told.remote, world.there(name)) || fromHub.some((one) => stored(unit, one) === world.there(name)),
          ).toBe(true);
        }
      }),
      runs(500),
    );
  });

  test('the last edit of a unit that the other side didn’t touch is never lost', () => {
    fc.assert(
      fc.property(stories({ groups: false, directions: ['both'] }), ({ units, base, at, steps }) => {
        const world = agreedWorld(units, base);
        world.times = at;
        tell(world, steps);
        for (const unit of units) {
          const { name } = unit;
          const here = steps.filter((step) => (step.kind === 'here' || step.kind === 'race') && name in step.values);
          const there = steps.filter((step) => step.kind === 'there' && name in step.values);
          if (here.length + there.length === 0 || (here.length > 0 && there.length > 0)) continue;
          const last = (here.at(-1) ?? there.at(-1))?.values[name] as Value;
          // a race needs a write under way
          if (here.at(-1)?.kind === 'race') continue;
          world.settle();
          expect(world.there(name)).toBe(stored(unit, last));
          expect(world.conflicts.filter((conflict) => conflict.unit === name)).toEqual([]);
        }
      }),
      runs(375),
    );
  });
});
