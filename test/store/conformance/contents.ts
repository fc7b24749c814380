/** The rows of the schema `syncflow` on either hub, in the same form. */
import type { Database } from '../../../src/store/database.js';
import type { MemoryHub } from '../../simulation/memory-hub/hub.js';
import { isoText } from '../../simulation/memory-hub/moment.js';

export const tables = [
  'setting',
  'mark',
  'link',
  'intent',
  'inbox',
  'cursor',
  'conflict',
  'history',
  'run',
  'sleeper',
] as const;

export type Contents = Readonly<Record<string, readonly string[]>>;

const isMoment = (name: string): boolean => name === 'at' || name === 'since' || /_(at|until)$/.test(name);

export function memoryContents(hub: MemoryHub): Contents {
  return Object.fromEntries(
    tables.map((name) => {
      const rows = [...hub.store[name].slots].flatMap(({ committed }) => (committed === undefined ? [] : [committed]));
      return [name, rows.map((row) => shown(Object.entries(row))).sort()];
    }),
  );
}

export async function sqlContents(db: Database): Promise<Contents> {
  const contents: Record<string, readonly string[]> = {};
  for (const name of tables) {
    const rows = await db.query<Record<string, unknown>>(`select * from syncflow."${name}"`);
    contents[name] = rows.map((row) => shown(Object.entries(row))).sort();
  }
  return contents;
}

/** Keys of both: whole numbers are text in SQL, timestamps are numbers in memory. */
function shown(entries: readonly (readonly [string, unknown])[]): string {
  return entries
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${isMoment(name) ? moment(value) : String(value)}`)
    .sort()
    .join(' ');
}

function moment(value: unknown): string {
  if (typeof value === 'number') return isoText(value);
  const [, day = '', time = '', fraction = ''] = /^(\S+) (\d\d:\d\d:\d\d)(?:\.(\d+))?\+00/.exec(String(value)) ?? [];
  return `${day}T${time}.${fraction.padEnd(6, '0')}Z`;
}

/** Rows that only one of the two has. */
export function differences(memory: Contents, sql: Contents): string[] {
  return tables.flatMap((name) => {
    const here = memory[name] ?? [];
    const there = sql[name] ?? [];
    return [
      ...here.filter((row) => !there.includes(row)).map((row) => `${name} in memory: ${row}`),
      ...there.filter((row) => !here.includes(row)).map((row) => `${name} in SQL: ${row}`),
      ...(here.length === there.length ? [] : [`${name}: ${here.length} rows in memory, ${there.length} in SQL`]),
    ];
  });
}
