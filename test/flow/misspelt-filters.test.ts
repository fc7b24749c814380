/** A filter that nothing can ever fit must not pass for "nothing is parked". */
import { expect, test } from 'vitest';
import type { Syncflow } from '../../src/syncflow.js';
import { contactCatalog, memorySide, MemorySystem, useStage } from './stage.js';

const stage = useStage();

test.each<[string, (flow: Syncflow) => Promise<unknown>, string]>([
  ['parked, a code', (flow) => flow.parked({ code: 'ambigous' }), 'Did you mean "ambiguous"?'],
  ['parked causes, a code', (flow) => flow.parkedCauses({ code: 'rejectd' }), 'Did you mean "rejected"?'],
  ['parked, a subscriber', (flow) => flow.parked({ subscriber: 'contact/memry' }), 'Did you mean "contact/memory"?'],
  ['conflicts, a subscriber', (flow) => flow.conflicts({ subscriber: 'foo' }), 'There are: contact/memory.'],
  ['retry, a code', (flow) => flow.retry({ code: 'nope' }), 'There are: validation, '],
  ['release, a catalog', (flow) => flow.release('contct'), 'Did you mean "contact/memory"?'],
  ['discard, a catalog', (flow) => flow.discard('contact'), 'Did you mean "contact/memory"?'],
])('%s that is misspelt is refused, and what was meant is said', async (_, ask, hint) => {
  const Contact = contactCatalog();
  Contact.register(memorySide());
  const { flow } = await stage.start([Contact], { memory: new MemorySystem() });
  await expect(ask(flow)).rejects.toMatchObject({ code: 'usage', hint: expect.stringContaining(hint) as string });
  expect(await flow.parked({ code: 'rejected', subscriber: 'contact/memory' })).toEqual([]);
});

test('what a subscriber of before has left behind is still found by its name', async () => {
  const Contact = contactCatalog();
  Contact.register(memorySide());
  const memory = new MemorySystem();
  memory.faults.push({ call: 'create', kind: 'rejected' });
  const { flow } = await stage.start([Contact], { memory });
  await flow.catalog(Contact).save({ name: 'Ada' });
  await flow.sync();
  await stage.db.query(`update syncflow.link set subscriber = 'contact/former'`);
  expect(await flow.parked({ subscriber: 'contact/former' })).toHaveLength(1);
  expect(await flow.parkedCauses({ subscriber: 'contact/former' })).toHaveLength(1);
});
