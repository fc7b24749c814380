/** The process dies at the n-th database step of one pass, for every n; a fresh one takes over. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/store/database.js';
import type { Syncflow } from '../../src/syncflow.js';
import { hubs } from '../setup/hub.js';
import { age, contactCatalog, expectAgreement, settle, startOn, type DeathMode } from './hub-scenario.js';
import { MemorySystem } from './world.js';

interface Step {
  readonly name: string;
  /** Whether a record is there, and in agreement, before it begins. */
  readonly needsRecord: boolean;
  run(at: Scene): Promise<unknown>;
  /** What both sides hold once all has settled; undefined: nothing. */
  readonly email: string | undefined;
}

interface Scene {
  readonly db: Database;
  readonly flow: Syncflow;
  readonly system: MemorySystem;
  readonly table: string;
  readonly id: number;
  readonly remoteId: string;
}

const steps: Step[] = [
  {
    name: 'create',
    needsRecord: false,
    email: 'made@x',
    run: ({ db, table, id }) => db.query(`insert into ${table} (id, name, email) values (${id}, 'Ada', 'made@x')`),
  },
  {
    name: 'update',
    needsRecord: true,
    email: 'new@x',
    run: ({ db, table, id }) => db.query(`update ${table} set email = 'new@x' where id = ${id}`),
  },
  {
    name: 'delete',
    needsRecord: true,
    email: undefined,
    run: ({ db, table, id }) => db.query(`delete from ${table} where id = ${id}`),
  },
  {
    name: 'inward update',
    needsRecord: true,
    email: 'there@x',
    run: ({ flow, system, remoteId }) => {
      system.edit(remoteId, { email: 'there@x' });
      return flow.sync();
    },
  },
  {
    name: 'inward create',
    needsRecord: false,
    email: 'theirs@x',
    run: ({ flow, system }) => {
      system.put('theirs', { name: 'Grace', email: 'theirs@x', city: null });
      return flow.sync();
    },
  },
];
const modes: DeathMode[] = ['before', 'after'];
const cases = steps.flatMap((step) => modes.map((mode) => ({ step, mode, name: `${step.name}, ${mode}` })));
const quiet = { pollIntervalMs: 3_600_000, wakeIntervalMs: 1000 };

describe.each(hubs)('$name', { timeout: 240_000 }, (hub) => {
  let db: Database;
  let round = 0;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  test.each(cases)('$name its step was done', check);

  async function check({ step, mode }: (typeof cases)[number]): Promise<void> {
    const table = `killed${++round}`;
    const { Contact, MemoryContact } = contactCatalog(table);
    Contact.register(MemoryContact);
    const wrong: string[] = [];
    let n = 0;
    for (let finished = false; !finished;) {
      n += 1;
      const system = new MemorySystem();
      const id = n;
      const first = await startOn(db, [Contact], { memory: system }, quiet);
      if (step.needsRecord) await first.flow.catalog(Contact).save({ id, name: 'Ada', email: 'old@x' });
      await first.flow.sync(); // nothing is left to be heard of
      const writesBefore = system.writes;
      const died = first.mortal.dieAt(n, mode);
      const [remoteId = ''] = system.objects.keys();
      const scene = { db, flow: first.flow, system, table, id, remoteId };
      const work = step.run(scene).then(() => settle(first));
      finished = await Promise.race([died.then(() => false), work.then(() => true)]).catch(() => false);
      const { lastWords } = first.mortal;
      first.mortal.dead = true;
      await first.flow.stop();
      await work.catch(() => undefined);

      await age(db);
      const second = await startOn(db, [Contact], { memory: system }, { pollIntervalMs: 20 }, false);
      try {
        await settle(second);
        await second.flow.sync();
        await settle(second);
        await expectAgreement(db, table, system);
        const emails = [...system.objects.values()].map(({ values }) => values['email']);
        expect(emails).toEqual(step.email === undefined ? [] : [step.email]);
        // an inward edit is never written back; an outward one is sent at most twice (an update or delete may be repeated)
        const most = step.name.startsWith('inward') ? 0 : step.name === 'create' ? 1 : 2;
        expect(system.writes - writesBefore).toBeLessThanOrEqual(most);
      } catch (error) {
        wrong.push(`${n} (${lastWords}): ${error instanceof Error ? error.message : String(error)}`);
      }
      await second.flow.stop();
      await db.query(`delete from ${table}`);
      await db.query(`delete from syncflow.mark`);
      await db.query(`delete from syncflow.link where subscriber = '${table}/memory'`);
      await db.query(`delete from syncflow.intent where subscriber = '${table}/memory'`);
      await db.query(`delete from syncflow.inbox where subscriber = '${table}/memory'`);
      await db.query(`delete from syncflow.cursor where subscriber = '${table}/memory'`);
      await db.query(`delete from syncflow.history where subscriber = '${table}/memory'`); // or the brake would trip
      await db.query(`delete from syncflow.run where subscriber = '${table}/memory'`);
      if (n > 80) throw new Error('never finished');
    }
    expect(wrong).toEqual([]);
    expect(n).toBeGreaterThan(8);
  }
});
