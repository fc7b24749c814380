import { describe, expect, test } from 'vitest';
import type { Authority, UnitSpec } from '../../src/subscriber/mapping.js';
import {
  atOnce,
  conflictsOf,
  contactCatalog,
  contactMapping,
  memorySide,
  MemorySystem,
  only,
  useStage,
  writesWhenQuiet,
} from './stage.js';

const stage = useStage();
const hubTime = '2026-01-31T12:00:00.000000Z';
const merging: Authority = ({ hub, remote }) => ({ value: `${String(hub)} & ${String(remote)}` });

interface Case {
  readonly what: string;
  readonly unit: Omit<UnitSpec, 'remote'>;
  /** When the remote was edited; the hub was at noon. */
  readonly remoteAt?: string;
  readonly ends: string;
  readonly winner: 'hub' | 'remote' | 'merged';
}

const cases: Case[] = [
  { what: 'no declared authority', unit: {}, ends: 'Hubville', winner: 'hub' },
  { what: 'authority hub', unit: { authority: 'hub' }, ends: 'Hubville', winner: 'hub' },
  { what: 'authority remote', unit: { authority: 'remote' }, ends: 'Remoton', winner: 'remote' },
  {
    what: 'latest, the remote a second later',
    unit: { authority: 'latest' },
    remoteAt: '2026-01-31T12:00:01Z',
    ends: 'Remoton',
    winner: 'remote',
  },
  {
    what: 'latest, the remote a second earlier',
    unit: { authority: 'latest', tie: 'remote' },
    remoteAt: '2026-01-31T11:59:59Z',
    ends: 'Hubville',
    winner: 'hub',
  },
  {
    what: 'latest, another zone',
    unit: { authority: 'latest' },
    remoteAt: '2026-01-31T14:00:01+02:00',
    ends: 'Remoton',
    winner: 'remote',
  },
  {
    what: 'latest, a tie',
    unit: { authority: 'latest' },
    remoteAt: '2026-01-31T12:00:00Z',
    ends: 'Hubville',
    winner: 'hub',
  },
  {
    what: 'latest, a tie that goes to the remote',
    unit: { authority: 'latest', tie: 'remote' },
    remoteAt: '2026-01-31T12:00:00Z',
    ends: 'Remoton',
    winner: 'remote',
  },
  { what: 'a function that says remote', unit: { authority: () => 'remote' }, ends: 'Remoton', winner: 'remote' },
  { what: 'a function that says hub', unit: { authority: () => 'hub' }, ends: 'Hubville', winner: 'hub' },
  { what: 'a function that merges', unit: { authority: merging }, ends: 'Hubville & Remoton', winner: 'merged' },
];

describe.each(cases)('$what', ({ unit, remoteAt, ends, winner }) => {
  test('both sides end with the winner, the log has both values', async () => {
    const Contact = contactCatalog();
    Contact.register(memorySide({ mapping: { ...contactMapping, city: { remote: 'values.city', ...unit } } }));
    const system = new MemorySystem();
    const world = await stage.start([Contact], { memory: system });
    const contacts = world.flow.catalog(Contact);
    const ada = await contacts.save({ name: 'Ada', city: 'Oldtown' });
    await world.flow.sync();
    const { id } = only(system);

    await atOnce(world, 'contact/memory', async () => {
      await stage.db.transaction(async (tx) => {
        await tx.query(`select set_config('syncflow.edited_at', $1, true)`, [hubTime]);
        await tx.query(`update contact set city = 'Hubville' where id = $1`, [ada.id]);
      });
      const object = system.edit(id, { city: 'Remoton' });
      system.objects.set(id, { ...object, editedAt: remoteAt ?? object.editedAt });
    });

    expect(await contacts.get(ada.id)).toEqual({ ...ada, city: ends });
    expect(only(system).values).toMatchObject({ city: ends, name: 'Ada' });
    expect(await conflictsOf(world)).toEqual([
      {
        subscriber: 'contact/memory',
        unit: 'city',
        base: '"Oldtown"',
        hub: '"Hubville"',
        remote: '"Remoton"',
        winner,
      },
    ]);
    expect(system.writes).toBe(winner === 'remote' ? 1 : 2);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });
});

test('an unsure function (no times known) gets undefined, not a guess', async () => {
  const told: unknown[] = [];
  const Contact = contactCatalog();
  const authority: Authority = (sides) => {
    told.push(sides);
    return 'remote';
  };
  Contact.register(memorySide({ mapping: { ...contactMapping, city: { remote: 'values.city', authority } } }));
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  const ada = await world.flow.catalog(Contact).save({ name: 'Ada' });
  await world.flow.sync();
  await atOnce(world, 'contact/memory', async () => {
    await world.flow.catalog(Contact).save({ id: ada.id, city: 'Hubville' });
    system.edit(only(system).id, { city: 'Remoton' });
  });
  expect(told.at(-1)).toMatchObject({ unit: 'city', base: null, hub: 'Hubville', remote: 'Remoton' });
  expect(await world.flow.catalog(Contact).get(ada.id)).toEqual({ ...ada, city: 'Remoton' });
});
