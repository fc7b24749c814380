/** A shop at work, for as long as somebody watches: small edits on all sides, and now and then a mistake that is mended. */
import { systemClock } from '../engine/environment.js';
import { Customer } from './catalogs.js';
import { changeDocument, stripeId } from './story.js';
import type { DemoWorld } from './world.js';

const cities = ['Lisboa', 'Graz', 'Tromsø', 'Olomouc', 'Leiden', 'Recife', 'Kraków', 'Brno'];
/** Customers that the life leaves alone: what the scenes made of them is there to be looked at. */
const first = 10;
const last = 50;
const pauseMs = { least: 700, most: 2_600 };

/** Resolves once the signal aborts. An edit that fails is the shop's own affair: the next one follows. */
export async function live(world: DemoWorld, signal: AbortSignal): Promise<void> {
  // one thing that only a person can mend, so that there is something to do
  await world.flow.database.query(`update customer set email = 'frantisek at jetbrains' where id = 5`);
  for (let turn = 0; !signal.aborted; turn++) {
    await edit(world, turn).catch(() => undefined);
    await systemClock.sleep(pauseMs.least + Math.random() * (pauseMs.most - pauseMs.least), signal);
  }
}

async function edit({ flow, stripe, couch }: DemoWorld, turn: number): Promise<void> {
  const id = first + Math.floor(Math.random() * (last - first));
  const city = cities[turn % cities.length] ?? '';
  switch (turn % 5) {
    case 0:
    case 2:
      await flow.database.query('update customer set city = $1 where id = $2', [city, id]);
      return;
    case 1:
      await stripe.customers.update(await stripeId(flow, 'customer', id), { phone: `+42 ${1000 + turn}` });
      return;
    case 3:
      await changeDocument(couch, id, { company: `${city} & Co.` });
      return;
    default:
      await flow.catalog(Customer).save({ id, company: `${city} Trading` });
  }
}
