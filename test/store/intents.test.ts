import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { groundOf } from '../../src/engine/ground.js';
import type { Database } from '../../src/store/database.js';
import { insertIntents, openIntents, type IntentBody } from '../../src/store/intents.js';
import { claimLinks } from '../../src/store/links.js';
import { makeDue } from '../../src/store/marks.js';
import { hubs } from '../setup/hub.js';

describe.each(hubs)('intents on $name', (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
    await groundOf(db).migrate();
  }, 60_000);
  afterAll(() => db.close());

  const values = { name: 'Ada', changed: 'x', draft: null };
  const bodyWith = (changed: IntentBody['draft']['changed']): IntentBody => ({
    key: '["1"]',
    known: {},
    draft: { values, changed, children: {}, sent: {}, sentChildren: {} },
    base: {},
  });

  test.each([
    { what: 'a create changes all that it sends', body: bodyWith(values) },
    { what: 'an update changes a part', body: bodyWith({ name: 'Ada' }) },
    { what: 'an update of child rows alone changes nothing', body: bodyWith({}) },
  ])('$what: the frozen body comes back as it was', async ({ what, body }) => {
    await makeDue(db, [
      { subscriber: 'customer/a', key: JSON.stringify([what]), lane: 0, at: null, by: null, deleted: false },
    ]);
    const [link] = await claimLinks(db, { subscriber: 'customer/a', limit: 1, owner: 'w', leaseMs: 60_000 });
    if (link === undefined) throw new Error('nothing to claim');
    await insertIntents(db, [{ link, kind: 'create', idempotencyKey: `k ${what}`, body }]);
    expect((await openIntents(db, [link])).get(link.id)?.body).toEqual(body);
  });
});
