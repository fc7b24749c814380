/** Mistakes in leases, settling, waiting and the statements of the store. */
import type { Mutant } from './mutant.js';

const passes: readonly Mutant[] = [
  {
    name: 'lease-not-renewed',
    mistake: 'The lease of a slow pass is renewed after three times its length instead of a third.',
    breaks: ['S13'],
    file: 'src/engine/reconcile.ts',
    find: 'env.clock.sleep(env.leaseMs / 3, stop)',
    replace: 'env.clock.sleep(env.leaseMs * 3, stop)',
  },
  {
    name: 'retries-without-end',
    mistake: 'Attempts are not counted on, so that a link that always fails is never parked.',
    breaks: ['S21'],
    file: 'src/engine/result.ts',
    find: 'const attempts = link.attempts + 1;',
    replace: 'const attempts = 1;',
  },
  {
    name: 'parked-parent-awaited',
    mistake: 'A child goes on waiting for a parent that is parked, as if that were on its way.',
    breaks: ['S20'],
    file: 'src/engine/result.ts',
    find: "if (standing === 'coming') return dueInMs",
    replace: "if (standing !== 'ready') return dueInMs",
  },
  {
    name: 'events-link-not-absorbed',
    mistake: 'The link that an event made for a remote which we had just created is left beside that of its record.',
    breaks: ['S9'],
    file: 'src/store/settle.ts',
    find: '  await absorbTwins(tx, kept);\n',
    replace: '',
  },
  {
    name: 'policy-filters-rows',
    mistake: 'Only transactions refuse to have rows left out by a policy; a single statement takes them for missing.',
    breaks: ['S12'],
    file: 'src/store/database.ts',
    find: "export const sessionSettings = 'set row_security = off';",
    replace: "export const sessionSettings = 'set row_security = on';",
  },
  {
    name: 'copy-may-start',
    mistake: 'A copy of production that is started under another name goes on with its links.',
    breaks: ['S26'],
    file: 'src/engine/prepare.ts',
    find: 'if (known !== undefined && known !== environment && !adopt) {',
    replace: 'if (known === undefined && known !== environment && !adopt && environment === known) {',
  },
  {
    name: 'clash-is-agreement',
    mistake: 'What a constraint of the hub refuses again and again is let be, instead of being set aside for a person.',
    breaks: ['S1', 'S6'],
    file: 'src/apply/apply.ts',
    find: "      : parkResult(link, 'constraint', reason, { look: true });",
    replace: '      : { settlement: { link } };',
  },
  {
    name: 'late-answer-unheard',
    mistake: 'Whoever has lost the lease has nothing to say: the answer to a create that comes then is forgotten.',
    breaks: ['S9', 'S13'],
    file: 'src/engine/result.ts',
    find: '  if (late.length > 0) await transactionAgain(',
    replace: '  if (late.length < 0) await transactionAgain(',
    foundBy: 'test/flow/two-workers-on-one-hub.test.ts',
  },
  {
    name: 'lost-lease-closes-intents',
    mistake: 'Intents are closed for all results, those of links whose lease was lost included.',
    breaks: ['S8', 'S13'],
    file: 'src/engine/result.ts',
    find: 'committed.flatMap((result) => result.close ?? [])',
    replace: 'results.flatMap((result) => result.close ?? [])',
  },
];

