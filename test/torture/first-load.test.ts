import { expect, test } from 'vitest';
import { hasPostgres } from '../setup/hub.js';
import { playFirstLoad } from './first-load/first-load.js';

test.skipIf(!hasPostgres)(
  'a planned first load whose processes are killed: nothing lost, nothing doubled, and a second apply writes nothing',
  { timeout: 240_000 },
  async () => {
    const { kills, problems } = await playFirstLoad({ records: 600, kills: 3 });
    expect(problems).toEqual([]);
    expect(kills.map(({ phase }) => phase)).toEqual(['comparing', 'queueing', 'applying']);
  },
);
