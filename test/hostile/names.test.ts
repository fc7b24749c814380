/** Catalogs whose names are hostile: quotes, reserved words, other scripts, names beyond Postgres's 63 bytes. They work or are refused. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Catalog, type CatalogClass } from '../../src/catalog/catalog.js';
import { formatKey } from '../../src/catalog/key.js';
import { ensureTable } from '../../src/catalog/table.js';
import { EmbeddedDatabase } from '../../src/store/embedded.js';
import { leastCapabilities } from '../../src/subscriber/capabilities.js';
import { Syncflow } from '../../src/syncflow.js';
import { MemorySubscriber, MemorySystem } from '../../src/testing/memory-system/index.js';

const names: readonly string[] = [
  'select',
  'user',
  'table',
  'Order',
  'with space',
  'quote"d',
  "apo'strophe",
  'back\\slash',
  'semi;colon -- drop table x',
  '$1',
  '$$',
  '%s',
  '日本語',
  'naïve',
  '💥',
  'a.b',
  'new',
  'old',
  'key',
  'ctid_',
  'x'.repeat(63),
  'ü'.repeat(31),
];

const long: readonly string[] = ['x'.repeat(64), 'ü'.repeat(32), '💥'.repeat(16), `${'x'.repeat(63)}"`];

function catalogOf(place: 'field' | 'table' | 'schema' | 'key' | 'child', name: string): CatalogClass {
  const field = place === 'field' ? name : 'name';
  const key = place === 'key' ? name : 'id';
  const fields = { [key]: z.int(), [field]: z.string().nullable() };
  return Catalog({
    name: 'thing',
    key,
    fields,
    ...(place === 'table' ? { table: name } : {}),
    ...(place === 'schema' ? { schema: name } : {}),
    ...(place === 'child'
      ? {
          children: {
            lines: {
              table: name,
              key: 'id',
              parent: 'thing_id',
              fields: { id: z.int(), thing_id: z.int(), text: z.string() },
            },
          },
        }
      : {}),
  });
}

/** The whole road, there and back, with a catalog that is called like this. */
async function goRound(place: 'field' | 'table' | 'schema' | 'key', name: string): Promise<void> {
  const field = place === 'field' ? name : 'name';
  const key = place === 'key' ? name : 'id';
  const Thing = class extends catalogOf(place, name) {};
  class Side extends MemorySubscriber<typeof Thing> {
    override readonly capabilities = { ...leastCapabilities, marker: true, polling: true, listing: true };
    override readonly mapping = { [field]: { remote: 'values.text' } };
  }
  Thing.register(Side);
  const system = new MemorySystem();
  const flow = new Syncflow({
    database: new EmbeddedDatabase(),
    catalogs: [Thing],
    accounts: { memory: system },
    wakeIntervalMs: 20,
    pollIntervalMs: 20,
  });
  try {
    const things = flow.catalog(Thing);
    await things.save({ [key]: 1, [field]: 'out' });
    await flow.sync();
    const [remote] = [...system.objects.values()];
    expect(remote?.values['text']).toBe('out');
    system.edit(remote?.id ?? '', { text: 'back' });
    await flow.sync();
    expect(await things.get(1)).toMatchObject({ [field]: 'back' });
    await things.delete(1);
    await flow.sync();
    expect(system.objects.size).toBe(0);
  } finally {
    await flow.stop();
  }
}

describe('whole flows', () => {
  test.each([
    ['field', 'quote"d'],
    ['field', "apo'strophe"],
    ['table', 'semi;colon -- drop table x'],
    ['table', 'x'.repeat(63)],
    ['schema', '日本語'],
    ['key', 'back\\slash $1 %s'],
  ] as const)('a %s called %j works there and back', (place, name) => goRound(place, name), 60_000);
});

describe('tables', () => {
  let db: EmbeddedDatabase;
  beforeAll(async () => {
    db = new EmbeddedDatabase();
    await db.open();
  }, 60_000);
  afterAll(() => db.close());

  const shapes = (['field', 'table', 'schema', 'key', 'child'] as const).flatMap((place) =>
    names.map((name) => ({ place, name })),
  );

  test('every name works wherever it stands, and is found again as it is', async () => {
    for (const { place, name } of shapes) {
      const what = `${place} ${name}`;
      const { definition } = catalogOf(place, name);
      const wide = definition;
      await db.execute('drop schema public cascade; create schema public');
      expect(await ensureTable(db, wide), what).toBe('created');
      expect(await ensureTable(db, wide), what).toBe('fits');
    }
  });

  test.each(
    (['field', 'table', 'schema', 'key', 'child'] as const).flatMap((place) => long.map((name) => ({ place, name }))),
  )('a $place of more than 63 bytes is refused: Postgres would cut it ($name)', ({ place, name }) => {
    expect(() => catalogOf(place, name)).toThrow(
      expect.objectContaining({ code: 'config', message: expect.stringContaining('63 bytes') as string }) as Error,
    );
  });

  test.each(
    (['field', 'table', 'schema', 'key', 'child'] as const).flatMap((place) =>
      ['', 'a\0b', 'half \ud800'].map((name) => ({ place, name })),
    ),
  )('a $place without a name, with NUL or half a character is refused ($name)', ({ place, name }) => {
    expect(() => catalogOf(place, name)).toThrow(expect.objectContaining({ code: 'config' }) as Error);
  });

  test('a key of a record is the same text in SQL, whatever it holds', async () => {
    const parts = [
      '',
      '"',
      '\\',
      '["',
      "'",
      '/',
      '\u2028',
      '\u007f',
      '\u0001\b\f\n\r\t\u001f',
      'é',
      '💥',
      '\\u0041',
      '<script>',
    ];
    for (const part of parts) {
      const [row] = await db.query<{ key: string }>('select json_build_array($1::text, $2::text)::text as key', [
        part,
        'x',
      ]);
      expect(row?.key).toBe(formatKey([part, 'x']));
    }
  });
});

test('names of a catalog that would leave their place are refused', () => {
  for (const name of ['', ' ', 'a/b', '../x', 'a b', 'a"b', 'ä', 'a\n', '__proto__ x', 'x\0'])
    expect(() => Catalog({ name, key: 'id', fields: { id: z.int() } }), JSON.stringify(name)).toThrow(
      expect.objectContaining({ code: 'config' }) as Error,
    );
});

test('"__proto__" is refused as a field, a key and child rows, with a cure', () => {
  for (const place of ['field', 'key'] as const) {
    expect(() => catalogOf(place, '__proto__')).toThrow(
      expect.objectContaining({ code: 'config', hint: expect.stringContaining('leftOut') as string }) as Error,
    );
  }
  const lines = { table: 'line', key: 'id', parent: 'thing_id', fields: { id: z.int(), thing_id: z.int() } } as const;
  expect(() =>
    Catalog({ name: 'thing', key: 'id', fields: { id: z.int() }, children: { ['__proto__']: lines } }),
  ).toThrow(/thing: "__proto__" can't be a field/);
});