/** Few, for the in-memory hub has to say the same in another way. */
const statements: readonly Mutant[] = [
  {
    name: 'settling-clears-a-new-hint',
    mistake: 'Settling clears “due” though a hint has come in meanwhile.',
    breaks: ['S7'],
    file: 'src/store/settle.ts',
    find: 'due_at = case when l.generation <> r.generation then case when l.parked_code is null then clock_timestamp() end when r.due_in',
    replace: 'due_at = case when r.due_in',
    twin: {
      file: 'test/simulation/memory-hub/settle.ts',
      find: '  if (!same) return link.parked_code === null ? now : null;\n',
      replace: '',
    },
  },
  {
    name: 'fence-not-checked-when-settling',
    mistake: 'A worker that has lost its lease settles the link all the same.',
    breaks: ['S13'],
    file: 'src/store/settle.ts',
    find: 'from r where l.id = r.id and l.fence = r.fence returning',
    replace: 'from r where l.id = r.id returning',
    twin: {
      file: 'test/simulation/memory-hub/settle.ts',
      find: 'return r === undefined || Number(r.fence) !== link.fence ? undefined :',
      replace: 'return r === undefined ? undefined :',
    },
  },
  {
    name: 'token-not-used-up-by-settling',
    mistake:
      'Who doesn’t know that he has settled a link, since the answer to COMMIT was lost, settles it again with what he read before.',
    breaks: ['S13'],
    file: 'src/store/settle.ts',
    find: 'lease_until = null, fence = l.fence + 1, settled_at',
    replace: 'lease_until = null, settled_at',
    twin: {
      file: 'test/simulation/memory-hub/settle.ts',
      find: '    lease_until: null,\n    fence: link.fence + 1,\n    settled_at',
      replace: '    lease_until: null,\n    settled_at',
    },
  },
  {
    name: 'leased-link-claimed',
    mistake: 'Due links are claimed whether or not somebody is at work on them.',
    breaks: ['S13'],
    file: 'src/store/links.ts',
    find: 'and (lease_until is null or lease_until < clock_timestamp())\n',
    replace: '\n',
    twin: {
      file: 'test/simulation/memory-hub/claims.ts',
      find: '        (link.lease_until === null || link.lease_until < now) &&\n',
      replace: '',
    },
  },
  {
    name: 'mark-leaves-the-generation',
    mistake: 'A mark makes a link due without raising its generation, so that a pass under way clears it.',
    breaks: ['S7'],
    file: 'src/store/marks.ts',
    find: `          generation = l.generation + 1,
          due_at = clock_timestamp(),
          lane = case when l.due_at is null then excluded.lane else least(l.lane, excluded.lane) end,`,
    replace: `          due_at = clock_timestamp(),
          lane = case when l.due_at is null then excluded.lane else least(l.lane, excluded.lane) end,`,
    twin: {
      file: 'test/simulation/memory-hub/due.ts',
      find: 'generation: link.generation + 1,\n                due_at: store.now(),\n                lane: link.due_at === null ? r.lane',
      replace: 'due_at: store.now(),\n                lane: link.due_at === null ? r.lane',
    },
  },
  {
    name: 'marks-deleted-by-a-range-of-ids',
    mistake: 'Routing deletes all marks up to the last one that it has read, those that were committed since included.',
    breaks: ['S10'],
    file: 'src/store/marks.ts',
    find: `        ), claimed as (
          delete from syncflow.mark
          where id in (select id from first union select m.id from first f join syncflow.mark m on m.statement = f.statement)
          returning id, catalog, key, op, old_key, statement, at, origin, except_subscribers
        )
        select (id % \${bulkIds})::text as id, id >= \${bulkIds} as bulk, catalog, key, op::text as op, old_key, statement, at::text as at, origin, except_subscribers from claimed order by claimed.id\`,
    },
    [limit, JSON.stringify(catalogs), which === 'live' ? bulkIds : allIds],
  );`,
    replace: `        )
        select id::text as id, false as bulk, catalog, key, op::text as op, old_key, statement, at::text as at, origin, except_subscribers from syncflow.mark
        where id in (select id from first union select m.id from first f join syncflow.mark m on m.statement = f.statement) order by mark.id\`,
    },
    [limit, JSON.stringify(catalogs)],
  ).then(async (marks) => {
    const { id } = (marks.at(-1) ?? { id: '0' }) as { readonly id?: string };
    await tx.query({ name: 'syncflow-delete-marks', text: 'delete from syncflow.mark where id <= $1' }, [id ?? '0']);
    return marks;
  });`,
    twin: {
      file: 'test/simulation/memory-hub/due.ts',
      find: `      const claimed = await store.mark.delete(tx, [...slots]);
      return claimed
        .sort(byRouting)
        .map(({ id, bulk, catalog, key, op, old_key, statement, at, origin, except_subscribers }: MarkRow) => ({
          id: String(id),
          bulk,
          catalog,
          key,
          op,
          old_key,
          statement,
          at: sqlText(at),
          origin,
          except_subscribers,
        }));
    },`,
      replace: `      const claimed = [...slots].map((slot) => rowOf(tx, slot));
      return claimed.sort(byRouting).map((mark) => ({ ...mark, id: String(mark.id), at: sqlText(mark.at) }));
    },
    'syncflow-delete-marks': async (tx, [last]) => {
      await store.mark.delete(tx, store.mark.where(tx, (mark) => mark.id <= Number(last)));
      return [];
    },`,
    },
  },
  {
    name: 'removed-line-marks-nobody',
    mistake: 'The removal of a child row doesn’t mark its parent.',
    breaks: ['S17'],
    file: 'src/capture/triggers-sql.ts',
    find: "    trigger('delete', child, suffix, changed(once('o', 'old_rows'))),\n",
    replace: '',
    twin: {
      file: 'test/simulation/memory-hub/catalog-table.ts',
      find: "await this.#mark(tx, 'D', this.#parent === undefined ? keys : this.#parents(gone));",
      replace: "if (this.#parent === undefined) await this.#mark(tx, 'D', keys);",
    },
  },
];

export const engineMutants: readonly Mutant[] = [...passes, ...statements];
