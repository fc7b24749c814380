/** What people do now and then, and what makes it hard to follow them. */
import type { Chance } from './chance.js';
import type { FaultKind } from './faults.js';
import { pace } from './pace.js';
import { units, type HubKind, type Pen, type People } from './people.js';
import { codeOf, type RemotePeople } from './remote-people.js';
import type { World } from './world.js';

/** Keys that no sequence will ever give out here. */
const firstMovedKey = 1_000_000;

export class Mischief {
  readonly #world: World;
  readonly #people: People;
  readonly #remote: RemotePeople;
  readonly #pen: Pen;
  readonly #open: Promise<void>[] = [];
  #moved = firstMovedKey;

  constructor(world: World, people: People, remote: RemotePeople, pen: Pen) {
    this.#world = world;
    this.#people = people;
    this.#remote = remote;
    this.#pen = pen;
  }

  async act(): Promise<void> {
    for (const [kind, work] of Object.entries(this.#acts) as [FaultKind, (chance: Chance) => unknown][]) {
      const { faults } = this.#world;
      if (faults.hits(kind, 'people', 'capture')) await work(faults.chance(kind));
    }
  }

  async finish(): Promise<void> {
    await Promise.all(this.#open);
  }

  readonly #acts = {
    reinsert: (chance: Chance) => (chance.hits(0.5) ? this.#reinsert() : this.#reinsertLater(chance)),
    rekey: () => this.#rekey(),
    truncate: () => this.#truncate(),
    bulk: (chance: Chance) => (chance.hits(0.8) ? this.#bulkEdit() : this.#bulkDelete(chance)),
    longTransaction: (chance: Chance) => {
      this.#open.push(this.#world.background(this.#dawdle(chance)));
    },
    rollback: () => this.#rollBack(),
    sameSecond: (chance: Chance) => this.#sameSecond(chance),
    invalid: (chance: Chance) =>
      chance.hits(0.3)
        ? this.#people.editHub('customer', { unit: 'name', flaw: '!' })
        : this.#remote.edit(chance.pick(this.#world.remotes), 'customer', { unit: 'name', flaw: '!' }),
    unheard: (chance: Chance) => this.#editUnheard(chance),
    unwelcome: () => this.#people.editHub('customer', { unit: 'city', flaw: '?' }),
    clash: async (chance: Chance) =>
      this.#remote.clash(chance.pick(this.#world.remotes), await this.#world.user.rows('customer')),
    merged: (chance: Chance) => this.#remote.merge(chance.pick(this.#world.remotes)),
    imported: (chance: Chance) => this.#remote.import(chance.pick(this.#world.remotes), chance),
    childFirst: (chance: Chance) => this.#remote.insertOrder(chance.pick(this.#world.remotes), true),
  } satisfies Partial<Record<FaultKind, (chance: Chance) => unknown>>;

  /** Another record comes under the key of one that is deleted in the same transaction. */
  async #reinsert(): Promise<void> {
    await this.#world.user.transaction(async (session) => {
      const row = await this.#people.lockOne(session, 'customer');
      if (row !== undefined && (await this.#people.deleteRow(session, 'customer', row)))
        await this.#people.insertCustomer(session, row);
    });
  }

  /** Another record comes under a key that was free for a while: the remotes of the one before may be gone, or not yet. */
  async #reinsertLater(chance: Chance): Promise<void> {
    const { vacated } = this.#people;
    await this.#world.user.transaction(async (session) => {
      const taken = new Set((await session.rows('customer', { lock: true })).map((row) => row.id));
      const free = vacated.filter(({ id }) => !taken.has(id));
      if (free.length > 0) await this.#people.insertCustomer(session, chance.pick(free));
    });
  }

  async #rekey(): Promise<void> {
    const { user, ledger, codes } = this.#world;
    await user.transaction(async (session) => {
      const row = await this.#people.lockOne(session, 'customer');
      if (row === undefined) return;
      const orders = await session.rows('orders', { lock: true });
      if (orders.some((order) => order.customer_id === row.id)) return;
      const key = ++this.#moved;
      await session.rekey('customer', row.id, key);
      codes.set(`customer["${key}"]`, row.code);
      ledger.touch(this.#world.at, row.code, `hub: its key is ${key} now`);
    });
  }

  async #truncate(): Promise<void> {
    const { user, ledger } = this.#world;
    await user.transaction(async (session) => {
      await session.lockWhole('orders');
      const orders = await session.rows('orders', { lock: true });
      await session.truncate('orders');
      for (const row of orders) ledger.delete(this.#world.at, 'hub', row.code, [row.note]);
    });
  }

  /** One statement over all rows. */
  async #bulkEdit(): Promise<void> {
    await this.#world.user.transaction(async (session) => {
      const rows = await session.rows('customer', { lock: true });
      if (rows.length === 0) return;
      const city = (row: (typeof rows)[number]): string => this.#pen.write('hub', row.code, 'city', row.city);
      await session.set('customer', 'city', new Map(rows.map((row) => [row.id, city(row)])));
    });
  }

  async #bulkDelete(chance: Chance): Promise<void> {
    const { user, ledger } = this.#world;
    await user.transaction(async (session) => {
      const orders = await session.rows('orders', { lock: true });
      const rows = chance.some(orders, Math.floor(orders.length / 2));
      await session.delete(
        'orders',
        rows.map((row) => row.id),
      );
      for (const row of rows) ledger.delete(this.#world.at, 'hub', row.code, [row.note]);
    });
  }

  async #editUnheard(chance: Chance): Promise<void> {
    await this.#world.user.transaction(async (session) => {
      await session.silence();
      if (chance.hits(0.2)) return this.#people.insertCustomer(session);
      const row = await this.#people.lockOne(session, 'customer');
      if (row === undefined) return;
      const unit = chance.pick(units.customer);
      const token = this.#pen.write('hub', row.code, unit, row[unit as keyof typeof row]);
      await session.set('customer', unit, new Map([[row.id, token]]));
    });
  }

  async #dawdle(chance: Chance): Promise<void> {
    await this.#world.user.transaction(async (session) => {
      await this.#people.insertCustomer(session);
      await this.#world.time.sleep(chance.within(pace.longTransaction));
      await this.#people.insertCustomer(session);
    });
  }

  /** Nothing of it ever was. */
  async #rollBack(): Promise<void> {
    const { user } = this.#world;
    class ChangedMind extends Error {}
    await user
      .transaction(async (session) => {
        const row = await this.#people.lockOne(session, 'customer');
        if (row !== undefined) await session.set('customer', 'city', new Map([[row.id, 'rolled back']]));
        await session.insert('customer', { code: 'never', name: 'rolled back', email: null, city: null });
        throw new ChangedMind();
      })
      .catch((error: unknown) => {
        if (!(error instanceof ChangedMind)) throw error;
      });
  }

  async #sameSecond(chance: Chance): Promise<void> {
    const { remotes, time } = this.#world;
    // as late in a second as can be, so that the edits have one stamp
    await time.sleep(1_000 - (time.ms % 1_000));
    const kind: HubKind = chance.hits(0.7) ? 'customer' : 'order';
    const [first] = remotes;
    const thing = first === undefined ? undefined : this.#remote.pick(chance.pick(remotes), kind);
    if (thing === undefined) return;
    const code = codeOf(thing);
    const unit = chance.pick<string>(units[kind]);
    for (const remote of remotes) {
      const own = remote.find(kind, code);
      if (own !== undefined && chance.hits(0.6)) this.#remote.edit(remote, kind, { unit, thing: own });
      if (own !== undefined && chance.hits(0.2)) {
        const again = remote.things[kind].get(own.id);
        if (again !== undefined) this.#remote.edit(remote, kind, { unit, thing: again });
      }
    }
    if (chance.hits(0.7)) await this.#people.editHub(kind, { unit, only: code });
  }
}
