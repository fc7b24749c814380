/** The hub in memory and SQL give the same answers to the same calls, and hold the same rows afterwards. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database, Queryable } from '../../../src/store/database.js';
import { sqlState } from '../../../src/store/database.js';
import { EmbeddedDatabase } from '../../../src/store/embedded.js';
import type { Link } from '../../../src/store/links.js';
import type { Intent } from '../../../src/store/intents.js';
import { migrate } from '../../../src/store/migrate.js';
import { EmbeddedHub } from '../../simulation/embedded-hub.js';
import { MemoryHub } from '../../simulation/memory-hub/hub.js';
import { VirtualTime } from '../../simulation/time.js';
import { runs } from '../../property/runs.js';
import { storeCommands, type Command, type Known } from './commands.js';
import { differences, memoryContents, sqlContents, tables } from './contents.js';

let embedded: EmbeddedDatabase;
beforeAll(async () => {
  embedded = new EmbeddedDatabase();
  await embedded.open();
  // through the hub, so that the defaults of its columns tell the virtual time as well
  const time = new VirtualTime(Date.UTC(2026, 0, 1));
  const hub = new EmbeddedHub(embedded, time);
  await time.until(
    hub.open().then(() => migrate(hub)),
    60_000,
  );
}, 60_000);
afterAll(() => embedded.close());

type Answer = { readonly value: unknown } | { readonly refused: string };

async function answerOf(time: VirtualTime, db: Database, command: Command, known: Known): Promise<Answer> {
  const asked = (
    command.opensOwn ? command.run(db, db, known) : db.transaction((tx: Queryable) => command.run(tx, db, known))
  ).then(
    (value): Answer => ({ value: plain(value) }),
    (error: unknown): Answer => {
      const state = sqlState(error);
      if (state === undefined) throw error;
      return { refused: state };
    },
  );
  await time.until(asked, 60_000);
  return asked;
}

const plain = (value: unknown): unknown => (value === undefined ? null : JSON.parse(JSON.stringify(value)));

/** What later commands work with. */
function remember(known: Known, command: Command, answer: Answer): void {
  if (!('value' in answer)) return;
  const { value } = answer;
  if (command.name === 'claimLinks') known.claimed.push(...(value as Link[]));
  if (command.name === 'insertIntents') known.intents.push(...(value as [string, Intent][]).map(([, one]) => one));
  if (command.name === 'runs' && value !== null) known.runs.push((value as { id: string }).id);
}

test('random calls of the store', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(storeCommands, fc.nat(1_500)), { maxLength: 40, size: 'max' }),
      async (commands) => {
        const time = new VirtualTime(Date.UTC(2026, 0, 1));
        const memory = new MemoryHub(time);
        const sql = new EmbeddedHub(embedded, time);
        await embedded.execute(`truncate ${tables.map((one) => `syncflow."${one}"`).join(', ')} restart identity`);
        const known: Known = { claimed: [], intents: [], runs: [], events: [] };
        for (const [command, ms] of commands) {
          await time.until(time.sleep(ms + 1), ms + 2);
          const there = await answerOf(time, sql, command, known);
          const here = await answerOf(time, memory, command, known);
          expect(JSON.stringify(here), command.show).toBe(JSON.stringify(there));
          remember(known, command, there);
          expect(differences(memoryContents(memory), await sqlContents(embedded)).join('\n'), command.show).toBe('');
        }
      },
    ),
    { ...runs(20), includeErrorInReport: true },
  );
});
