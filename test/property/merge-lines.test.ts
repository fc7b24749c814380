/** Lines that are born, die and are edited on both sides at once, driven until they are quiet. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LinesWorld, type Text } from './lines-model.js';
import type { Form } from './merge-model.js';
import { runs } from './runs.js';

const text: fc.Arbitrary<Text> = fc.constantFrom('a', 'A', ' a', 'b', 'c', '1.4', '', null);
type Fate = 'keep' | 'delete' | { readonly text: Text };
const fate: fc.Arbitrary<Fate> = fc.oneof(
  fc.constant('keep' as const),
  fc.constant('delete' as const),
  fc.record({ text }),
);

interface Scene {
  readonly lines: readonly { readonly text: Text; readonly here: Fate; readonly there: Fate }[];
  readonly bornHere: readonly Text[];
  readonly bornThere: readonly Text[];
  readonly form: Form;
  readonly authority: 'hub' | 'remote';
}

const scene: fc.Arbitrary<Scene> = fc.record({
  lines: fc.array(fc.record({ text, here: fate, there: fate }), { maxLength: 4 }),
  bornHere: fc.array(text, { maxLength: 2 }),
  bornThere: fc.array(text, { maxLength: 2 }),
  form: fc.constantFrom<Form>('exact', 'trim', 'lower', 'round', 'emptyIsNull'),
  authority: fc.constantFrom('hub' as const, 'remote' as const),
});

const isEdit = (fate: Fate): fate is { readonly text: Text } => typeof fate === 'object';

/** The edits of a scene, made; nothing is seen yet. */
function begin({ lines, bornHere, bornThere, form, authority }: Scene): LinesWorld {
  const world = new LinesWorld(
    lines.map((line) => line.text),
    form,
    authority,
  );
  world.hub = world.hub.flatMap((line, index) => {
    const here = lines[index]?.here ?? 'keep';
    return here === 'delete' ? [] : [isEdit(here) ? { ...line, text: here.text } : line];
  });
  world.remote = world.remote.flatMap((line, index) => {
    const there = lines[index]?.there ?? 'keep';
    return there === 'delete' ? [] : [isEdit(there) ? { ...line, text: world.stored(there.text) } : line];
  });
  for (const [index, one] of bornHere.entries()) world.hub.push({ id: 50 + index, thing_id: 1, text: one, n: null });
  for (const [index, one] of bornThere.entries()) world.remote.push({ id: `new${index}`, text: world.stored(one) });
  return world;
}

/** What each line of the agreed ones must end as; undefined: gone. */
function endOf(world: LinesWorld, line: Scene['lines'][number], authority: Scene['authority']): readonly Text[] {
  const base = line.text;
  const here = isEdit(line.here) && line.here.text !== base ? line.here : line.here === 'delete' ? 'delete' : 'keep';
  const there =
    isEdit(line.there) && world.stored(line.there.text) !== world.stored(base)
      ? line.there
      : line.there === 'delete'
        ? 'delete'
        : 'keep';
  if (here === 'delete') return isEdit(there) && authority === 'remote' ? [world.stored(there.text)] : [];
  if (there === 'delete') return isEdit(here) && authority === 'hub' ? [world.stored(here.text)] : [];
  if (isEdit(here) && isEdit(there)) return [world.stored(authority === 'hub' ? here.text : there.text)];
  if (isEdit(here)) return [world.stored(here.text)];
  return [world.stored(isEdit(there) ? there.text : base)];
}

const check = (holds: (world: LinesWorld, one: Scene) => void, scenes = scene): void =>
  fc.assert(
    fc.property(scenes, (one) => holds(begin(one), one)),
    runs(375),
  );

describe('lines edited on both sides', () => {
  test('end in agreement: each survives or dies as the rules say, none is doubled, none invented', () => {
    check((world, one) => {
      const expected = [
        ...one.lines.flatMap((line) => endOf(world, line, one.authority)),
        ...[...one.bornHere, ...one.bornThere].map((born) => world.stored(born)),
      ].sort();
      world.settle();
      expect(world.here()).toEqual(world.there());
      expect(world.there()).toEqual(expected);
    });
  });

  test('have one remote each, keys of their own, and are all in the shadow', () => {
    check((world) => {
      world.settle();
      const shadows = Object.entries(world.shadow.children?.['lines'] ?? {});
      expect(shadows.map(([, { id }]) => id).sort()).toEqual(world.remote.map(({ id }) => id).sort());
      expect(shadows.map(([key]) => key).sort()).toEqual(
        world.hub.map(({ id }) => JSON.stringify([String(id)])).sort(),
      );
    });
  });

  test('lose no edit without a word, when the line lives on or its edit met a deletion there', () => {
    check((world, one) => {
      world.settle();
      for (const [index, line] of one.lines.entries()) {
        const logged = world.conflicts.filter(({ unit }) => unit.startsWith(`lines["${index}"]`));
        const { here, there } = line;
        if (isEdit(here) && here.text !== line.text && there === 'delete') expect(logged).toHaveLength(1);
        if (!isEdit(here) || !isEdit(there)) continue;
        const [mine, theirs, base] = [world.stored(here.text), world.stored(there.text), world.stored(line.text)];
        if (here.text === line.text || theirs === base || mine === theirs) continue;
        expect(logged).toHaveLength(1);
        expect([logged[0]?.hub, logged[0]?.remote ?? null]).toEqual([here.text, theirs]);
      }
    });
  });

  test('of one side alone are carried over, without a conflict', () => {
    const apart = scene.map((one) => ({
      ...one,
      lines: one.lines.map((line, index) => ({ ...line, [index % 2 === 0 ? 'here' : 'there']: 'keep' as const })),
    }));
    check((world, one) => {
      world.settle();
      expect(world.conflicts).toEqual([]);
      for (const line of one.lines)
        for (const end of endOf(world, line, one.authority)) expect(world.there()).toContain(end);
    }, apart);
  });
});

describe('idempotence', () => {
  test('the same list merged again changes nothing, before and after the write', () => {
    check((world) => {
      world.look();
      const [hubWrites, logged] = [world.hubWrites, world.conflicts.length];
      const hub = structuredClone(world.hub);
      world.look();
      expect([world.hub, world.hubWrites]).toEqual([hub, hubWrites]);
      world.push();
      const remote = structuredClone(world.remote);
      expect(world.look()).toBe(false);
      expect(world.push()).toBe(false);
      expect([world.hub, world.remote]).toEqual([hub, remote]);
      expect(world.remoteWrites).toBeLessThanOrEqual(1);
      expect(world.conflicts.length).toBe(logged);
    });
  });
});
