/** Remotes and rows with hostile values: each is taken over or parked, the records beside it go on, and all comes to rest. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { Catalog } from '../../src/catalog/catalog.js';
import { json } from '../../src/catalog/fields.js';
import { EmbeddedDatabase } from '../../src/store/embedded.js';
import { Syncflow } from '../../src/syncflow.js';
import { MemorySubscriber, MemorySystem } from '../../src/testing/memory-system/index.js';

function makeWorld(direction: 'both' | 'outward' | 'inward') {
  class Note extends Catalog({
    name: 'note',
    key: 'id',
    fields: { id: z.int(), title: z.string(), text: z.string().nullable(), data: json(z.unknown()).nullable() },
  }) {}
  class MemoryNote extends MemorySubscriber<typeof Note> {
    override readonly mapping = this.map({
      title: 'values.title',
      text: { remote: 'values.text', direction },
      data: { remote: 'values.data', direction },
    });
  }
  Note.register(MemoryNote);
  const system = new MemorySystem();
  const flow = new Syncflow({
    database: new EmbeddedDatabase(),
    catalogs: [Note],
    accounts: { memory: system },
    wakeIntervalMs: 20,
    pollIntervalMs: 20,
    retry: { baseMs: 1, maxMs: 5, maxAttempts: 3 },
  });
  return { flow, system, notes: flow.catalog(Note) };
}

const nested = (levels: number): unknown => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`) as unknown;

const hostile: Record<string, Record<string, unknown>> = {
  nul: { text: 'a\u0000b' },
  'nul in data': { data: { 'k\u0000': 'v\u0000' } },
  'lone surrogate': { text: 'half \ud800' },
  'lone surrogate in data': { data: ['\udfff'] },
  'prototype keys': {
    data: JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}') as unknown,
  },
  'wrong types': { text: { toString: 'x' } },
  'a number for a text': { text: 7 },
  'quotes and SQL': { text: `'; drop table note; --"\\` },
  'control characters': { text: '\u001b[2J\u202e\u0007' },
  'a long text': { text: 'x'.repeat(300_000) },
  '500 levels': { data: nested(500) },
};

test.each(['both', 'outward', 'inward'] as const)(
  'remotes with hostile values (%s) delay nobody, and all comes to rest',
  async (direction) => {
    const { flow, system, notes } = makeWorld(direction);
    try {
      for (const title of Object.keys(hostile)) system.put(title, { title, text: 'plain', data: null });
      await flow.sync();
      expect(await notes.get(1)).toBeDefined();
      for (const [title, values] of Object.entries(hostile)) system.edit(title, values);
      system.put('good', { title: 'good', text: 'fine', data: { fine: true } });
      await flow.sync();
      const titles = await flow.database.query<{ title: string }>('select title from note order by title');
      expect(titles.map(({ title }) => title)).toEqual([...Object.keys(hostile), 'good'].sort());
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
      // rest: a further round writes nothing to either side
      const writes = (): number => system.calls.filter(({ call }) => call !== 'fetch' && call !== 'find').length;
      const before = writes();
      await flow.sync();
      expect(writes()).toBe(before);
      const [due] = await flow.database.query<{ n: number }>(
        'select count(*)::int as n from syncflow.link where due_at is not null and parked_code is null',
      );
      expect(due?.n).toBe(0);
    } finally {
      await flow.stop();
    }
  },
);
